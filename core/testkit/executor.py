"""Checks of executors: every task's result comes back once, whatever happens to workers."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.execute import in_order
from crosshook.core.interfaces.executor import Task
from crosshook.core.testkit import executor_tasks
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.shrink import with_fewest
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crosshook.core.interfaces.executor import Executor
    from crosshook.core.testkit.subject import Subject

TASKS: Final = 12
LARGE: Final = 10_000
"""Numbers in an argument that is the same for all tasks, as a trained sampler is."""


@contextmanager
def opened(subject: Subject) -> Iterator[Executor]:
    """An executor that was told of a folder, and is closed at the end, twice."""
    executor = cast("Executor", subject.build(Case()))
    try:
        with tempfile.TemporaryDirectory() as folder:
            executor.prepare(Path(folder))
            yield executor
    finally:
        executor.close()
        executor.close()


def _task(number: int, function: str, /, **arguments: object) -> Task:
    return Task(number, f"{executor_tasks.__name__}:{function}", arguments)


def _sums(first: int, n: int) -> list[Task]:
    values = torch.arange(LARGE, dtype=torch.float64, device="cpu")
    return [
        _task(number, "scaled_sum", values=values, factor=number)
        for number in range(first, first + n)
    ]


def _wrong(executor: Executor, first: int, n: int) -> str:
    """What is wrong with the results of a stage of n tasks, or `""`."""
    total = LARGE * (LARGE - 1) / 2
    for task in _sums(first, n):
        executor.submit(task)
    # In the order of numbers, and not through `in_order`, which would hide a task given twice.
    given = sorted(executor.as_completed(), key=lambda pair: pair[0].number)
    found = [(task.number, result) for task, result in given]
    numbers = [number for number, _ in found]
    if numbers != list(range(first, first + n)):
        return f"tasks {first} to {first + n - 1} came back as {numbers}"
    for number, result in found:
        value, threads = cast("tuple[float, int]", result)
        if value != number * total:
            return f"task {number} gave {value}, not {number * total}"
        if threads != 1:
            return f"task {number} was computed on {threads} threads, not on one"
    return ""


def tasks_come_back_once(subject: Subject) -> Iterator[Finding]:
    """The result of every task comes back exactly once, as that task's, computed on one thread;
    a second stage gets its own results alone.
    """
    yield from _with_fewest_tasks(subject, _mixed_up)


def _mixed_up(executor: Executor, n: int) -> str:
    wrong = _wrong(executor, 0, n) or _wrong(executor, 5, n)
    if not wrong and executor.load().running:
        wrong = "with every result given, load() still counts running tasks"
    return wrong


def errors_are_raised_and_nothing_is_left(subject: Subject) -> Iterator[Finding]:
    """What a task raises is raised by as_completed with its type and message; after that, and after
    a cancel, nothing of the old stage turns up in the next.
    """
    yield from _with_fewest_tasks(subject, _left_over)


def _left_over(executor: Executor, n: int) -> str:
    try:
        list(in_order(executor, [_task(3, "refuse", number=3), *_sums(4, n)]))
    except NumericalError as error:
        if "task 3 refuses" not in str(error):
            return f"the message of a task's error became {str(error)!r}"
    else:
        return "the error of a task is swallowed"
    if wrong := _wrong(executor, 0, n):
        return wrong
    for task in _sums(20, n):
        executor.submit(task)
    executor.cancel()
    if left := [task.number for task, _ in executor.as_completed()]:
        return f"after a cancel, tasks {left} still come back"
    return _wrong(executor, 2, n)


def lost_workers_are_replaced(subject: Subject) -> Iterator[Finding]:
    """A task whose worker is killed is begun again, and those that waited with it come back too.
    For executors that compute in other processes.
    """
    yield from _with_fewest_tasks(subject, _given_up)


def _given_up(executor: Executor, n: int) -> str:
    n = (n + 1) // 2
    with tempfile.TemporaryDirectory() as folder:
        tasks = [
            _task(k, "die_once", folder=folder, manager=os.getpid(), name=k // 3 * 3)
            for k in range(n)
        ]
        results = [result for _, result in in_order(executor, tasks)]
    if "manager" in results:
        reason = "computes in the manager's process"
        raise NotApplicable(reason)
    if results != ["again"] * n:
        return f"tasks that lost their worker gave {results}"
    return _wrong(executor, 0, n)


def _with_fewest_tasks(
    subject: Subject, look: Callable[[Executor, int], str]
) -> Iterator[Finding]:
    """What a check says of an executor and a number of tasks, with the fewest that show it."""

    def on(n: int) -> Finding | None:
        with opened(subject) as executor:
            message = look(executor, n)
        return Finding(message, f"tasks: {n}") if message else None

    finding = with_fewest(on, TASKS)
    if finding is not None:
        yield finding


CHECKS = (
    tasks_come_back_once,
    errors_are_raised_and_nothing_is_left,
    lost_workers_are_replaced,
)
