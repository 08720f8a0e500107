"""Spectra, Δ and its noise: against toys."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.features import Features
from crosshook.core.unfolding.spectra import (
    Binning,
    column,
    delta,
    equal_share_binnings,
    mean_and_deviation,
    noise_from,
    noise_of_delta,
    spectrum,
)

TOYS = 4000
SHAPE = np.array([0.05, 0.1, 0.2, 0.3, 0.2, 0.1, 0.04, 0.01])


def test_delta_of_known_histograms() -> None:
    """½ (0.25² + 0.25²)/1 · 10³ by hand; scale plays no part; disjoint spectra have 1000."""
    assert delta(np.array([1.0, 1.0]), np.array([3.0, 9.0])) == pytest.approx(
        500 * (0.25**2 / 0.75 + 0.25**2 / 1.25)
    )
    assert delta(np.array([1.0, 0.0, 0.0]), np.array([0.0, 2.0, 0.0])) == pytest.approx(1000.0)
    assert np.isnan(delta(np.zeros(2), np.ones(2)))


def test_noise_of_delta_is_that_of_toys() -> None:
    """Two Poisson samples of one shape, of 2000 and 5000 events: mean within five errors of the
    toys and 2 % for what Δ has beyond second order; the deviation, a Gaussian guess, within 10 %.
    """
    rng = np.random.default_rng(20261122)
    first, second = 2000 * SHAPE, 5000 * SHAPE
    made = np.array([delta(rng.poisson(first), rng.poisson(second)) for _ in range(TOYS)])
    noise = noise_of_delta(first, first, second, second)
    assert abs(made.mean() - noise.mean) < 5 * made.std() / np.sqrt(TOYS) + 0.02 * noise.mean
    assert noise.deviation == pytest.approx(made.std(), rel=0.1)
    seen = noise_from(made)
    assert seen.limit == pytest.approx(made.mean() + 2 * made.std(ddof=1))


def test_spectrum_keeps_bins_and_columns_apart() -> None:
    """Lower edges lie inside, upper ones outside; NaN and overflow are nowhere."""
    values = torch.tensor([0.0, 0.5, 1.0, 2.0, -1.0, float("nan")], dtype=torch.float64)
    weights = torch.tensor([[1.0, 10.0]], dtype=torch.float64).repeat(6, 1)
    binning = Binning("x", (0.0, 1.0, 2.0))
    assert spectrum(values, weights, binning).tolist() == [[2.0, 1.0], [20.0, 10.0]]
    assert spectrum(values, weights[:, 0], binning).tolist() == [2.0, 1.0]


def test_moments_are_weighted() -> None:
    values = torch.tensor([1.0, 3.0], dtype=torch.float64)
    weights = torch.tensor([[1.0, 3.0], [1.0, 1.0]], dtype=torch.float64)
    assert mean_and_deviation(values, weights) == pytest.approx(
        np.array([[2.0, 1.0], [1.5, np.sqrt(0.75)]])
    )


def test_default_bins_share_the_events() -> None:
    """A constant column has no bins; counts have at most one a value; none is lost."""
    rng = np.random.default_rng(1)
    dense = np.stack([rng.normal(size=1000), rng.integers(0, 3, 1000), np.ones(1000)], axis=1)
    features = Features(torch.from_numpy(dense.astype(np.float64)), ("x", "n", "one"))
    x, n = equal_share_binnings(features, bins=10)
    ones = torch.ones(1000, dtype=torch.float64)
    assert spectrum(features.dense[:, 0], ones, x).tolist() == [100.0] * 10
    assert n.bins <= 3
    assert spectrum(features.dense[:, 1], ones, n).sum() == 1000.0


def test_edges_must_ascend_and_columns_exist() -> None:
    with pytest.raises(ConfigurationError, match=r"observables\.m\.edges"):
        Binning("m", (0.0, 0.0, 1.0))
    with pytest.raises(ConfigurationError, match="no column 'y'; there are x"):
        column(Features(torch.zeros((1, 1)), ("x",)), "y")
