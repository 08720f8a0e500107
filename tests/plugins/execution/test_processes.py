"""The executor of processes: workers that hang or die too often, and nothing left behind."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, ExecutionError
from crosshook.core.execute import in_order
from crosshook.core.interfaces.executor import Task
from crosshook.core.registry import default_registry
from crosshook.plugins.execution.processes import ProcessExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = "crosshook_worker_tasks"
SOURCE = """
import os, signal, time
from pathlib import Path

def pid():
    return os.getpid()

def hang_once(mark):
    path = Path(mark)
    if not path.exists():
        path.touch()
        time.sleep(600)
    return "done"

def die(seconds=0.0):
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)

def nap(seconds):
    time.sleep(seconds)

class Twofold(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")

def fail():
    raise Twofold("one", "two")

def stumble():
    raise LookupError("not here")
"""


@pytest.fixture
def executor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessExecutor]:
    """Two processes that can import the module of tasks."""
    (tmp_path / f"{MODULE}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = ProcessExecutor(2, time_limit=8.0, attempts=2)
    yield made
    made.close()


def task(number: int, function: str, **arguments: object) -> Task:
    return Task(number, f"{MODULE}:{function}", arguments)


def test_hung_task_is_begun_again_and_workers_end(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    mark = str(tmp_path / "mark")
    tasks = [task(0, "hang_once", mark=mark), *(task(n, "pid") for n in range(1, 5))]
    results = [result for _, result in in_order(executor, tasks)]
    assert results[0] == "done"
    assert executor.load().lost == 1
    executor.close()
    until = time.monotonic() + 10
    pids = {int(str(pid)) for pid in results[1:]}
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_task_that_always_loses_its_worker_stops_the_run(executor: ProcessExecutor) -> None:
    """All that were there with a lost worker are lost with it; the one to blame is named."""
    tasks = [task(0, "nap", seconds=1.0), task(7, "die", seconds=0.1)]
    with pytest.raises(ExecutionError, match=r"task 7 .*killed, or out of memory\), 2 times"):
        list(in_order(executor, tasks))
    assert [r for _, r in in_order(executor, [task(0, "hang_once", mark=os.devnull)])] == ["done"]


def test_errors_of_strangers(executor: ProcessExecutor) -> None:
    """They say which task they are of, also those of a class that cannot be unpickled."""
    with pytest.raises(LookupError, match="not here") as caught:
        list(in_order(executor, [task(5, "stumble")]))
    assert caught.value.__notes__ == [f"in task 5 ({MODULE}:stumble)"]
    with pytest.raises(ExecutionError, match=r"task 6 \(.*:fail\) failed: Twofold: one and two"):
        list(in_order(executor, [task(6, "fail")]))
    assert executor.load().lost == 0


def test_tensors_are_copied(executor: ProcessExecutor) -> None:
    """Not shared, which keeps a file open for each."""
    numbers = torch.arange(4)
    given = Task(0, "torch:mul", {"input": numbers, "other": 2})
    ((_, result),) = in_order(executor, [given])
    assert isinstance(result, torch.Tensor)
    assert result.tolist() == [0, 2, 4, 6]
    assert not result.is_shared()
    assert not numbers.is_shared()


def test_options_are_checked() -> None:
    slot = {"use": "processes", "options": {"workers": 0}}
    with pytest.raises(ConfigurationError, match="workers"):
        default_registry().build("executor", slot, BuildContext())
