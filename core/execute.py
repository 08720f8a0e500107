"""Execution: a stage is a list of tasks, and an executor runs them.

A task is data only: the name of a function, and arguments that can be pickled. Results come back
in any order; whoever sums them does so in the order of blocks. `serial` is the executor that is
always there.
"""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


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
        """Computes the task in this process."""
        module, _, name = self.function.partition(":")
        return getattr(importlib.import_module(module), name)(**self.arguments)


class Executor(Protocol):
    """Runs tasks."""

    def submit(self, task: Task) -> None:
        """Accepts a task."""
        ...

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Results of everything submitted so far, in the order they finish."""
        ...

    def cancel(self) -> None:
        """Forgets tasks that have not begun."""
        ...


class SerialExecutor:
    """Runs tasks one after another in this process, each on one thread."""

    def __init__(self) -> None:
        self._waiting: list[Task] = []

    def submit(self, task: Task) -> None:
        """Accepts a task."""
        self._waiting.append(task)

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        """Computes the tasks as their results are asked for."""
        while self._waiting:
            task = self._waiting.pop(0)
            with one_thread():
                result = task.run()
            yield task, result

    def cancel(self) -> None:
        """Forgets tasks that have not begun."""
        self._waiting.clear()


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


def in_order(executor: Executor, tasks: Iterable[Task]) -> Iterator[tuple[Task, object]]:
    """Runs tasks and gives their results in the order of their numbers.

    Args:
        executor: runs them in any order.
        tasks: with consecutive numbers.

    Tasks left over when the caller stops early, or an error ends the loop, are cancelled: results
    of one stage must not turn up in the next that uses the executor.

    Yields:
        Each task with its result, as soon as all before it are there.
    """
    numbers: list[int] = []
    for task in tasks:
        numbers.append(task.number)
        executor.submit(task)
    early: dict[int, tuple[Task, object]] = {}
    position = 0
    try:
        for task, result in executor.as_completed():
            early[task.number] = (task, result)
            while position < len(numbers) and numbers[position] in early:
                yield early.pop(numbers[position])
                position += 1
    finally:
        executor.cancel()
