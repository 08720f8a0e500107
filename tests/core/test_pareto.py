"""The Pareto shape of known tails, and what the largest points carry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crosshook.core.pareto import carried_by_largest, tail_shape

SEEDS, N = 40, 20_000
TAIL = math.ceil(3 * math.sqrt(N))


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.7, 1.0])
def test_shape_of_pareto_tails(shape: float) -> None:
    """|w| = u^(-k): k̂ within 5σ of k, σ = (1 + k)/√M each (Fisher information of the shape).

    Shrinking towards 1/2 by 10 points in M moves the expectation by 10 (1/2 - k)/(M + 10).
    """
    rng = np.random.default_rng(11)
    found = [
        tail_shape(rng.uniform(size=N) ** (-shape) * rng.choice([-1, 1], N)) for _ in range(SEEDS)
    ]
    expected = (TAIL * shape + 5) / (TAIL + 10)
    sigma = (1 + shape) / math.sqrt(TAIL)
    assert abs(np.mean(found) - expected) < 5 * sigma / math.sqrt(SEEDS)
    assert np.std(found, ddof=1) == pytest.approx(sigma, rel=5 / math.sqrt(2 * SEEDS))


def test_bounded_weights_have_a_negative_shape() -> None:
    """Uniform weights have k = -1, an exponential tail k = 0; scale and zeros do not matter."""
    rng = np.random.default_rng(12)
    uniform, exponential = rng.uniform(size=N), rng.exponential(size=N)
    assert tail_shape(uniform) == pytest.approx(-1, abs=0.15)
    assert tail_shape(exponential) == pytest.approx(0, abs=5 / math.sqrt(TAIL))
    assert tail_shape(1e-200 * exponential) == pytest.approx(tail_shape(exponential), rel=1e-9)


@pytest.mark.parametrize(
    "weights",
    [np.zeros(0), np.zeros(1000), np.full(1000, 2.0), np.arange(50.0), np.r_[np.zeros(999), 1.0]],
    ids=["none", "zeros", "equal", "few", "one"],
)
def test_no_tail(weights: np.ndarray) -> None:
    assert math.isnan(tail_shape(weights))


def test_carried_by_the_largest() -> None:
    weights = np.array([1.0, -3.0, 2.0, 0.0])
    assert carried_by_largest(weights, 1) == (pytest.approx(3 / 6), pytest.approx(9 / 14))
    assert carried_by_largest(weights, 2) == (pytest.approx(5 / 6), pytest.approx(13 / 14))
    assert carried_by_largest(weights, 10) == (1.0, 1.0)
    assert all(math.isnan(x) for x in carried_by_largest(np.zeros(3), 2))
