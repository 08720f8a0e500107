"""Execution: a stage is a list of tasks, and an executor runs them.

Results come back in any order; whoever sums them does so in the order of blocks. `serial` is the
executor that is always there; others are components (`crosshook.core.interfaces.executor`).
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import ExecutionError
from crosshook.core.interfaces.executor import Executor, Load, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from pathlib import Path

    from crosshook.core.component import Slot
    from crosshook.core.context import BuildContext
    from crosshook.core.registry import Registry

__all__ = ["Executor", "SerialExecutor", "Task", "in_order", "make_serial", "one_thread", "opened"]


class SerialExecutor:
    """Runs tasks one after another in this process, each on one thread."""

    def __init__(self) -> None:
        self._waiting: deque[Task] = deque()

    def prepare(self, folder: Path) -> None:
        """Nothing to do: this process sees its own folders."""

    def submit(self, task: Task) -> None:
        """Accepts a task."""
        self._waiting.append(task)

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Computes the tasks as their results are asked for."""
        while self._waiting:
            task = self._waiting.popleft()
            with one_thread():
                result = task.run()
            yield task, result

    def cancel(self) -> None:
        """Forgets tasks that have not begun."""
        self._waiting.clear()

    def load(self) -> Load:
        """One worker, which is busy or asked."""
        return Load(running=min(1, len(self._waiting)))

    def close(self) -> None:
        """Forgets tasks that have not begun."""
        self._waiting.clear()


def make_serial(context: BuildContext) -> SerialExecutor:
    """Builds the executor `serial`, which has no options."""
    return SerialExecutor()


@contextmanager
def opened(
    executor: Executor | None, slot: Slot, registry: Registry, folder: Path
) -> Iterator[Executor]:
    """The executor of a run, ready for its tasks.

    Args:
        executor: the caller's own, which is left open; None builds one and closes it at the end.
        slot: which one to build.
        registry: builds it.
        folder: where the run keeps its files.

    Raises:
        ExecutionError: if it cannot serve the run.
    """
    from crosshook.core.context import BuildContext

    if executor is not None:
        executor.prepare(folder)
        yield executor
        return
    made = cast("Executor", registry.build("executor", slot, BuildContext(), "executor"))
    try:
        made.prepare(folder)
        yield made
    finally:
        made.close()


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread inside a block: results must not depend on how many cores there are."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_order(
    executor: Executor, tasks: Iterable[Task], limit: Callable[[], int] | None = None
) -> Generator[tuple[Task, object]]:
    """Runs tasks and gives their results in the order of their numbers.

    Args:
        executor: runs them in any order.
        tasks: with rising numbers; there need not be an end of them if there is a limit.
        limit: tasks of lower numbers may be submitted by now; asked again after every result, so
            that workers go on while results tell how many tasks there are to be. None for all.

    Tasks left over when the caller stops early, or an error ends the loop, are cancelled: results
    of one stage must not turn up in the next that uses the executor.

    Yields:
        Each task with its result, as soon as all before it are there.

    Raises:
        ExecutionError: if a result comes that nobody waits for, or one is missing in the end.
    """
    numbers: deque[int] = deque()
    awaited: set[int] = set()
    early: dict[int, tuple[Task, object]] = {}
    further = iter(tasks)
    ahead = next(further, None)

    def submit() -> None:
        nonlocal ahead
        while ahead is not None and (limit is None or ahead.number < limit()):
            numbers.append(ahead.number)
            awaited.add(ahead.number)
            executor.submit(ahead)
            ahead = next(further, None)

    try:
        submit()
        came = True
        while came:  # once more where something was submitted meanwhile
            came = False
            for task, result in executor.as_completed():
                came = True
                if task.number not in awaited:  # else the loop might have no end
                    message = f"the executor gives the result of task {task.number} a second time"
                    raise ExecutionError(message)
                awaited.remove(task.number)
                early[task.number] = (task, result)
                while numbers and numbers[0] in early:
                    yield early.pop(numbers.popleft())
                submit()
        if numbers:  # less than was asked for must not pass for all of it
            message = f"the executor gives no result of task {numbers[0]}"
            raise ExecutionError(message)
    finally:
        executor.cancel()
