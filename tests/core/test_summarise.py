"""The figures of an integration, each from its definition over the points themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.core.integrate import Weighted
from crosshook.core.sampling.sums import Sums
from crosshook.core.statistics import chi_squared, efficiency
from crosshook.core.summarise import REPORTED_RULES, integration_result

SHARES = torch.tensor([0.25, 0.75], dtype=torch.float64)
N = 8000


@pytest.fixture(scope="module")
def points() -> tuple[np.ndarray, np.ndarray]:
    """Channels and weights v of 8000 points: a fifth cut, some negative."""
    rng = np.random.default_rng(12)
    channel = np.repeat([0, 1], [N // 4, 3 * N // 4])
    weight = rng.lognormal(0, 0.8, N) * rng.choice([0, 1, 1, 1, -0.3], N) * (1 + channel)
    return channel, weight


def _result(channel: np.ndarray, weight: np.ndarray) -> Any:
    sums = Sums.of(torch.from_numpy(channel), torch.from_numpy(weight), 2)
    finite = np.isfinite(weight)
    weighted = Weighted(
        stage="integrate",
        sums=sums,
        blocks=2,
        block_estimates=np.array([1.0, 1.2]),
        block_errors=np.array([0.1, 0.1]),
        running=((N, 1.0, 0.1),),
        weights=[weight[finite & (channel == c)] for c in range(2)],
    )
    rng = np.random.default_rng(3)
    return integration_result(weighted, ("one", "two"), SHARES, rng, 2.5)


def test_cross_section_and_channels(points: tuple[np.ndarray, np.ndarray]) -> None:
    channel, weight = points
    found = _result(*points)
    groups = [weight[channel == c] for c in range(2)]
    assert found.cross_section == pytest.approx(sum(g.mean() for g in groups))
    error = math.sqrt(sum(g.var(ddof=1) / g.size for g in groups))
    assert found.error == pytest.approx(error)
    for c, (result, name) in enumerate(zip(found.channels, ("one", "two"), strict=True)):
        assert (result.name, result.share, result.points) == (name, SHARES[c], groups[c].size)
        assert result.estimate == pytest.approx(groups[c].mean())
        assert result.largest == np.abs(groups[c]).max()
        assert result.zeros == np.count_nonzero(groups[c] == 0)
    expected = chi_squared(np.array([1.0, 1.2]), np.array([0.1, 0.1]))
    assert (found.chi_squared, found.degrees_of_freedom) == expected
    assert (found.evaluations, found.invalid, found.seconds) == (N, 0, 2.5)
    assert found.running == ((N, 1.0, 0.1),)


def test_shapes_of_the_weights_as_drawn(points: tuple[np.ndarray, np.ndarray]) -> None:
    """The points were drawn with p_c exactly, so figures of w = v/p_c are plain averages."""
    channel, weight = points
    found = _result(*points)
    w = weight / SHARES.numpy()[channel]
    assert found.kish == pytest.approx(w.mean() ** 2 / (w**2).mean())
    assert found.relative_deviation == pytest.approx(w.std() / w.mean())
    assert found.negative_share == pytest.approx(-w[w < 0].sum() / np.abs(w).sum())
    assert found.cut_efficiency == pytest.approx(np.mean(w != 0))


def test_mean_over_max_with_channels_drawn_by_their_maxima(
    points: tuple[np.ndarray, np.ndarray],
) -> None:
    """With p_c ∝ M_c the largest weight is Σ M_c in every channel."""
    channel, weight = points
    groups = [np.abs(weight[channel == c]) for c in range(2)]
    expected = sum(g.mean() for g in groups) / sum(g.max() for g in groups)
    assert _result(*points).mean_over_max == pytest.approx(expected)


def test_efficiencies(points: tuple[np.ndarray, np.ndarray]) -> None:
    channel, weight = points
    found = _result(*points)
    groups = [weight[channel == c] for c in range(2)]
    for (rule, share), result in zip(REPORTED_RULES, found.efficiencies, strict=True):
        expected = efficiency(groups, rule, share)
        assert (result.rule, result.share, result.points) == (rule, share, N)
        assert (result.value, result.after_cuts) == (expected.value, expected.after_cuts)
        assert result.error >= 0


def test_the_spectrum(points: tuple[np.ndarray, np.ndarray]) -> None:
    channel, weight = points
    found = _result(*points).spectrum
    size = np.abs(weight) / SHARES.numpy()[channel]
    logs = np.log10(size[size > 0] / size.mean())
    expected, edges = np.histogram(np.clip(logs, -6, 3), 90, (-6, 3))
    np.testing.assert_allclose(found.edges, edges)
    assert np.sum(found.channels, axis=0).tolist() == expected.tolist()
    assert np.sum(found.channels[0]) == np.count_nonzero(weight[channel == 0])
    assert found.zeros == np.count_nonzero(weight == 0)


def test_invalid_points_are_counted_apart(points: tuple[np.ndarray, np.ndarray]) -> None:
    channel, weight = points
    broken = weight.copy()
    broken[[5, 4000]] = np.nan, np.inf
    found = _result(channel, broken)
    assert found.invalid == 2
    assert math.isfinite(found.cross_section)
    assert math.isfinite(found.kish)
    kept = np.isfinite(broken)
    assert found.cut_efficiency == pytest.approx(np.mean(broken[kept] != 0))


@pytest.mark.parametrize("weight", [np.zeros(N), np.full(N, np.nan)])
def test_nothing_but_zeros(points: tuple[np.ndarray, np.ndarray], weight: np.ndarray) -> None:
    found = _result(points[0], weight)
    assert (found.cross_section, found.error) == (0.0, 0.0)
    assert math.isnan(found.kish)
    assert math.isnan(found.mean_over_max)
    assert found.negative_share == 0.0
    assert found.cut_efficiency == 0.0
    assert np.sum(found.spectrum.channels) == 0
