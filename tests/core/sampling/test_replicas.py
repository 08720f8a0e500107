"""Errors from blocks: the formula against the scatter of many repetitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crosshook.core.errors import ConfigurationError
from crosshook.core.sampling.replicas import error_of_error, replica_errors, replica_size


def test_equal_blocks_give_the_standard_error_of_their_means() -> None:
    rng = np.random.default_rng(1)
    totals = rng.normal(size=(9, 2, 3))
    errors = replica_errors(totals, np.full((9, 2), 50))
    np.testing.assert_allclose(
        errors, (totals / 50).std(axis=0, ddof=1) / math.sqrt(9), rtol=1e-12
    )


def test_errors_are_those_of_repetitions() -> None:
    """Blocks of 3 and 4 points in turn: ⟨error²⟩ against the variance of 2000 estimates.

    The variance of 2000 is known to √(2/2000) = 3.2 %; ⟨error²⟩ of 10 blocks to √(2/9/2000) =
    1.1 %; and it is biased by O(1/R) times the spread of the block sizes, below 1 %.
    """
    rng = np.random.default_rng(2)
    counts = np.array([[3 + b % 2] for b in range(10)])
    estimates, squares = [], []
    for _ in range(2000):
        totals = np.array([[rng.exponential(size=n).sum()] for (n,) in counts])
        estimates.append(float(totals.sum() / counts.sum()))
        squares.append(float(replica_errors(totals, counts)[0]) ** 2)
    assert np.mean(squares) == pytest.approx(np.var(estimates), rel=4.5 * 0.035)


def test_too_few_blocks_have_no_error() -> None:
    assert np.isnan(replica_errors(np.ones((1, 2)), np.ones((1, 2)))).all()
    assert math.isinf(error_of_error(1))
    assert error_of_error(9) == 0.25


def test_sizes_are_powers_of_two() -> None:
    assert replica_size(100_000, 16384, "points") == 8192
    assert replica_size(1_000_000, 16384, "points") == 16384
    assert replica_size(8, 16384, "points") == 1
    with pytest.raises(ConfigurationError, match="points: 7 points are too few for 8 independent"):
        replica_size(7, 16384, "points")
