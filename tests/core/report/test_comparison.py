"""χ² between events and reference: its distribution and probability against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crosshook.core.histograms import Histogram
from crosshook.core.report.comparison import chi_squared_probability, compare

EDGES = tuple(float(e) for e in range(21))


def histogram(values: np.ndarray, errors: np.ndarray) -> Histogram:
    columns = (tuple(map(float, column)) for column in (values, errors))
    return Histogram("x", "x", "x", "", EDGES, *columns, underflow=0.0, overflow=0.0)


@pytest.mark.parametrize("chi_squared", [0.3, 2.0, 17.5, 80.0])
def test_probability_for_two_degrees_is_exponential(chi_squared: float) -> None:
    """Q(1, χ²/2) = exp(-χ²/2)."""
    got = chi_squared_probability(chi_squared, 2)
    assert got == pytest.approx(math.exp(-chi_squared / 2), rel=1e-12)


def test_probability_for_one_degree_is_the_error_function() -> None:
    """P(χ² > z²) = erfc(z/√2)."""
    assert chi_squared_probability(9.0, 1) == pytest.approx(math.erfc(3 / math.sqrt(2)), rel=1e-12)


def test_probability_is_uniform_for_equal_distributions() -> None:
    """Over 400 samples the mean probability is 1/2 within 5σ, σ = 1/√(12·400).

    The steep reference has bins with less than one expected event: χ² with observed variances
    fails here.
    """
    rng = np.random.default_rng(3)
    shape = 0.6 ** np.arange(20)
    shape /= shape.sum()
    reference = histogram(shape, np.zeros(20))
    found = []
    for _ in range(400):
        counts = rng.multinomial(1000, shape)
        found.append(compare(reference, histogram(counts / 1000, np.sqrt(counts) / 1000)))
    assert all(a.groups == found[0].groups < 20 for a in found)
    mean = np.mean([a.probability for a in found])
    assert abs(mean - 0.5) < 5 / math.sqrt(12 * 400)


def test_a_shifted_sample_is_found() -> None:
    """Ten bins up and ten down by 10 % at 1000 events a bin: χ² grows by 10 a bin."""
    values = np.ones(20)
    reference = histogram(values, np.zeros(20))
    wrong = values + 0.1 * np.repeat([1, -1], 10)
    agreement = compare(reference, histogram(wrong, np.sqrt(wrong / 1000)))
    assert agreement.chi_squared == pytest.approx(200, rel=0.01)
    assert agreement.probability < 1e-20


def test_no_events_is_no_comparison() -> None:
    """Nothing to compare, nothing claimed."""
    agreement = compare(histogram(np.ones(20), np.ones(20)), histogram(np.zeros(20), np.zeros(20)))
    assert agreement.groups == 0
    assert math.isnan(agreement.probability)


def _biased(rng: np.random.Generator, shape: np.ndarray, bias: np.ndarray) -> Histogram:
    """2000 events drawn in proportion to shape·bias, with weights 1/bias scaled to mean 1."""
    biased = shape * bias / (shape * bias).sum()
    counts = rng.multinomial(2000, biased)
    weight = 2000 / bias / (counts / bias).sum()
    values, squares, total = counts * weight, counts * weight**2, (counts * weight**2).sum()
    share = values / values.sum()
    errors = np.sqrt((1 - 2 * share) * squares + share**2 * total)
    return histogram(values / 2000, errors / 2000)


def test_events_with_weights_of_their_own() -> None:
    """A steep shape, evened out by a bias: no false alarm in 400 samples, and a wrong shape is found.

    Few heavy events set the common scale, which moves all others together; with the scale fitted
    the probabilities are not too small: their mean is 1/2 or more within 5σ.
    """
    rng = np.random.default_rng(4)
    shape = 0.6 ** np.arange(20)
    shape /= shape.sum()
    bias = (1 / shape) ** 0.9
    reference = histogram(shape, np.zeros(20))
    found = [compare(reference, _biased(rng, shape, bias), weighted=True) for _ in range(400)]
    assert min(a.groups for a in found) >= 15
    chances = np.array([a.probability for a in found])
    assert chances.mean() > 0.5 - 5 / math.sqrt(12 * 400)
    assert chances.min() > 1e-4
    # Ten of twenty bins with 100 events each up by half: 0.2 from a fitted scale, χ² 4 a bin more.
    wrong = shape * np.where(np.arange(20) < 10, 1.0, 1.5)
    agreement = compare(reference, _biased(rng, wrong, bias), weighted=True)
    assert agreement.probability < 1e-6
