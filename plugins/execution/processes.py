"""The executor `processes`: fresh interpreters on this machine, replaced when they are lost.

The engine is `concurrent.futures.ProcessPoolExecutor`. When one of its processes dies, all its
tasks fail; here they are begun again in a new pool.
"""

from __future__ import annotations

import pickle
import time
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from crosshook.core.errors import ExecutionError
from crosshook.core.interfaces.executor import Load
from crosshook.plugins.execution.interrupts import interrupts_held
from crosshook.plugins.execution.worker import begin, compute_packed, cores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.queues import SimpleQueue
    from pathlib import Path

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.executor import Task
    from crosshook.plugins.execution.worker import Computed

AHEAD: Final = 2
"""Tasks handed over per worker, so that none waits for the manager."""

LOST: Final = "was lost with its worker (killed, or out of memory)"
NEVER_READY: Final = (
    "was lost with its worker, which ended before it was ready (a script that asks for workers does "
    'so below `if __name__ == "__main__":`)'
)


class ProcessExecutor:
    """Runs tasks in processes that share nothing with this one but the disk."""

    def __init__(self, workers: int, time_limit: float | None, attempts: int) -> None:
        """Starts nothing yet: the processes come with the first task.

        Args:
            workers: processes.
            time_limit: seconds without any result after which workers are taken to hang.
            attempts: how often a task may be begun.
        """
        self._workers, self._time_limit, self._attempts = workers, time_limit, attempts
        self._waiting: deque[Task] = deque()
        self._flying: dict[Future[bytes], Task] = {}
        self._begun: Counter[int] = Counter()
        self._last, self._slowest, self._lost = time.monotonic(), 0.0, 0
        self._memory = 0
        self._pool: ProcessPoolExecutor | None = None
        self._there: SimpleQueue[int] | None = None
        self._ready = False

    def prepare(self, folder: Path) -> None:
        """Nothing to do: the workers are on this machine."""

    def submit(self, task: Task) -> None:
        """Accepts a task."""
        self._waiting.append(task)

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Results as they come; tasks of lost workers are begun again."""
        while self._waiting or self._flying:
            self._hand_over()
            done, _ = wait(self._flying, self._time_limit, FIRST_COMPLETED)
            if not done and self._were_ready():
                self._give_up(f"gave nothing for {self._time_limit:g} s")
            broken = False
            for future in done:
                if isinstance(future.exception(), BrokenProcessPool):
                    broken = True
                elif (task := self._flying.pop(future, None)) is not None:
                    self._begun.pop(task.number, None)
                    computed: Computed = pickle.loads(future.result())
                    self._last = time.monotonic()
                    self._slowest = max(self._slowest, computed.seconds)
                    self._memory = max(self._memory, computed.memory)
                    self._ready = True
                    yield task, computed.result
            if broken:
                self._were_ready()
                self._give_up(LOST if self._ready else NEVER_READY)

    def _were_ready(self) -> bool:
        """Whether a worker was there when this was last asked: its start is not a task's time."""
        before = self._ready
        self._ready = before or (self._there is not None and not self._there.empty())
        return before

    def _hand_over(self) -> None:
        while self._waiting and self._room(self._waiting[0]):
            if self._pool is None:
                self._start()
            assert self._pool is not None
            task = self._waiting.popleft()
            try:
                with interrupts_held():
                    future = self._pool.submit(compute_packed, pickle.dumps(task))
            except BrokenProcessPool:  # a worker died while nobody looked
                self._waiting.appendleft(task)
                self._stop()
                continue
            if not self._flying:
                self._last = time.monotonic()
            self._flying[future] = task
            self._begun[task.number] += 1

    def _room(self, task: Task) -> bool:
        """Whether a task may go to the workers now.

        A lost worker takes all tasks that are there with it. One that has its last try after others
        were lost goes alone, so that no task is blamed for its neighbour's fault.
        """
        if any(
            1 < self._begun[t.number] == self._attempts for t in islice(self._flying.values(), 1)
        ):
            return False
        if 0 < self._begun[task.number] == self._attempts - 1:
            return not self._flying
        return len(self._flying) < AHEAD * self._workers

    def _give_up(self, reason: str) -> None:
        """Ends all workers; their tasks wait again, unless one was begun too often.

        Tasks that were done before that keep their results.
        """
        self._stop()
        wait(self._flying)
        lost = []
        for future in list(self._flying):
            if future.cancelled() or isinstance(future.exception(), BrokenProcessPool):
                lost.append(self._flying.pop(future))
        self._lost += len(lost)
        for task in lost:
            if self._begun[task.number] >= self._attempts:
                self.cancel()
                message = (
                    f"task {task.number} ({task.function}) {reason}, {self._attempts} times; "
                    "results so far are kept, and the run can be resumed"
                )
                raise ExecutionError(message)
        self._waiting.extendleft(sorted(lost, key=lambda task: -task.number))

    def _start(self) -> None:
        context = get_context("spawn")
        self._there = context.SimpleQueue()
        self._pool = ProcessPoolExecutor(
            self._workers, context, initializer=begin, initargs=(self._there,)
        )

    def _stop(self) -> None:
        """Kills the processes: what they were at is either finished or begun again."""
        if self._pool is None or self._there is None:
            return
        processes = list((self._pool._processes or {}).values())  # kill_workers() of Python 3.14
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        self._there.close()
        self._pool, self._there, self._ready = None, None, False

    def cancel(self) -> None:
        """Forgets every task; workers finish what they were given, and nobody looks at it.

        Its futures are not cancelled: a pool that breaks would stumble over them (Python 3.11), and
        nearly all count as running from the start.
        """
        self._waiting.clear()
        self._flying.clear()
        self._begun.clear()

    def load(self) -> Load:
        """How busy the workers are."""
        running = min(len(self._flying), self._workers)
        silent = time.monotonic() - self._last if running else 0.0
        return Load(self._workers, running, self._slowest, silent, self._lost, self._memory)

    def close(self) -> None:
        """Ends the workers."""
        self.cancel()
        self._stop()


def make(
    context: BuildContext, *, workers: int | None, time_limit: float | None, attempts: int
) -> ProcessExecutor:
    """Builds the executor; see schemas/v1/components/processes.json for the options."""
    return ProcessExecutor(workers or cores(), time_limit, attempts)
