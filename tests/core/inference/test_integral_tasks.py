"""Integrals of events by workers: the bits of one process, and parts that are there are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crosshook.core.execute import SerialExecutor
from crosshook.core.inference import integral_tasks
from crosshook.core.inference.run import infer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.execute import Task
    from crosshook.core.inference.result import InferenceReport

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "mem-toy.yaml"
SMALL = (
    "data.simulate.events=70",
    "parameters.alpha.points=8",
    "integral.points=2048",  # 16 events of a block
    "integral.training.events=2000",
    "integral.training.passes=1",
    "integral.proposal={use: flow, options: {hidden: 8, depth: 1, bins: 4}}",
    "intervals.toys=null",
)


class Counting(SerialExecutor):
    """Notes which tasks it was given, and is interrupted after some."""

    def __init__(self, stop_after: int = 1000) -> None:
        super().__init__()
        self.tasks: list[Task] = []
        self._left = stop_after

    def submit(self, task: Task) -> None:
        self.tasks.append(task)
        super().submit(task)

    def as_completed(self) -> Iterator[tuple[Task, object]]:
        for done in super().as_completed():
            yield done
            self._left -= 1
            if not self._left:
                raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(integral_tasks, "EVENTS", 32)  # 2 blocks of a task, 3 tasks


def _likelihoods(directory: Path) -> bytes:
    return (directory / "likelihoods.safetensors").read_bytes()


def _plain(report: InferenceReport) -> dict[str, object]:
    """What does not tell of times and places."""
    integrals = report.integrals
    assert integrals is not None
    return {
        "parameters": report.parameters,
        "integrals": replace(integrals, milliseconds=0.0),
        "notes": report.notes,
    }


def test_workers_give_the_same_bits(tmp_path: Path) -> None:
    alone = infer(EXAMPLE, settings=SMALL, output=tmp_path / "alone")
    two = infer(EXAMPLE, settings=SMALL, output=tmp_path / "two", workers=2)
    assert _likelihoods(tmp_path / "two") == _likelihoods(tmp_path / "alone")
    assert _plain(two) == _plain(alone)
    assert "executor" not in two.configuration


def test_an_inference_that_was_stopped_keeps_its_parts(tmp_path: Path) -> None:
    stopped, again = Counting(stop_after=1), Counting()
    with pytest.raises(KeyboardInterrupt):
        infer(EXAMPLE, settings=SMALL, output=tmp_path / "run", executor=stopped)
    assert len(list((tmp_path / "run" / "cache").glob("part-*"))) == 1
    infer(EXAMPLE, settings=SMALL, output=tmp_path / "run", executor=again)
    assert len(stopped.tasks) == 3
    assert len(again.tasks) == 2
    assert not list((tmp_path / "run" / "cache").glob("part-*"))
    infer(EXAMPLE, settings=SMALL, output=tmp_path / "alone")
    assert _likelihoods(tmp_path / "run") == _likelihoods(tmp_path / "alone")
