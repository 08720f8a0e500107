"""The executor of Dask: a task that hangs in the middle of a bundle is found, and begun again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import ExecutionError
from crosshook.core.execute import in_order
from crosshook.core.interfaces.executor import Task
from crosshook.plugins.execution.dask import DaskExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE = "crosshook_dask_tasks"
SOURCE = """
import os
import time
from pathlib import Path

def square(number, mark, times):
    if number == HANGS:
        with Path(mark).open("a") as file:
            file.write("begun ")
        if len(Path(mark).read_text().split()) <= times:
            time.sleep(600)
    return number**2

def place(number):
    time.sleep(0.3)
    return os.getpid()

def last_heartbeat():
    from distributed import get_worker

    time.sleep(1.5)
    return get_worker()._beaten
"""
TASKS, HANGS, LIMIT = 24, 6, 3.0
"""The first two tell how short they are, and the eleven after them go in a bundle."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("tasks")
    (made / f"{MODULE}.py").write_text(f"HANGS = {HANGS}\n{SOURCE}")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(made))
        yield made


@pytest.fixture(scope="module")
def executor(folder: Path) -> Iterator[DaskExecutor]:
    with closing(DaskExecutor(None, 1, time_limit=LIMIT, attempts=2, timeout=60)) as made:
        made.prepare(folder)
        yield made


def _tasks(mark: Path, times: int) -> list[Task]:
    common = {"mark": str(mark), "times": times}
    return [Task(n, f"{MODULE}:square", {"number": n, **common}) for n in range(TASKS)]


def test_its_workers_do_nothing_but_tasks(executor: DaskExecutor) -> None:
    """Dask's profiler stops every worker a hundred times a second, if it is let."""
    asked = [Task(0, "dask.config:get", {"key": "distributed.worker.profile.enabled"})]
    assert [result for _, result in in_order(executor, asked)] == [False]


def test_its_workers_say_seldom_that_they_are_there(executor: DaskExecutor) -> None:
    """Heartbeats are what a scheduler hears most of otherwise."""
    at = f"{MODULE}:last_heartbeat"
    seen = [result for _, result in in_order(executor, [Task(n, at, {}) for n in range(2)])]
    assert seen[0] == seen[1] > 0


def test_a_task_that_hangs_in_a_bundle(executor: DaskExecutor, tmp_path: Path) -> None:
    """Its bundle is taken apart, and nothing is missing or there twice."""
    results = in_order(executor, _tasks(tmp_path / "mark", times=1))
    assert [result for _, result in results] == [n**2 for n in range(TASKS)]
    assert executor.load().lost > 1


def test_the_task_that_hangs_is_named(executor: DaskExecutor, tmp_path: Path) -> None:
    """Begun in a bundle, and then alone as often as is allowed; its neighbours are not blamed."""
    mark = tmp_path / "mark"
    results = in_order(executor, _tasks(mark, times=9))
    assert [next(results)[1] for _ in range(HANGS)] == [n**2 for n in range(HANGS)]
    with pytest.raises(ExecutionError, match=rf"task {HANGS} .* gave nothing for 3 s, 2 times"):
        next(results)
    assert len(mark.read_text().split()) == 3
    # Its worker was replaced, too: nothing is lost to it when the executor is used again.
    lost = executor.load().lost
    results = in_order(executor, _tasks(mark, times=0))
    assert [result for _, result in results] == [n**2 for n in range(TASKS)]
    assert executor.load().lost == lost


def test_both_workers_begin_at_once(folder: Path) -> None:
    """What tasks have in common is with both, and so are the tasks; stealing takes longer."""
    tasks = [Task(n, f"{MODULE}:place", {"number": n}) for n in range(2)]
    with closing(DaskExecutor(None, 2, time_limit=None, attempts=2, timeout=60)) as made:
        made.prepare(folder)
        assert len({result for _, result in in_order(made, tasks)}) == 2
