"""The executor `dask`: workers of a Dask cluster, one that is there or one of this machine's own.

Dask begins tasks of lost workers again. What many tasks have in common, a trained sampler's
description above all, travels once to each worker; tasks and results are small, and travel in
bundles (`crosshook.plugins.execution.bundle`).
"""

from __future__ import annotations

import logging
import pickle
import time
from collections import Counter, deque
from contextlib import suppress
from hashlib import sha256
from multiprocessing import resource_tracker
from pathlib import Path
from queue import Empty, SimpleQueue
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from crosshook.core.errors import ConfigurationError, ExecutionError
from crosshook.core.interfaces.executor import Load
from crosshook.plugins.execution.bundle import (
    LARGE,
    BundleSizes,
    Kept,
    Outcome,
    compute_bundle,
    outcome_of,
)
from crosshook.plugins.execution.interrupts import interrupts_held
from crosshook.plugins.execution.probe import check_workers
from crosshook.plugins.execution.worker import cores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client, Future, LocalCluster

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.executor import Task

AHEAD: Final = 3
"""Bundles handed over per worker, so that none waits for the manager."""
RESULTS: Final = ".results"
"""Folder of large results in that of the run, while a stage is computed."""
TRIM: Final = "MALLOC_TRIM_THRESHOLD_"
LOOK: Final = 2.0
"""Seconds without a result after which the connection is looked at."""


class DaskExecutor:
    """Runs tasks on the workers of a Dask cluster."""

    def __init__(
        self,
        address: str | None,
        workers: int | None,
        time_limit: float | None,
        attempts: int,
        timeout: float,
    ) -> None:
        """Connects to a cluster, or starts one.

        Args:
            address: of a scheduler, or None to start processes of this machine.
            workers: processes to start, or to wait for at an address.
            time_limit: seconds without any result after which busy workers are restarted.
            attempts: how often a task may be begun.
            timeout: seconds to wait for the scheduler and for workers.

        Raises:
            ConfigurationError: if Dask is not installed.
            ExecutionError: if there is no scheduler, or no worker.
        """
        self._address, self._timeout = address, timeout
        self._time_limit, self._attempts = time_limit, attempts
        self._cluster: LocalCluster | None = None
        self._client = self._connect(workers)
        self._waiting: deque[Task] = deque()
        self._flying: dict[Future, tuple[Task, ...]] = {}
        self._sizes = BundleSizes(time_limit)
        self._alone: set[int] = set()
        self._results: Path | None = None
        self._done: SimpleQueue[Future] = SimpleQueue()
        self._shared: dict[str, Future] = {}
        self._wanted: set[str] = set()
        self._workers = 0
        self._seen = self._counted = time.monotonic()
        self._stuck: Counter[int] = Counter()
        self._last, self._slowest, self._lost = time.monotonic(), 0.0, 0
        self._memory = 0
        self._home = str(Path.cwd())
        self.load()  # counts the workers there are

    def _connect(self, workers: int | None) -> Client:
        try:
            import dask
            from distributed import Client, LocalCluster
        except ImportError as error:
            message = (
                "executor: dask needs Dask's scheduler: "
                "pip install 'dask[distributed]' (extra crosshook[dask])"
            )
            raise ConfigurationError(message) from error
        client: Client | None = None
        try:
            if self._address is None:
                settings: dict[str, int | None] = {
                    "distributed.scheduler.allowed-failures": self._attempts - 1
                }
                # Dask asks for memory to be given back at once: half of the time goes there.
                settings |= {f"distributed.nanny.pre-spawn-environ.{TRIM}": None}
                resource_tracker.ensure_running()  # its start would let interrupts through again
                with dask.config.set(settings), interrupts_held():
                    self._cluster = LocalCluster(
                        n_workers=workers or cores(),
                        threads_per_worker=1,
                        processes=True,
                        dashboard_address="127.0.0.1:0",
                        silence_logs=logging.CRITICAL,
                    )
            # A default client is the user's own affair.
            place = self._cluster or self._address
            client = Client(place, timeout=self._timeout, set_as_default=False)
            client.wait_for_workers(workers or 1, timeout=self._timeout)
        except BaseException as error:
            if client is not None:
                client.close()
            if self._cluster is not None:
                self._cluster.close()
            if not isinstance(error, (OSError, TimeoutError, ValueError, RuntimeError)):
                raise
            where = self._address or "this machine"
            message = f"executor: no Dask workers at {where} within {self._timeout:g} s: {error}"
            raise ExecutionError(message) from error
        return client

    def prepare(self, folder: Path) -> None:
        """Makes sure that every worker sees the folder and computes with the same versions."""
        check_workers(self._client, folder, self._home)
        self._results = folder.resolve() / RESULTS

    def submit(self, task: Task) -> None:
        """Accepts a task."""
        if self._client.status == "closed":
            raise self._gone()
        self._waiting.append(task)

    def _hand_over(self) -> None:
        """Sends bundles while workers have room; a cluster may have more of them by now."""
        if time.monotonic() - self._counted > LOOK:
            self.load()
        places = AHEAD * max(self._workers, 1)
        while self._waiting and len(self._flying) < places:
            if self._client.status == "closed":
                raise self._gone()
            first = self._waiting[0]
            size = 1
            if first.number not in self._alone:
                size = self._sizes.size(first.function, len(self._waiting), places)
            own, shared = self._parts(first)
            bundle, small = [self._waiting.popleft()], [(first.number, own)]
            while self._waiting and len(bundle) < size:
                task = self._waiting[0]
                own, others = self._parts(task)
                if task.function != first.function or others != shared:
                    break
                bundle.append(self._waiting.popleft())
                small.append((task.number, own))
            self._send(tuple(bundle), small, shared)

    def _send(
        self,
        bundle: tuple[Task, ...],
        small: list[tuple[int, dict[str, object]]],
        shared: dict[str, str],
    ) -> None:
        if not self._flying:
            self._last = time.monotonic()
        folder = ""
        if self._results is not None:
            folder = str(self._results)
            with suppress(OSError):  # results travel then
                self._results.mkdir(exist_ok=True)
        future = self._client.submit(
            compute_bundle,
            self._home,
            bundle[0].function,
            pickle.dumps(small),
            folder,
            {name: self._shared[digest] for name, digest in shared.items()},
            pure=False,
        )
        self._flying[future] = bundle
        future.add_done_callback(self._done.put)

    def _parts(self, task: Task) -> tuple[dict[str, object], dict[str, str]]:
        """Arguments that travel with a task, and digests of those that go ahead, once."""
        small: dict[str, object] = {}
        shared: dict[str, str] = {}
        for name, value in task.arguments.items():
            data = pickle.dumps(value)
            if len(data) < LARGE:
                small[name] = value
                continue
            shared[name] = digest = sha256(data).hexdigest()
            self._wanted.add(digest)
            if digest not in self._shared:  # a task, so that it survives the worker that has it
                self._shared[digest] = self._client.submit(pickle.loads, data, pure=False)
        return small, shared

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Results as they come."""
        while self._waiting or self._flying:
            self._hand_over()
            try:
                future = self._done.get(timeout=min(LOOK, self._time_limit or LOOK))
            except Empty:
                self._look()
                continue
            bundle = self._flying.pop(future, None)
            if bundle is None:  # of before a cancel
                continue
            try:
                outcome = self._outcome(future, bundle)
            except _NotYetError:
                self._flying[future] = bundle
                future.add_done_callback(self._done.put)
                continue
            if outcome is None:
                continue
            self._last, self._slowest = time.monotonic(), max(self._slowest, outcome.slowest)
            self._memory = max(self._memory, outcome.memory)
            if outcome.results:
                self._sizes.add(bundle[0].function, outcome.slowest)
            del future  # the scheduler need not keep what has come
            yield from zip(bundle, outcome.results, strict=False)
            if outcome.error is not None:
                raise outcome.error

    def _outcome(self, future: Future, bundle: tuple[Task, ...]) -> Outcome | None:
        """What a bundle gave; None if it was lost, and its tasks wait again."""
        from distributed import CancelledError, KilledWorker

        try:
            found: Outcome | Kept = future.result(timeout=self._timeout)
        except KilledWorker as error:
            if len(bundle) > 1:  # one of them may be the cause, and none is blamed for another
                self._alone.update(task.number for task in bundle)
                self._waiting.extendleft(reversed(bundle))
                self._lost += len(bundle)
                return None
            self.cancel()
            (task,) = bundle
            message = (
                f"task {task.number} ({task.function}) was lost with its worker (killed, or out "
                f"of memory), {error.allowed_failures + 1} times; results so far are kept, and "
                "the run can be resumed"
            )
            raise ExecutionError(message) from error
        except (CancelledError, TimeoutError, OSError) as error:
            if isinstance(error, OSError) and future.status == "error":
                raise  # the task's own
            if isinstance(error, TimeoutError) and self._client.status == "running":
                raise _NotYetError from error  # its worker was lost before the result was fetched
            raise self._gone() from error
        return outcome_of(found)

    def _gone(self) -> ExecutionError:
        self._flying.clear()
        self._waiting.clear()
        place = self._client.scheduler.address if self._client.scheduler else self._address
        message = (
            f"executor: the Dask scheduler at {place} is lost; results so far are kept, and the "
            "run can be resumed"
        )
        return ExecutionError(message)

    def _look(self) -> None:
        """Nothing has come for a while: is the scheduler there, does a task hang?"""
        if self._client.status != "running":
            raise self._gone()
        self._replace_lost()
        if self._time_limit is None or time.monotonic() - self._last < self._time_limit:
            return
        keys = {future.key: bundle for future, bundle in self._flying.items()}
        busy: dict[str, list[Task]] = {}
        try:
            processing = self._client.processing()
        except OSError as error:
            raise self._gone() from error
        for worker, at_work in processing.items():
            own = [task for key in at_work for task in keys.get(key, ())]
            if own:
                busy[worker] = own
        for task in (task for tasks in busy.values() for task in tasks):
            self._stuck[task.number] += 1
            self._lost += 1
            if self._stuck[task.number] >= self._attempts:
                self.cancel()
                message = (
                    f"task {task.number} ({task.function}) gave nothing for {self._time_limit:g} s, "
                    f"{self._attempts} times; results so far are kept, and the run can be resumed"
                )
                raise ExecutionError(message)
        self._restart(list(busy))
        self._last = time.monotonic()

    def _replace_lost(self) -> None:
        """Starts workers of this machine anew where none is left.

        Dask does so itself, but not where one is killed while it starts.
        """
        now = time.monotonic()
        if self.load().workers:
            self._seen = now
        elif self._cluster is not None and now - max(self._seen, self._last) > self._timeout:
            number = len(self._cluster.worker_spec)
            self._cluster.scale(0)
            self._cluster.scale(number)
            self._seen = now

    def _restart(self, workers: list[str]) -> None:
        try:
            self._client.restart_workers(workers, timeout=self._timeout, raise_for_error=False)
        except OSError as error:
            raise self._gone() from error
        except KeyError:  # one of them has gone by itself
            return
        except ValueError as error:
            self.cancel()
            message = (
                f"executor: nothing has come for {self._time_limit:g} s, and workers cannot be "
                f"restarted: {error}"
            )
            raise ExecutionError(message) from error

    def cancel(self) -> None:
        """Forgets every task; what a worker is at is finished, and nobody looks at it."""
        self._waiting.clear()
        if self._flying and self._client.status == "running":
            with suppress(OSError):  # the scheduler is lost, and the tasks with it
                self._client.cancel(list(self._flying))
        self._flying.clear()
        self._stuck.clear()
        self._alone.clear()
        if self._results is not None:
            rmtree(self._results, ignore_errors=True)
        if self._wanted:  # what the next stage may want again stays with the workers
            self._shared = {d: f for d, f in self._shared.items() if d in self._wanted}
            self._wanted.clear()

    def load(self) -> Load:
        """How busy the workers are."""
        self._counted = time.monotonic()
        if self._client.status == "running":  # else it would be waited for
            self._workers = int(self._client.scheduler_info(n_workers=0)["n_workers"])
        running = min(len(self._flying), self._workers)
        silent = time.monotonic() - self._last if self._flying else 0.0
        return Load(self._workers, running, self._slowest, silent, self._lost, self._memory)

    def close(self) -> None:
        """Leaves the cluster; one of this machine's own is ended."""
        self.cancel()
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


class _NotYetError(Exception):
    """A result that was there is being computed again."""


def make(
    context: BuildContext,
    *,
    address: str | None,
    workers: int | None,
    time_limit: float | None,
    attempts: int,
    timeout: float,
) -> DaskExecutor:
    """Builds the executor; see schemas/v1/components/dask.json for the options."""
    return DaskExecutor(address, workers, time_limit, attempts, timeout)
