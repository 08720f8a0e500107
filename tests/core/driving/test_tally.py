"""What is counted of a batch comes back from its file, or an error that names the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.driving.tally import Tally
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def tally(trials: float | None) -> Tally:
    """Three events of two processes, two of them kept."""
    return Tally(
        np.array([1.0, -2.0, 0.0]),
        np.array([1, 1, 7]),
        trials,
        np.array([2.0, -2.0]),
        [np.arange(12.0).reshape(2, 2, 3)],
    )


@pytest.mark.parametrize("trials", [None, 10.0])
def test_it_comes_back(tmp_path: Path, trials: float | None) -> None:
    path = tmp_path / "batch-000.npz"
    tally(trials).save(path)
    assert Tally.load(path).sums() == tally(trials).sums()
    np.testing.assert_array_equal(Tally.load(path).kept, tally(trials).kept)
    np.testing.assert_array_equal(Tally.load(path).histograms, tally(trials).histograms)


def test_sums() -> None:
    """By hand, in all and by process."""
    sums = tally(10.0).sums()
    assert (sums.events, sums.negative, sums.zero, sums.points) == (3, 1, 1, 10.0)
    assert (sums.weight, sums.squares, sums.absolute) == (-1.0, 5.0, 3.0)
    assert (sums.largest, sums.smallest) == (2.0, 0.0)
    assert {n: (p.events, p.negative, p.weight) for n, p in sums.processes.items()} == {
        1: (2, 1, -1.0),
        7: (1, 0, 0.0),
    }


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_damaged_file(tmp_path: Path, share: float) -> None:
    path = tmp_path / "batch-000.npz"
    tally(None).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=f"{path}: cannot be read"):
        Tally.load(path)
