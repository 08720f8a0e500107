"""The workers of a Dask cluster: how many there are, and new ones for those that are lost or hang."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client, LocalCluster, Nanny

PAUSE: Final = 0.05
"""Seconds between looks at a scheduler that is to notice something."""
LOOK: Final = 2.0
"""Seconds without a result, or since workers were counted, after which the cluster is looked at."""
ASKED: Final = 10.0
"""Seconds between questions to a scheduler elsewhere how many workers there are."""


class DaskWorkers:
    """Counts workers and has them replaced."""

    def __init__(self, client: Client, cluster: LocalCluster | None, timeout: float) -> None:
        """Counts those there are.

        Args:
            client: connected.
            cluster: of this machine's own, or None.
            timeout: seconds to wait for the scheduler and for workers.
        """
        self._client, self._cluster, self._timeout = client, cluster, timeout
        self._seen = time.monotonic()
        self._asked = float("-inf")
        self.number = 0
        self.count()

    def count(self) -> int:
        """Counts those of this machine; a scheduler elsewhere is asked if it is there and was not lately."""
        self._counted = time.monotonic()
        if self._cluster is not None:
            self.number = len(self._cluster.scheduler.workers)
        elif self._counted - self._asked > ASKED and self._client.status == "running":
            self._asked = self._counted
            self.number = int(self._client.scheduler_info(n_workers=0)["n_workers"])
        return self.number

    def look(self) -> None:
        """Looks after them, if nobody has for a while."""
        if time.monotonic() - self._counted > LOOK:
            self.replace_lost()

    def replace_lost(self) -> None:
        """Counts the workers, and starts those of this machine anew that are not there.

        Dask does so itself, but gives up one that is killed while it starts.
        """
        there, now = self.count(), time.monotonic()
        if there:
            self._seen = now
        if self._cluster is None:
            return
        number = len(self._cluster.worker_spec)
        if there < number:
            if now - self._seen > self._timeout:
                self._cluster.scale(0)
                self._seen = now
            self._cluster.scale(number)

    def replace(self, addresses: Sequence[str]) -> None:
        """Has workers killed that hang; asked to end they would not, and Dask starts them anew.

        It is waited until the scheduler has noticed: what it gave them meanwhile would be lost.

        Raises:
            OSError: if the scheduler is lost.
            ValueError: if nobody can start one of them again.
        """
        try:
            for address in addresses:
                told = self._client.run(_kill, workers=[address], nanny=True, on_error="return")
                if list(told.values()) != [None]:  # nobody looks after it: it is sent away
                    self._client.restart_workers(
                        [address], timeout=self._timeout, raise_for_error=False
                    )
            until = time.monotonic() + self._timeout
            while not self._client.processing().keys().isdisjoint(addresses):
                if time.monotonic() > until:
                    break
                time.sleep(PAUSE)
        except KeyError:  # one of them has gone by itself
            return


def _kill(dask_worker: Nanny) -> None:
    """Ends a worker at once; runs beside it, in the process that looks after it."""
    os.kill(dask_worker.pid, signal.SIGKILL)
