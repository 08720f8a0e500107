"""Scales of batches in every convention, and σ of several of them."""

from __future__ import annotations

import math

import pytest

from crosshook.core.cross_section import WeightSums
from crosshook.core.driving.normalisation import batch_scale, batch_seed, combined
from crosshook.core.errors import InputError
from crosshook.core.events.run_info import ProcessInfo, RunInfo
from crosshook.core.interfaces.generator import SEED_MAX


def sums_of(weights: list[float], trials: float | None = None) -> WeightSums:
    size = [abs(w) for w in weights]
    return WeightSums(
        events=len(weights),
        negative=sum(w < 0 for w in weights),
        weight=sum(weights),
        squares=sum(w * w for w in weights),
        absolute=sum(size),
        largest=max(size, default=0.0),
        smallest=min(size, default=math.inf),
        trials=trials,
    )


def info_of(weighting: int, sigma: float) -> RunInfo:
    return RunInfo(weighting=weighting, processes=(ProcessInfo(1, sigma, 0.01 * sigma, sigma),))


@pytest.mark.parametrize(
    ("weighting", "sigma", "weights", "trials", "reference", "scale"),
    [
        (3, 1.0, [2.0, 4.0], 12.0, 0.7, 1.0),  # trials: pb as they are
        (-4, 5.0, [5.0, 5.0, 5.0], None, None, 1.0),
        (-4, 5.0, [5.0, 5.0, 5.0], None, 5.5, 1.1),  # the first batch's weight for all
        (3, 5.0, [1.0, 1.0], None, 5.5, 5.5),
        (4, 6.0, [2.0, 2.0, 2.0], None, None, 3.0),  # normalised by sum
        (4, 4.0, [3.0, 5.0], None, 4.4, 1.0),  # weighted: a batch's own σ stays in its weights
    ],
)
def test_scales(
    weighting: int,
    sigma: float,
    weights: list[float],
    trials: float | None,
    reference: float | None,
    scale: float,
) -> None:
    found, _ = batch_scale(
        info_of(weighting, sigma), sums_of(weights, trials), reference, "events.lhe"
    )
    assert found == pytest.approx(scale, rel=1e-12)


def test_without_a_cross_section() -> None:
    with pytest.raises(InputError, match=r"events\.lhe: 0 events"):
        batch_scale(info_of(-4, 5.0), sums_of([]), None, "events.lhe")


def test_batches_count_by_their_points() -> None:
    """Σ of all weights over all points, whatever the sizes of the batches."""
    value, error = combined([(100.0, 2.0, 0.3), (300.0, 3.0, 0.1)])
    assert value == pytest.approx((100 * 2.0 + 300 * 3.0) / 400, rel=1e-15)
    assert error == pytest.approx(math.hypot(100 * 0.3, 300 * 0.1) / 400, rel=1e-15)


def test_seeds_are_programs_seeds() -> None:
    seeds = [batch_seed(s, n) for s in (0, 1, 2**63 - 1) for n in range(-1, 200)]
    assert len(set(seeds)) == len(seeds)
    assert all(1 <= seed <= SEED_MAX for seed in seeds)
