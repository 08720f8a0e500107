"""The training's source: full weights, counted evaluations, shares after deviations, NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.core.sampling.source import SHARE_FLOOR, SamplerSource


@pytest.fixture
def source(function: Any, make_sampler: Any) -> SamplerSource:
    """Two channels, 1/√x and its square-root map, of which the second is the better one."""
    integrand = function(1, lambda x: 0.5 / torch.sqrt(x[:, 0]), (1.0, 0.5))
    return SamplerSource(make_sampler(integrand), seed=4)


def test_weights_hold_shares(source: SamplerSource) -> None:
    """E[w] over points drawn with p_c is the whole integral, here 1."""
    for _ in range(3):
        shares = source.shares
        draw = source.draw(20_000)
        share = shares[draw.channel]
        alpha = draw.log_alpha.gather(1, draw.channel[:, None])[:, 0].exp()
        expected = draw.value * alpha * torch.exp(draw.log_det) / share
        torch.testing.assert_close(draw.weight, expected, rtol=1e-12, atol=0)
        error = float(draw.weight.std()) / math.sqrt(20_000)
        assert abs(float(draw.weight.mean()) - 1) < 5 * error


def test_accounting(source: SamplerSource) -> None:
    heard = []
    source._listener = heard.append
    first, second = source.draw(1000), source.draw(500)
    assert source.evaluations == 1500
    assert [i.evaluations for i in source.history] == [1000, 500]
    assert heard == source.history
    assert source.sums is not None
    assert source.sums.n == 1500
    assert not torch.equal(first.r[:500], second.r)
    for c in range(2):
        v = (first.weight * 0.5)[first.channel == c].numpy()
        assert source.history[0].channel_estimates[c] == pytest.approx(v.mean(), rel=1e-12)
        error = v.std(ddof=1) / math.sqrt(v.size)
        assert source.history[0].channel_errors[c] == pytest.approx(error, rel=1e-12)
    assert source.history[0].estimate == pytest.approx(sum(source.history[0].channel_estimates))


def test_shares_follow_deviations(source: SamplerSource) -> None:
    assert source.shares.tolist() == [0.5, 0.5]
    draw = source.draw(4000)
    deviation = np.array([(draw.weight * 0.5)[draw.channel == c].std().item() for c in range(2)])
    expected = np.maximum(deviation / deviation.sum(), SHARE_FLOOR / 2)
    np.testing.assert_allclose(source.shares.numpy(), expected / expected.sum(), rtol=1e-10)


def test_invalid_points_are_zero_counted_and_described(function: Any, make_sampler: Any) -> None:
    def half_broken(x: torch.Tensor) -> torch.Tensor:
        return torch.where(x[:, 0] < 0.25, torch.nan, 2 * x[:, 0])

    source = SamplerSource(make_sampler(function(1, half_broken)), seed=1)
    draw = source.draw(1000)
    bad = draw.u[:, 0] < 0.25
    assert torch.isfinite(draw.weight).all()
    assert torch.isfinite(draw.value).all()
    assert (draw.weight[bad] == 0).all()
    assert source.sums is not None
    assert source.sums.invalid.tolist() == [int(bad.sum())]
    row = int(torch.nonzero(bad)[0, 0])
    assert source.invalid == (
        f"train draw 0, point {row}: weight nan, channel 0, u = [{float(draw.u[row, 0])}]"
    )
    first = source.invalid
    source.draw(1000)
    assert source.invalid == first


def test_nothing_drawn(source: SamplerSource) -> None:
    draw = source.draw(0)
    assert draw.weight.shape == (0,)
    assert source.evaluations == 0
    assert source.shares.tolist() == [0.5, 0.5]
