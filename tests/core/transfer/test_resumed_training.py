"""Trainings of transfer functions that were stopped end as those that were not, bit by bit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from crosshook.core.cli.transfer import train
from crosshook.core.errors import InputError, OutputError
from crosshook.core.transfer.training import resume_transfer, train_transfer

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = [
    "transfer={use: flow, options: {epochs: 14, acceptance_epochs: 2, batch: 64, hidden: 16, depth: 1}}",
    "held_out=0.05",
    "output.report=none",
]
"""About 700 steps, so that a state is kept once on the way, after 500."""


class Stop(Exception):
    """What stands for a kill."""


class Stopper:
    """A progress that stops when a stage is so far."""

    def __init__(self, stage: str, done: int) -> None:
        self._stage, self._done = stage, done
        self.first: int | None = None

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        if stage == "transfer function":
            self.first = done if self.first is None else self.first
        if stage == self._stage and done >= self._done:
            raise Stop


def stopped(folder: Path, place: Path, stage: str, done: int) -> None:
    with pytest.raises(Stop):
        train_transfer(
            folder / "transfer.yaml",
            settings=SETTINGS,
            output=place,
            progress=Stopper(stage, done),
        )


def test_a_stopped_training_ends_the_same(folder: Path, tmp_path: Path) -> None:
    """Stopped between two states, and again while the acceptance is learned."""
    whole = train_transfer(folder / "transfer.yaml", settings=SETTINGS, output=tmp_path / "whole")
    place = tmp_path / "stopped"
    stopped(folder, place, "transfer function", 600)
    with pytest.raises(
        OutputError, match="holds an unfinished training; go on with it by --resume"
    ):
        train_transfer(folder / "transfer.yaml", settings=SETTINGS, output=place)
    again = Stopper("acceptance", 1)
    with pytest.raises(Stop):
        resume_transfer(place, progress=again)
    assert again.first is not None
    assert again.first > 500
    last = Stopper("none", 0)
    report = resume_transfer(place, progress=last)
    assert last.first is None  # all of its steps were taken
    assert report.losses == whole.losses
    assert report.evaluation.ranks == whole.evaluation.ranks
    one, other = ((tmp_path / p / "model" / "model.safetensors") for p in ("whole", "stopped"))
    assert one.read_bytes() == other.read_bytes()
    assert not (place / "checkpoints").exists()
    with pytest.raises(InputError, match="no unfinished training here"):
        resume_transfer(place)


def test_other_events_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "events"
    copy.mkdir()
    for name in ("paired.parquet", "transfer.yaml"):
        (copy / name).write_bytes((folder / name).read_bytes())
    stopped(copy, tmp_path / "out", "transfer function", 501)
    from pyarrow import parquet

    table = parquet.read_table(copy / "paired.parquet")
    parquet.write_table(table.slice(1), copy / "paired.parquet")
    with pytest.raises(InputError, match="are not those that the training began with"):
        resume_transfer(tmp_path / "out")


def test_resume_takes_nothing_else(folder: Path, tmp_path: Path) -> None:
    run_file = str(folder / "transfer.yaml")
    for words in (
        ["--resume", str(tmp_path), run_file],
        ["--resume", str(tmp_path), "--seed", "0"],
    ):
        found = CliRunner().invoke(train, words)
        assert found.exit_code == 2
        assert re.search("takes no RUN_FILE and no changes", found.output)
    assert "Missing argument 'RUN_FILE'" in CliRunner().invoke(train, []).output
