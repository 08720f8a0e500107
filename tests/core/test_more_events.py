"""More events of a finished run: new ones, the same again for the same seed, nothing replaced."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from crosshook.core.errors import ConfigurationError, InputError, OutputError
from crosshook.core.events.files import open_events
from crosshook.core.more_events import generate
from crosshook.core.run_directory import RunDirectory

if TYPE_CHECKING:
    from pathlib import Path


def _px(path: Path) -> np.ndarray:
    with open_events(path) as stream:
        return np.concatenate([np.asarray(b.particle_columns["px"]) for b in stream])


@pytest.fixture
def run(drell_yan: Any, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return shutil.copytree(drell_yan.directory.path, tmp_path / "run")


def test_new_events(run: Path, drell_yan: Any) -> None:
    result = generate(run, events=150, seed=5)
    place = run / "seed-5"
    found = _px(place / "events.lhe")
    assert len(found) == 150 * 5
    assert not np.isin(found[found != 0], _px(run / "events.lhe")).any()
    report = RunDirectory(place).read_json(place / "report.json")
    assert (report["format"], report["seed"]) == ("crosshook-generation/1", 5)
    assert report["run"] == str(run)
    assert not (place / "parts").exists()
    # σ of the new file: the run's integration and pilot with the new points.
    first = drell_yan.frozen.sums
    assert result.evaluations + first.n > first.n
    assert abs(result.cross_section - first.estimate().value) < 5 * first.estimate().error
    assert result.error < first.estimate().error


def test_the_same_seed_again(run: Path, tmp_path: Path) -> None:
    generate(run, events=60, seed=5, output=tmp_path / "a")
    generate(run, events=60, seed=5, output=tmp_path / "b")
    generate(run, events=60, seed=6, output=tmp_path / "c")
    one, two, other = (_px(tmp_path / x / "events.lhe") for x in "abc")
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_events_depend_on_the_run_not_on_how_many(run: Path, tmp_path: Path) -> None:
    """A longer file begins with the shorter one."""
    generate(run, events=40, seed=5, output=tmp_path / "a")
    generate(run, events=300, seed=5, output=tmp_path / "b")
    short, long = (_px(tmp_path / x / "events.lhe") for x in "ab")
    assert np.array_equal(short, long[: len(short)])


def test_refused(run: Path, drell_yan: Any, tmp_path: Path) -> None:
    own = drell_yan.config.seed
    with pytest.raises(ConfigurationError) as caught:
        generate(run, events=10, seed=own)
    assert str(caught.value) == (
        f"seed {own} is the run's own and would give its events again; choose another"
    )
    with pytest.raises(ConfigurationError, match=r"^events: 0 is less than 1$"):
        generate(run, events=0, seed=5)
    with pytest.raises(
        InputError, match=r"no finished run with events: resolved\.json is missing"
    ):
        generate(tmp_path, events=10, seed=5)
    generate(run, events=10, seed=5)
    with pytest.raises(OutputError, match=r"seed-5: holds a run already"):
        generate(run, events=10, seed=5)
    generate(run, events=10, seed=5, overwrite=True)


@pytest.mark.parametrize(("events", "seed"), [(0, 5), (10, -5)])
def test_numbers_that_are_none(run: Path, events: int, seed: int) -> None:
    with pytest.raises(ConfigurationError, match="is less than"):
        generate(run, events=events, seed=seed)


@pytest.mark.parametrize("above", [False, True])
def test_the_run_itself_is_never_replaced(run: Path, above: bool) -> None:
    """Its trained sampler would be gone before the first event."""
    place = run.parent if above else run
    (place / "resolved.json").touch()
    with pytest.raises(OutputError) as caught:
        generate(run, events=10, seed=5, output=place, overwrite=True)
    assert str(caught.value) == (
        f"{place}: holds the run whose sampler is used; choose another output"
    )
    assert (run / "events.lhe").is_file()
