"""Columns of events by workers: in order and complete, whatever becomes of a worker; nothing stays."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.component import Slot
from crosshook.core.errors import OutputError
from crosshook.core.events.batch_tasks import AHEAD, BatchWorkers
from crosshook.core.events.files import open_events
from crosshook.core.events.staging import staged_folder
from crosshook.core.execute import SerialExecutor, opened
from crosshook.core.interfaces.executor import Load
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.execute import Task

FILE = Path(__file__).parents[2] / "data" / "lhe" / "madgraph_ee_mumu.lhe.gz"
BATCH = 3

DEADLY = """
import os, signal
from pathlib import Path

def weights(batch, number, once):
    if number == 2 and not Path(once).exists():
        Path(once).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"weight": batch.event["weight"] * number}
"""
"""The worker of the third batch is lost."""


class Backwards(SerialExecutor):
    """Several workers: what they have at a time ends in reverse order."""

    def __init__(self, workers: int) -> None:
        super().__init__()
        self._workers = workers

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        while self._waiting:
            own = [self._waiting.popleft() for _ in range(min(self._workers, len(self._waiting)))]
            later = list(self._waiting)
            self._waiting.clear()
            self._waiting.extend(reversed(own))
            done = list(super().as_completed())
            self._waiting.extend(later)
            yield from done

    def load(self) -> Load:
        return Load(self._workers)


def weights(batch: EventBatch, number: int, power: int) -> dict[str, np.ndarray]:
    if number == power:
        message = "no weights"
        raise ValueError(message)
    return {"weight": np.asarray(batch.event["weight"]) * number}


def _expected() -> list[list[float]]:
    with open_events(FILE, BATCH) as stream:
        return [(np.asarray(b.event["weight"]) * i).tolist() for i, b in enumerate(stream)]


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_columns_come_in_order_and_few_files_at_a_time(tmp_path: Path, workers: int) -> None:
    found, most = [], 0
    helpers = BatchWorkers(Backwards(workers), tmp_path)
    with open_events(FILE, BATCH) as stream:
        for batch, columns in helpers.computed(stream, f"{__name__}:weights", {"power": -1}):
            most = max(most, len(list(tmp_path.glob("events-*"))))
            assert len(batch) == len(columns["weight"])
            found.append(columns["weight"].tolist())
    assert found == _expected()
    assert len(found) > 2
    assert most <= AHEAD * workers + 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_worker_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deadly_columns.py").write_text(DEADLY, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    once = tmp_path / "once"
    slot = Slot("processes", {"workers": 2, "time_limit": None, "attempts": 3})
    with (
        staged_folder(tmp_path / "out.lhe") as folder,
        opened(None, slot, default_registry(), folder) as executor,
        open_events(FILE, BATCH) as stream,
    ):
        helpers = BatchWorkers(executor, folder)
        computed = helpers.computed(stream, "deadly_columns:weights", {"once": str(once)})
        found = [columns["weight"].tolist() for _, columns in computed]
    assert once.exists()
    assert found == _expected()
    assert not folder.exists()


def _stopped(destination: Path, power: int, stop: bool) -> None:
    with staged_folder(destination) as folder, open_events(FILE, BATCH) as stream:
        helpers = BatchWorkers(Backwards(2), folder)
        for _ in helpers.computed(stream, f"{__name__}:weights", {"power": power}):
            if stop:
                raise KeyboardInterrupt


def test_nothing_stays_after_an_error_or_a_cancellation(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no weights"):
        _stopped(tmp_path / "out.lhe", power=2, stop=False)
    with pytest.raises(KeyboardInterrupt):
        _stopped(tmp_path / "out.lhe", power=-1, stop=True)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="cannot be made"),
        staged_folder(tmp_path / "nowhere" / "x"),
    ):
        pass
