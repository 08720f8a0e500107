"""Workers of Dask that do little beside their tasks.

mypy does not look into `distributed`, so that its classes are `Any` there.
"""

from __future__ import annotations

import time
from typing import Final

import dask
from dask.utils import parse_timedelta
from distributed import Nanny, Worker

from crosshook.plugins.execution.worker import make_ready

QUIET: Final = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "2s",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.worker.memory.monitor-interval": "500ms",
}
"""What Dask does less often than by default, or not at all."""
TTL: Final = "distributed.scheduler.worker-ttl"
SPARE: Final = 10
"""Heartbeats in that time."""
LONGEST: Final = 30.0
"""Seconds between heartbeats."""


class QuietWorker(Worker):  # type: ignore[misc]
    """What `dask worker --worker-class crosshook.plugins.execution.quiet_worker.QuietWorker` starts.

    It keeps its memory, is not profiled, and says twice a minute that it is there, not twice a second. A
    scheduler notices at once when the connection to a worker breaks. Heartbeats are for workers that are
    gone without that: they are given up after `distributed.scheduler.worker-ttl`, five minutes; a worker
    told of a shorter one sends ten in it. That Dask sends so many more is for its dashboard.
    """

    def __init__(self, *arguments: object, **options: object) -> None:
        """Takes what a worker of Dask takes."""
        make_ready()
        self._beaten = float("-inf")
        with dask.config.set(QUIET):
            super().__init__(*arguments, **options)

    async def heartbeat(self) -> None:
        """Says that it is there, if it has not for a while."""
        ttl = parse_timedelta(dask.config.get(TTL))
        now = time.monotonic()
        if now - self._beaten >= (LONGEST if ttl is None else min(LONGEST, ttl / SPARE)):
            self._beaten = now
            await super().heartbeat()


class QuietNanny(Nanny):  # type: ignore[misc]
    """Looks after a quiet worker."""

    def __init__(self, *arguments: object, **options: object) -> None:
        """Takes what a nanny of Dask takes."""
        super().__init__(*arguments, worker_class=QuietWorker, **options)
