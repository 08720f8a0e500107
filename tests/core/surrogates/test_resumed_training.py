"""Trainings that are killed and gone on with end as those nobody disturbs, bit by bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner

from crosshook.core.cli.surrogate import train as command
from crosshook.core.errors import InputError, NumericalError, OutputError
from crosshook.core.progress import Silent
from crosshook.core.surrogates import training
from crosshook.core.surrogates.checkpoints import SurrogateCheckpoints
from crosshook.core.surrogates.training import resume_surrogate, train_surrogate

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(__file__).parents[1] / "killed_runs.py"
GLUONS = {
    "process": {"use": "n-gluon", "options": {"gluons": 3}},
    "beams": {"energy": 1000},
    "cuts": {"pt_min": 30, "m_pair_min": 30},
    "sampling": {"evaluations": 0},
    "points": {"draw": 1500},
    "surrogate": {
        "use": "invariants",
        "options": {"ansatz": "dipoles", "hidden": 8, "depth": 2, "epochs": 130, "boost": 0.3},
    },
    "output": {"report": "none"},
}
"""1180 steps: states are kept after 500, 1000 and all of them."""


class Stop(Exception):
    """Whatever ends a process."""


class Stopper(Silent):
    """Stops when a stage has come so far."""

    def __init__(self, stage: str, done: int) -> None:
        self._stage, self._done = stage, done

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        if stage == self._stage and done >= self._done:
            raise Stop


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """A small training."""
    path = tmp_path / "gluons.yaml"
    path.write_text(yaml.safe_dump(GLUONS), "utf-8")
    return path


@pytest.fixture
def stopped(run_file: Path) -> Callable[[str, int], Path]:
    """A directory whose training was stopped."""

    def stop(stage: str, done: int) -> Path:
        place = run_file.parent / "stopped"
        with pytest.raises(Stop):
            train_surrogate(run_file, output=place, progress=Stopper(stage, done))
        return place

    return stop


@pytest.mark.skipif(sys.platform == "win32", reason="kills and forks as POSIX does")
def test_a_training_killed_at_every_stage(run_file: Path) -> None:
    """While points are drawn, in the first steps, between two states, while one is being written, and
    while errors are learned.
    """
    points = ["surrogate:1", "learning:400", "learning:900", "sync:1", "errors:5"]
    words = [sys.executable, str(SCRIPT), str(run_file), str(run_file.parent), *points]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (run_file.parent / "killed" / "checkpoints").exists()


def test_steps_are_not_taken_again(
    stopped: Callable[[str, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points come from the checkpoint, the first step is the 501st."""
    place = stopped("learning", 700)
    monkeypatch.setattr(training, "gather_points", None)
    with pytest.raises(Stop):
        resume_surrogate(place, progress=Stopper("learning", 501))
    checkpoints = SurrogateCheckpoints(place / "checkpoints")
    run_file, _ = checkpoints.run_file()
    assert checkpoints.go_on(yaml.safe_load(run_file.read_text())) == ()
    found = checkpoints.load()
    assert found is not None
    assert found[1]["step"] == 500


def test_other_versions_are_told(stopped: Callable[[str, int], Path]) -> None:
    place = stopped("learning", 1)
    path = place / "checkpoints" / "begun.json"
    begun = json.loads(path.read_text())
    begun["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(begun))
    assert resume_surrogate(place).notes[0].startswith("torch was 1.0 when the training began")


def test_an_unfinished_training_is_not_replaced(
    run_file: Path, stopped: Callable[[str, int], Path]
) -> None:
    place = stopped("learning", 1)
    with pytest.raises(
        OutputError, match="holds an unfinished training; go on with it by --resume"
    ):
        train_surrogate(run_file, output=place)
    with pytest.raises(Stop):
        train_surrogate(run_file, output=place, overwrite=True, progress=Stopper("learning", 1))


def test_what_is_damaged_is_refused(stopped: Callable[[str, int], Path]) -> None:
    place = stopped("learning", 1)
    (path,) = (place / "checkpoints" / "points").glob("table.safetensors")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError, match="does not match its checksum"):
        resume_surrogate(place)
    assert path.exists()
    with pytest.raises(InputError, match="no unfinished training here"):
        resume_surrogate(place.parent)


def test_what_fails_leaves_nothing_to_go_on_with(
    run_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        message = "no number"
        raise NumericalError(message)

    monkeypatch.setattr(training, "gather_points", fail)
    with pytest.raises(NumericalError, match="no number"):
        train_surrogate(run_file, output=run_file.parent / "failed")
    assert not (run_file.parent / "failed").exists()


def test_the_command_takes_no_changes(run_file: Path) -> None:
    for words in (["--resume", ".", str(run_file)], ["--resume", ".", "--seed", "0"]):
        shown = CliRunner().invoke(command, words)
        assert shown.exit_code == 2
        assert "it takes no RUN_FILE and no changes" in shown.output
    assert "Missing argument 'RUN_FILE'" in CliRunner().invoke(command, []).output
