"""Bundles: how large they are, and that nothing of their outcomes is lost on the way."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import ExecutionError
from crosshook.plugins.execution.bundle import (
    MOST,
    BundleSizes,
    Outcome,
    compute_bundle,
    make_setting,
    read_outcome,
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


SECRET = b"between us"


def _compute(
    own: Iterable[dict[str, int]], folder: Path | None, denominator: int = 1
) -> Outcome | None:
    packed = pickle.dumps(("name", [pickle.dumps(pair) for pair in enumerate(own)]))
    small, large = pickle.dumps({"denominator": denominator}), {"_normalize": True}
    where = "" if folder is None else str(folder)
    home = str(Path.cwd())
    setting = make_setting(home, "fractions:Fraction", where, SECRET, small, {})
    assert make_setting(home, "f", where, SECRET, small, large).arguments == {
        "denominator": denominator, **large,
    }  # fmt: skip
    return compute_bundle(setting, packed)


def _numerators(n: int) -> list[dict[str, int]]:
    return [{"numerator": numerator} for numerator in range(n)]


def test_results_come_through_a_file(tmp_path: Path) -> None:
    assert _compute(_numerators(200), tmp_path, 7) is None
    assert [path.name for path in tmp_path.iterdir()] == ["name"]
    found = read_outcome(tmp_path, "name", SECRET)
    assert found is not None
    assert found.results == tuple(Fraction(n, 7) for n in range(200))
    assert found.error is None
    assert not list(tmp_path.iterdir())
    assert read_outcome(tmp_path, "name", SECRET) is None


@pytest.mark.parametrize("folder", [None, "gone"])
def test_results_travel_where_there_is_no_folder(folder: str | None, tmp_path: Path) -> None:
    found = _compute(_numerators(3), None if folder is None else tmp_path / folder)
    assert found is not None
    assert found.results == (0, 1, 2)


def test_results_before_an_error_are_kept() -> None:
    own = [{"numerator": 1}, {"numerator": 3}, {"numerator": 1, "_normalise": 0}]
    found = _compute(own, None, 2)
    assert found is not None
    assert found.results == (Fraction(1, 2), Fraction(3, 2))
    assert isinstance(found.error, TypeError)
    assert found.error.__notes__ == ["in task 2 (fractions:Fraction)"]


def test_files_are_taken_as_the_worker_wrote_them_or_not_at_all(tmp_path: Path) -> None:
    """Cut short, of another bundle, or by somebody who was not told the secret."""
    path = tmp_path / "name"
    for name, secret, size in (("name", SECRET, -1), ("other", SECRET, None), ("name", b"", None)):
        _compute(_numerators(200), tmp_path)
        path.write_bytes(path.read_bytes()[:size])
        path.rename(tmp_path / name)
        with pytest.raises(ExecutionError, match="are not as it wrote them"):
            read_outcome(tmp_path, name, secret)
    path.mkdir()
    with pytest.raises(ExecutionError, match="cannot be read: Is a directory"):
        read_outcome(tmp_path, "name", SECRET)
