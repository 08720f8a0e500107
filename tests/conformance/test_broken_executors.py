"""Executors with one defect each, and what is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.execute import SerialExecutor
from crosshook.core.interfaces.executor import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.executor import Task


class Serial(SerialExecutor):
    """The built-in one, to be spoilt."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()


class ByPosition(Serial):
    """Hands out results in the order they came for tasks in another."""

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        found = list(super().as_completed())
        yield from zip(
            [task for task, _ in found], [result for _, result in reversed(found)], strict=True
        )


class Twice(Serial):
    def submit(self, task: Task) -> None:
        super().submit(task)
        if task.number == 4:
            super().submit(task)


class ManyThreads(Serial):
    def as_completed(self) -> Iterator[tuple[Task, object]]:
        while self._waiting:
            task = self._waiting.popleft()
            before = torch.get_num_threads()
            torch.set_num_threads(2)
            result = task.run()
            torch.set_num_threads(before)
            yield task, result


class Swallows(Serial):
    def as_completed(self) -> Iterator[tuple[Task, object]]:
        while self._waiting:
            task = self._waiting[0]
            try:
                yield from super().as_completed()
            except ArithmeticError:
                yield task, None
            except Exception:  # noqa: BLE001 - the defect
                yield task, None


class NeverForgets(Serial):
    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass


class AlwaysBusy(Serial):
    def load(self) -> Load:
        return Load(running=1)


BROKEN = [
    (ByPosition, r"task 0 gave .*, not 0", "tasks_come_back_once"),
    (Twice, r"came back as \[0, 1, 2, 3, 4, 4|gave|KeyError", "tasks_come_back_once"),
    (ManyThreads, r"computed on 2 threads", "tasks_come_back_once"),
    (AlwaysBusy, r"still counts running tasks", "tasks_come_back_once"),
    (Swallows, r"the error of a task is swallowed", "errors_are_raised_and_nothing_is_left"),
    (NeverForgets, r"still come back|came back as", "errors_are_raised_and_nothing_is_left"),
]


@pytest.mark.parametrize(
    ("factory", "words", "check"), BROKEN, ids=[f.__name__ for f, _, _ in BROKEN]
)
def test_wrong_executor_is_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("executor", factory, words, check)
