"""Bundles: how large they are, and that nothing of their outcomes is lost on the way."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import ExecutionError
from crosshook.plugins.execution.bundle import (
    LARGE,
    MOST,
    BundleSizes,
    Kept,
    Outcome,
    compute_bundle,
    outcome_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


@pytest.mark.parametrize(
    ("time_limit", "seconds", "waiting", "size"),
    [
        (None, 1.0, 1000, 10),  # ten seconds of work
        (None, 1.0, 24, 4),  # a share of what is left for each of six places
        (None, 0.001, 10_000, MOST),
        (None, 30.0, 1000, 1),
        (None, 1.0, 1, 1),
        (8.0, 1.0, 1000, 2),  # a quarter of the time that a task may take
    ],
)
def test_size(time_limit: float | None, seconds: float, waiting: int, size: int) -> None:
    sizes = BundleSizes(time_limit)
    assert sizes.size("f", waiting, 6) == 1
    sizes.add("f", 60.0)  # with imports
    sizes.add("f", seconds)
    assert sizes.size("f", waiting, 6) == size
    assert sizes.size("g", waiting, 6) == 1


def _compute(numbers: Iterable[int], folder: Path, denominator: int = 1) -> Outcome | Kept:
    tasks = pickle.dumps([(n, {"numerator": n}) for n in numbers])
    shared = {"denominator": denominator}
    return compute_bundle(str(Path.cwd()), "fractions:Fraction", tasks, str(folder), shared)


def test_results_travel_if_they_are_small(tmp_path: Path) -> None:
    found = _compute([3], tmp_path, 4)
    assert isinstance(found, Outcome)
    assert outcome_of(found).results == (Fraction(3, 4),)
    assert found.error is None
    assert not list(tmp_path.iterdir())


def test_large_results_come_through_a_file(tmp_path: Path) -> None:
    found = _compute(range(200), tmp_path, 7)
    assert isinstance(found, Kept)
    assert len(pickle.dumps(found)) < LARGE + len(found.path)
    assert outcome_of(found).results == tuple(Fraction(n, 7) for n in range(200))
    assert not list(tmp_path.iterdir())


def test_large_results_travel_where_there_is_no_folder(tmp_path: Path) -> None:
    found = _compute(range(200), tmp_path / "gone")
    assert isinstance(found, Outcome)
    assert len(found.results) == 200


def test_results_before_an_error_are_kept(tmp_path: Path) -> None:
    tasks = pickle.dumps([(n, {"numerator": 1, "denominator": 2 - n}) for n in range(3)])
    packed = compute_bundle(str(Path.cwd()), "fractions:Fraction", tasks, str(tmp_path), {})
    found = outcome_of(packed)
    assert found.results == (Fraction(1, 2), Fraction(1))
    assert isinstance(found.error, ZeroDivisionError)
    assert found.error.__notes__ == ["in task 2 (fractions:Fraction)"]


def test_files_are_taken_as_the_worker_wrote_them_or_not_at_all(tmp_path: Path) -> None:
    found = _compute(range(200), tmp_path)
    assert isinstance(found, Kept)
    path = Path(found.path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ExecutionError, match="are not as it wrote them"):
        outcome_of(found)
    with pytest.raises(ExecutionError, match="cannot be read: No such file"):
        outcome_of(found)
