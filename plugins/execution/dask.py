"""The executor `dask`: workers of a Dask cluster, one that is there or one of this machine's own.

Dask begins tasks of lost workers again. What many tasks have in common, a trained sampler's
description above all, travels once to each worker; tasks are small, and travel in bundles, results
through files (`crosshook.plugins.execution.bundle`).
"""

from __future__ import annotations

import pickle
import time
from collections import Counter, deque
from contextlib import suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from secrets import token_bytes, token_hex
from typing import TYPE_CHECKING, Final

from crosshook.core.errors import ExecutionError
from crosshook.core.interfaces.executor import Load
from crosshook.core.removed_folder import remove_folder
from crosshook.plugins.execution.bundle import (
    BundleSizes,
    Outcome,
    compute_bundle,
    make_setting,
    read_outcome,
)
from crosshook.plugins.execution.common import LARGE, CommonArguments
from crosshook.plugins.execution.dask_cluster import connect
from crosshook.plugins.execution.dask_workers import LOOK, DaskWorkers
from crosshook.plugins.execution.hung_workers import HungWorkers
from crosshook.plugins.execution.probe import check_workers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from distributed import Future

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.executor import Task

AHEAD: Final = 2
"""Bundles handed over per worker, so that none waits for the manager."""
SPREAD: Final = 5.0
"""Seconds that what tasks have in common may take to all workers; bundles then go without."""
RESULTS: Final = ".results"
"""Folder of results in that of the run, while a stage is computed."""
HEAVY: Final = 1 << 20
"""Bytes of a bundle's own arguments after which it takes no further task."""


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
            time_limit: seconds without any result after which workers that were busy all the while are
                restarted.
            attempts: how often a task may be begun.
            timeout: seconds to wait for the scheduler and for workers.

        Raises:
            ConfigurationError: if Dask is not installed.
            ExecutionError: if there is no scheduler, or no worker.
        """
        self._address, self._timeout = address, timeout
        self._time_limit, self._attempts = time_limit, attempts
        self._pause = LOOK if time_limit is None else min(LOOK, time_limit / 2)
        self._client, self._cluster = connect(address, workers, attempts, timeout)
        self._workers = DaskWorkers(self._client, self._cluster, timeout)
        self._waiting: deque[Task] = deque()
        self._flying: dict[Future, tuple[Task, ...]] = {}
        self._sizes = BundleSizes(time_limit)
        self._alone: set[int] = set()
        self._results: Path | None = None
        self._done: SimpleQueue[Future] = SimpleQueue()
        self._secret = token_bytes(16)
        begin = f"c-{token_hex(3)}"  # short: a scheduler's messages have them ten times a bundle
        self._names = (f"{begin}-{n}" for n in count())
        self._common: CommonArguments | None = None
        self._setting: Future | None = None
        self._shared: dict[str, Future] = {}
        self._wanted: set[str] = set()
        self._stuck: Counter[int] = Counter()
        self._hung = None if time_limit is None else HungWorkers(time_limit)
        self._last, self._slowest, self._lost = time.monotonic(), 0.0, 0
        self._memory = 0
        self._home = str(Path.cwd())

    def prepare(self, folder: Path) -> None:
        """Makes sure that every worker sees the folder and computes with the same versions."""
        check_workers(self._client, folder, self._home)
        self._results = folder.resolve() / RESULTS
        self._common = self._setting = None

    def submit(self, task: Task) -> None:
        """Accepts a task."""
        if self._client.status == "closed":
            raise self._gone()
        self._waiting.append(task)

    def _hand_over(self) -> None:
        """Sends bundles while workers have room; a cluster may have more of them by now."""
        self._workers.look()
        places = AHEAD * max(self._workers.number, 1)
        while self._waiting and len(self._flying) < places:
            if self._client.status == "closed":
                raise self._gone()
            first = self._waiting[0]
            size = 1
            if first.number not in self._alone:
                size = self._sizes.size(first.function, len(self._waiting), places)
            self._send(size)

    def _send(self, size: int) -> None:
        """Sends the next bundle, of so many tasks or fewer."""
        if not self._flying:
            self._last = time.monotonic()
        if self._results is not None:
            with suppress(OSError):  # results travel then
                self._results.mkdir(exist_ok=True)
        setting = self._setting_of_next()
        assert self._common is not None
        bundle: list[Task] = []
        packed: list[bytes] = []
        while self._waiting and len(bundle) < size and sum(map(len, packed)) < HEAVY:
            task = self._waiting[0]
            own = self._common.rest(task)
            if own is None or (bundle and task.number in self._alone):
                break
            bundle.append(self._waiting.popleft())
            packed.append(pickle.dumps((task.number, own)))
        name = next(self._names)
        future = self._client.submit(
            compute_bundle,
            setting,
            pickle.dumps((name, packed)),
            key=name,
            pure=False,
            fifo_timeout=0,  # first come, first served, exactly: `_begin_again` counts on it
        )
        self._flying[future] = tuple(bundle)
        future.add_done_callback(self._done.put)

    def _setting_of_next(self) -> Future:
        """What the next task has in common with others, at the workers: sent when it changes."""
        task = self._waiting[0]
        known = self._common is not None and self._common.rest(task) is not None
        if self._setting is not None and known:
            return self._setting
        following = self._waiting[1] if len(self._waiting) > 1 else None
        self._common = CommonArguments.of(task, following)
        small: dict[str, object] = {}
        large: dict[str, Future] = {}
        for name, data in self._common.packed.items():
            if len(data) < LARGE:
                small[name] = self._common.values[name]
                continue
            digest = sha256(data).hexdigest()
            self._wanted.add(digest)
            if digest not in self._shared:  # a task, so that it survives the worker that has it
                self._shared[digest] = self._client.submit(
                    pickle.loads, data, key=next(self._names), pure=False
                )
            large[name] = self._shared[digest]
        self._setting = self._client.submit(
            make_setting,
            self._home,
            task.function,
            "" if self._results is None else str(self._results),
            self._secret,
            pickle.dumps(small),
            large,
            key=next(self._names),
            pure=False,
        )
        # Bundles go where it is: were it with one worker, all others would wait to steal from it.
        # What goes wrong here costs time only, or goes wrong again when a bundle asks for it.
        with suppress(Exception):
            self._client.replicate([self._setting], callback_timeout=SPREAD)
        return self._setting

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Results as they come."""
        while self._waiting or self._flying:
            self._hand_over()
            try:
                future = self._done.get(timeout=self._pause)
            except Empty:
                self._look()
                continue
            bundle = self._flying.get(future)
            if bundle is None:  # of before a cancel
                continue
            try:
                outcome = self._outcome(future, bundle)
            except _NotYetError:  # it keeps its place: what was sent first is begun first
                future.add_done_callback(self._done.put)
                continue
            self._flying.pop(future, None)
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

        found: Outcome | None = None
        if self._results is not None:
            found = read_outcome(self._results, future.key, self._secret)
        if found is not None:
            return found
        try:
            found = future.result(timeout=self._timeout)
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
        if found is None:
            message = f"{self._results}: results of a worker are gone"
            raise ExecutionError(message)
        return found

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
        self._workers.replace_lost()
        if self._time_limit is None or self._hung is None:
            return
        try:
            processing = self._client.processing()
        except OSError as error:
            raise self._gone() from error
        now = time.monotonic()
        hung = self._hung.found(processing, [future.key for future in self._flying], now)
        if hung and now - self._last >= self._time_limit:
            for worker in hung:
                self._begin_again(processing[worker])
            self._replace(hung)
            self._last = time.monotonic()
            self._check_attempts()

    def _begin_again(self, keys: Collection[str]) -> None:
        """Takes back what a hung worker has, and blames the one task that it was at.

        Tasks of a bundle go one by one from now on, so that the one to blame is found.

        Args:
            keys: of bundles that the worker has.
        """
        own = [future for future in self._flying if future.key in keys]
        bundles = [self._flying.pop(future) for future in own]
        self._client.cancel(own)
        tasks = [task for bundle in bundles for task in bundle]
        self._lost += len(tasks)
        self._waiting.extendleft(reversed(tasks))
        if len(bundles[0]) > 1:
            self._alone.update(task.number for task in bundles[0])
        else:
            self._stuck[tasks[0].number] += 1

    def _check_attempts(self) -> None:
        """Gives up if a task hung too often; its worker is replaced by now, for the next stage."""
        for task in self._waiting:
            if self._stuck[task.number] >= self._attempts:
                self.cancel()
                message = (
                    f"task {task.number} ({task.function}) gave nothing for "
                    f"{self._time_limit:g} s, {self._attempts} times; results so far are kept, and "
                    "the run can be resumed"
                )
                raise ExecutionError(message)

    def _replace(self, workers: list[str]) -> None:
        """Has workers replaced that hang."""
        try:
            self._workers.replace(workers)
        except OSError as error:
            raise self._gone() from error
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
        self._common = self._setting = None
        if self._results is not None:
            remove_folder(self._results)
        if self._wanted:  # what the next stage may want again stays with the workers
            self._shared = {d: f for d, f in self._shared.items() if d in self._wanted}
            self._wanted.clear()

    def load(self) -> Load:
        """How busy the workers are."""
        workers = self._workers.count()
        running = min(len(self._flying), workers)
        silent = time.monotonic() - self._last if self._flying else 0.0
        return Load(workers, running, self._slowest, silent, self._lost, self._memory)

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
