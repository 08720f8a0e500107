"""The way to a Dask cluster: one that is there, or a new one of this machine's own."""

from __future__ import annotations

import logging
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Final

from crosshook.core.errors import ConfigurationError, ExecutionError
from crosshook.plugins.execution.interrupts import interrupts_held
from crosshook.plugins.execution.worker import cores

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

IMPORTED: Final = ["crosshook.plugins.execution.bundle"]
"""By a worker before it is there, so that no task is charged for it."""


def connect(
    address: str | None, workers: int | None, attempts: int, timeout: float
) -> tuple[Client, LocalCluster | None]:
    """Connects to a cluster, or starts one.

    Args:
        address: of a scheduler, or None to start processes of this machine.
        workers: processes to start, or to wait for at an address.
        attempts: how often a task may be begun on a cluster of this machine's own.
        timeout: seconds to wait for the scheduler and for workers.

    Returns:
        The connection, and the cluster that was started, if any.

    Raises:
        ConfigurationError: if Dask is not installed.
        ExecutionError: if there is no scheduler, or no worker.
    """
    try:
        import dask
        from distributed import Client, LocalCluster

        from crosshook.plugins.execution.quiet_worker import QUIET, QuietNanny
    except ImportError as error:
        message = (
            "executor: dask needs Dask's scheduler: "
            "pip install 'dask[distributed]' (extra crosshook[dask])"
        )
        raise ConfigurationError(message) from error
    client: Client | None = None
    cluster: LocalCluster | None = None
    try:
        if address is None:
            settings: dict[str, object] = {
                "distributed.scheduler.allowed-failures": attempts - 1,
                **QUIET,
            }
            resource_tracker.ensure_running()  # its start would let interrupts through again
            with dask.config.set(settings), interrupts_held():
                cluster = LocalCluster(
                    n_workers=workers or cores(),
                    threads_per_worker=1,
                    processes=True,
                    worker_class=QuietNanny,
                    preload=IMPORTED,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                )
            # Dask reads this whenever a worker is lost, and not when the cluster starts. So long after
            # that, a worker that is away is given up, even if it was back meanwhile and is away once
            # more: its process, which is just starting, is ended with the task it has.
            dask.config.set({"distributed.deploy.lost-worker-timeout": f"{timeout:g}s"})
        # A default client is the user's own affair.
        client = Client(cluster or address, timeout=timeout, set_as_default=False)
        client.wait_for_workers(workers or 1, timeout=timeout)
    except BaseException as error:
        if client is not None:
            client.close()
        if cluster is not None:
            cluster.close()
        if not isinstance(error, (OSError, TimeoutError, ValueError, RuntimeError)):
            raise
        where = address or "this machine"
        message = f"executor: no Dask workers at {where} within {timeout:g} s: {error}"
        raise ExecutionError(message) from error
    return client, cluster
