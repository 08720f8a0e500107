"""Execution: tasks are data, and results are reduced in the order of their numbers."""

from __future__ import annotations

import pickle
from itertools import count
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.errors import ExecutionError
from crosshook.core.execute import SerialExecutor, Task, in_order, one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator


def threads_and(value: int) -> tuple[int, int]:
    return torch.get_num_threads(), value


def task(number: int) -> Task:
    return Task(number, f"{__name__}:threads_and", {"value": 10 * number})


class Backwards(SerialExecutor):
    """Finishes in the reverse order, as a cluster may."""

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        self._waiting.reverse()
        yield from super().as_completed()


def test_task_survives_pickling() -> None:
    copy = pickle.loads(pickle.dumps(Task(3, "math:sqrt")))
    assert copy == Task(3, "math:sqrt")


def test_tasks_run_on_one_thread_and_threads_come_back() -> None:
    before = torch.get_num_threads()
    executor = SerialExecutor()
    executor.submit(task(1))
    assert [result for _, result in executor.as_completed()] == [(1, 10)]
    assert torch.get_num_threads() == before


def test_thread_count_comes_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("kind", [SerialExecutor, Backwards])
def test_results_come_in_the_order_of_numbers(kind: type[SerialExecutor]) -> None:
    found = list(in_order(kind(), [task(i) for i in range(5, 12)]))
    assert [t.number for t, _ in found] == list(range(5, 12))
    assert [r for _, r in found] == [(1, 10 * i) for i in range(5, 12)]


def test_cancel_forgets_what_has_not_begun() -> None:
    executor = SerialExecutor()
    for i in range(3):
        executor.submit(task(i))
    results = executor.as_completed()
    next(results)
    executor.cancel()
    assert list(results) == []


def test_results_are_given_as_soon_as_all_before_them_are_there() -> None:
    executor = SerialExecutor()
    results = in_order(executor, [task(0), task(1)])
    assert next(results)[0].number == 0
    executor.cancel()
    with pytest.raises(ExecutionError, match="gives no result of task 1"):
        next(results)


class AtOnce(SerialExecutor):
    """Gives what was submitted before it was asked, and nothing that comes meanwhile."""

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        known = list(self._waiting)
        self._waiting.clear()
        for each in known:
            yield each, each.run()


@pytest.mark.parametrize("kind", [SerialExecutor, Backwards, AtOnce])
def test_results_tell_how_many_tasks_there_are_to_be(kind: type[SerialExecutor]) -> None:
    """Without end by themselves, they are submitted below a limit that rises with the results."""
    submitted: list[int] = []

    def endless() -> Iterator[Task]:
        for number in count():
            submitted.append(number)
            yield task(number)

    given: list[int] = []
    results = in_order(kind(), endless(), lambda: 3 if len(given) < 3 else 7)
    for each, _ in results:
        given.append(each.number)
    assert given == list(range(7))
    assert submitted == list(range(8))  # one ahead


def test_nothing_is_left_for_the_next_stage() -> None:
    """After an error, and after a caller that stopped early, the executor is empty again."""
    executor = SerialExecutor()
    with pytest.raises(AttributeError):
        list(in_order(executor, [Task(0, "math:no_such_function"), task(1), task(2)]))
    first = next(iter(in_order(executor, [task(3), task(4)])))
    assert first[1] == (1, 30)
    assert [r for _, r in in_order(executor, [task(0), task(1)])] == [(1, 0), (1, 10)]


def test_error_of_a_task_is_raised() -> None:
    executor = SerialExecutor()
    executor.submit(Task(0, "math:no_such_function"))
    with pytest.raises(AttributeError, match="no_such_function"):
        list(executor.as_completed())
