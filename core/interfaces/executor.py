"""Executor: runs tasks somewhere. A task is data, and its result is small: files stay on the disk."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Task:
    """One unit of work.

    Attributes:
        number: position in the stage; results are reduced in this order.
        function: `package.module:function`.
        arguments: passed as keywords.
    """

    number: int
    function: str
    arguments: Mapping[str, object] = field(default_factory=dict)

    def run(self) -> object:
        """Computes the task in this process; an error says which task it is of."""
        module, _, name = self.function.partition(":")
        try:
            return getattr(importlib.import_module(module), name)(**self.arguments)
        except Exception as error:  # raised again, whatever it is
            error.add_note(f"in task {self.number} ({self.function})")
            raise


@dataclass(frozen=True)
class Load:
    """How busy an executor is.

    Attributes:
        workers: processes it has.
        running: how many of them have a task.
        slowest: seconds of the longest task so far.
        silent: seconds since the last result, 0 with nothing to do.
        lost: tasks begun again because their worker was lost or hung.
        memory: most that a worker process has had so far, in bytes; 0 if there is none, or it is
            not known.
    """

    workers: int = 1
    running: int = 0
    slowest: float = 0.0
    silent: float = 0.0
    lost: int = 0
    memory: int = 0


class Executor(Protocol):
    """Runs tasks, each on one thread, every one to its end exactly once as far as results go.

    A task whose worker is lost is begun again: tasks therefore leave nothing behind that a second
    run of them would not replace.
    """

    def prepare(self, folder: Path) -> None:
        """Told once, before the first task, where the run keeps its files.

        Raises:
            ExecutionError: if a worker does not see the folder, or computes with other versions.
        """
        ...

    def submit(self, task: Task) -> None:
        """Accepts a task."""
        ...

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Results of everything submitted, in the order they finish; what is submitted meanwhile
        may be among them, or is given by the next call.

        Raises:
            ExecutionError: if a task cannot be brought to its end.
            Exception: whatever a task raises.
        """
        ...

    def cancel(self) -> None:
        """Forgets every task: those not begun do not begin, results of others are dropped."""
        ...

    def load(self) -> Load:
        """How busy it is now."""
        ...

    def close(self) -> None:
        """Ends its workers, busy or not; it takes no task after that. May be called twice."""
        ...
