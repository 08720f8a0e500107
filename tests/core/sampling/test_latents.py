"""Nets: uniform, balanced, independent from block to block, and no state but the stream given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.random import stream
from crosshook.core.sampling.latents import check_latents, nets, sobol, strata, stratified

KINDS = {"sobol": sobol, "stratified": stratified}


@pytest.fixture(params=list(KINDS))
def net(request: pytest.FixtureRequest) -> Any:
    """Each kind of net."""
    return KINDS[request.param]


@pytest.mark.parametrize("d", [1, 2, 5, 12])
@pytest.mark.parametrize("n", [1, 2, 100, 1024])
def test_points_are_in_the_cube_and_repeatable(net: Any, n: int, d: int) -> None:
    state = torch.get_rng_state()
    points = net(n, d, stream(1, "x", 3))
    assert points.shape == (n, d)
    assert points.dtype == torch.float64
    assert bool((points >= 0).all())
    assert bool((points < 1).all())
    assert torch.equal(points, net(n, d, stream(1, "x", 3)))
    assert not torch.equal(points, net(n, d, stream(1, "x", 4)))
    assert torch.equal(state, torch.get_rng_state())


def test_sobol_is_balanced() -> None:
    """2^10 points: one in each interval of width 2^-10 along every axis; 2-d boxes for d = 2."""
    points = sobol(1024, 7, stream(1, "x", 0))
    for j in range(7):
        assert torch.bincount((points[:, j] * 1024).long(), minlength=1024).tolist() == [1] * 1024
    boxes = (points[:, 0] * 32).long() * 32 + (points[:, 1] * 32).long()
    assert torch.bincount(boxes, minlength=1024).tolist() == [1] * 1024


@pytest.mark.parametrize("n", [1, 2, 7, 100, 5000, 8192])
@pytest.mark.parametrize("d", [1, 2, 3, 4, 9, 30])
def test_strata_hold_a_point_each(n: int, d: int) -> None:
    counts = strata(n, d)
    boxes = math.prod(counts)
    assert n / 2 < boxes <= n
    assert max(counts) - min(counts) <= 1
    points = stratified(n, d, stream(1, "x", 0)).numpy()
    place = np.floor(points * np.array(counts)).astype(np.int64)
    filled = np.bincount(np.ravel_multi_index(tuple(place.T), counts), minlength=boxes)
    assert filled.min() == 1
    assert filled.max() <= 2


def test_means_are_unbiased(net: Any) -> None:
    """1000 nets of 50 points: the mean of x₀·x₁² is 1/6 within 4.5 standard errors of the means."""
    means = []
    for block in range(1000):
        x = net(50, 3, stream(2, "mean", block))
        means.append(float((x[:, 0] * x[:, 1] ** 2).mean()))
    error = np.std(means, ddof=1) / math.sqrt(1000)
    assert abs(np.mean(means) - 1 / 6) < 4.5 * error
    # Independent points would have the standard deviation √((1/15 - 1/36)/50) = 0.0279.
    assert np.std(means, ddof=1) < 0.0279 / 2


def test_each_channel_has_a_net_of_its_own() -> None:
    channel = torch.tensor([0, 1, 1, 0] * 128)
    points = nets("sobol", channel, 3, 2, stream(1, "x", 0))
    for c in (0, 1):
        own = points[channel == c]
        assert torch.bincount((own[:, 0] * 256).long(), minlength=256).tolist() == [1] * 256
    assert not torch.equal(points[channel == 0], points[channel == 1])


def test_wrong_latents_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"latents: 'halton' is not one of random, sobol"):
        check_latents("halton", 2, "latents")
    with pytest.raises(ConfigurationError, match=r"sobol has at most 21201 dimensions, 21202"):
        check_latents("sobol", 21202, "latents")
