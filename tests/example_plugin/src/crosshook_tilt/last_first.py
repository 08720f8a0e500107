"""Executor `last-first`: this process computes, the last task first; nothing may depend on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.execute import one_thread
from crosshook.core.interfaces.executor import Load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.executor import Task


class LastFirst:
    """A stack of tasks."""

    def __init__(self) -> None:
        """Has none yet."""
        self._tasks: list[Task] = []

    def prepare(self, folder: Path) -> None:
        """Nothing to do: this process sees its own folders."""

    def submit(self, task: Task) -> None:
        """Accepts a task."""
        self._tasks.append(task)

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Computes the tasks as their results are asked for."""
        while self._tasks:
            task = self._tasks.pop()
            with one_thread():
                result = task.run()
            yield task, result

    def cancel(self) -> None:
        """Forgets tasks that have not begun."""
        self._tasks.clear()

    def load(self) -> Load:
        """One worker, which is busy or asked."""
        return Load(running=min(1, len(self._tasks)))

    def close(self) -> None:
        """Forgets tasks that have not begun."""
        self._tasks.clear()


def make(context: BuildContext) -> LastFirst:
    """The component's factory; it has no options."""
    return LastFirst()
