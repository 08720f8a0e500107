"""Systematic sampling of channels, the weight's composition, and integrands that misbehave."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.core.errors import IntegrandError
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.sampling.sampler import Sampler, even_shares, shares_from

CPU = torch.device("cpu")
SHARES = torch.tensor([0.5, 0.03, 0.0, 0.47], dtype=torch.float64)


class Flat:
    """An integrand of four channels that gives what it is told."""

    n_dim = 2
    channels = ("a", "b", "c", "d")

    def __init__(self, evaluate: Any = None) -> None:
        self._evaluate = evaluate

    def evaluate(self, u: torch.Tensor, channel: torch.Tensor) -> Any:
        if self._evaluate is not None:
            return self._evaluate(u)
        prior = u.new_full((u.shape[0], 4), -math.log(4))
        return Evaluation(u.new_ones(u.shape[0]), prior)


def test_numbers_of_points_differ_from_the_shares_by_less_than_one(make_sampler: Any) -> None:
    sampler = make_sampler(Flat())
    for block in range(200):
        n = 7 + block
        channel = sampler.draw(1, "test", block, n, SHARES).channel
        counts = torch.bincount(channel, minlength=4).double()
        assert ((counts - n * SHARES).abs() < 1).all()
        assert counts[2] == 0


def test_every_point_has_the_probabilities_of_the_shares(make_sampler: Any) -> None:
    """Each of ten points, over 4000 blocks: a Bernoulli trial per channel, 5σ over 40 counts.

    Events are cut from the end of a block, so no point may favour a channel by its place.
    """
    sampler = make_sampler(Flat())
    seen = torch.stack([sampler.draw(5, "test", b, 10, SHARES).channel for b in range(4000)])
    frequency = torch.stack([(seen == c).double().mean(0) for c in range(4)], 1)
    sigma = torch.sqrt(SHARES * (1 - SHARES) / 4000)
    assert ((frequency - SHARES).abs() <= 5 * sigma).all()


def test_blocks_are_their_own_streams(make_sampler: Any) -> None:
    sampler = make_sampler(Flat())
    one = sampler.draw(3, "a", 0, 50, SHARES, 2)
    again = sampler.draw(3, "a", 0, 50, SHARES, 2)
    assert torch.equal(one.r, again.r)
    assert torch.equal(one.extra, again.extra)
    assert one.extra.shape == (50, 2)
    for other in (
        sampler.draw(4, "a", 0, 50, SHARES),
        sampler.draw(3, "b", 0, 50, SHARES),
        sampler.draw(3, "a", 1, 50, SHARES),
    ):
        assert not (one.r == other.r).any()
    # Further numbers do not disturb the points.
    assert torch.equal(one.r, sampler.draw(3, "a", 0, 50, SHARES).r)


class Stretch:
    """u = r² in both dimensions of every channel: log|∂u/∂r| = log 2r₁ + log 2r₂."""

    def forward(
        self, r: torch.Tensor, channel: torch.Tensor, condition: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return r**2, torch.log(2 * r).sum(1)


class Halves:
    """α = 1/4 in the first channel, 3/4 in the second."""

    def log_weights(
        self, features: object, log_prior: torch.Tensor, log_density: object = None
    ) -> torch.Tensor:
        return torch.log(log_prior.new_tensor([0.25, 0.75])).expand_as(log_prior)


def test_composition_of_the_weight(function: Any) -> None:
    """v = α_c · f(x)·|∂x/∂u| · |∂u/∂r|: by hand, and its mean is each channel's part."""
    integrand = function(2, lambda x: 4 * x[:, 0] * x[:, 1], (1.0, 3.0))
    sampler = Sampler(integrand, Stretch(), Halves(), CPU)
    shares = torch.tensor([0.3, 0.7], dtype=torch.float64)
    sample = sampler.draw(1, "test", 0, 200_000, shares)
    r, c = sample.r.numpy(), sample.channel.numpy()
    u = r**2
    power = np.array([1.0, 3.0])[c]
    x = u[:, 0] ** (1 / power)
    jacobian = x ** (1 - power) / power
    expected = np.array([0.25, 0.75])[c] * 4 * x * u[:, 1] * jacobian * 4 * r[:, 0] * r[:, 1]
    np.testing.assert_allclose(sample.weight.numpy(), expected, rtol=1e-11)
    # ∫ 4 x y = 1, so channel c holds α_c of it.
    for channel, part in ((0, 0.25), (1, 0.75)):
        v = sample.weight.numpy()[c == channel]
        assert abs(v.mean() - part) < 5 * v.std() / math.sqrt(v.size)


def test_zero_stays_zero_where_the_map_stretches_for_ever(function: Any) -> None:
    class Infinite:
        def forward(self, r: torch.Tensor, channel: torch.Tensor, condition: Any = None) -> Any:
            return r, torch.full((r.shape[0],), math.inf, dtype=r.dtype)

    integrand = function(1, lambda x: (x[:, 0] > 0.5).to(x.dtype), (1.0, 1.0))
    sampler = Sampler(integrand, Infinite(), Halves(), CPU)
    r = torch.tensor([[0.2], [0.8]], dtype=torch.float64)
    sample = sampler.weigh(r, torch.zeros(2, dtype=torch.int64), torch.zeros(2, 0))
    assert sample.weight.tolist() == [0.0, math.inf]


def test_nan_is_not_hidden(function: Any, make_sampler: Any) -> None:
    sampler = make_sampler(function(1, lambda x: x[:, 0] * math.nan))
    assert sampler.draw(1, "test", 0, 3, even_shares(1)).weight.isnan().all()


def test_a_map_without_a_number_is_not_hidden_by_a_cut(function: Any) -> None:
    class Broken:
        def forward(self, r: torch.Tensor, channel: torch.Tensor, condition: Any = None) -> Any:
            return r, torch.full((r.shape[0],), math.nan, dtype=r.dtype)

    sampler = Sampler(function(1, lambda x: 0 * x[:, 0], (1.0, 1.0)), Broken(), Halves(), CPU)
    r = torch.tensor([[0.2], [0.8]], dtype=torch.float64)
    sample = sampler.weigh(r, torch.zeros(2, dtype=torch.int64), torch.zeros(2, 0))
    assert sample.weight.isnan().all()


def test_no_points(make_sampler: Any) -> None:
    sample = make_sampler(Flat()).draw(1, "test", 0, 0, SHARES, 1)
    assert sample.weight.shape == (0,)
    assert sample.extra.shape == (0, 1)


def _evaluation(u: torch.Tensor, **other: Any) -> Evaluation:
    n = u.shape[0]
    given = {"value": torch.ones(n, dtype=u.dtype), "log_prior": torch.zeros(n, 4, dtype=u.dtype)}
    return Evaluation(**{**given, **other})


@pytest.mark.parametrize(
    ("evaluate", "message"),
    [
        (
            lambda u: _evaluation(u, value=torch.ones(3, dtype=u.dtype)),
            "integrand: value has shape (3,), not (5,)",
        ),
        (
            lambda u: _evaluation(u, value=torch.ones(5, 1, dtype=u.dtype)),
            "integrand: value has shape (5, 1), not (5,)",
        ),
        (
            lambda u: _evaluation(u, log_prior=torch.zeros(5, 3, dtype=u.dtype)),
            "integrand: log_prior has shape (5, 3), not (5, 4)",
        ),
        (
            lambda u: _evaluation(u, value=torch.ones(5, dtype=torch.float32)),
            "integrand: value is torch.float32, not torch.float64",
        ),
        (
            lambda u: _evaluation(u, value=torch.ones(5, dtype=torch.complex128)),
            "integrand: value is torch.complex128, not torch.float64",
        ),
        (
            lambda u: _evaluation(u, value=torch.ones(5, dtype=u.dtype, device="meta")),
            "integrand: value is on meta, not on cpu",
        ),
        (
            lambda u: _evaluation(u, value=np.ones(5)),
            "integrand: value is a ndarray, not a torch tensor",
        ),
        (
            lambda u: _evaluation(u, parts=torch.ones(4, 2, dtype=u.dtype)),
            "integrand: parts has shape (4, 2), not (5, 2)",
        ),
        (lambda u: u.sum(1), "integrand: evaluate gave a Tensor, not an Evaluation"),
    ],
)
def test_integrands_that_misbehave(evaluate: Any, message: str, make_sampler: Any) -> None:
    sampler = make_sampler(Flat(evaluate))
    with pytest.raises(IntegrandError) as caught:
        sampler.draw(1, "test", 0, 5, SHARES)
    assert str(caught.value) == message


def test_shares() -> None:
    assert even_shares(4).tolist() == [0.25] * 4
    assert shares_from(np.array([1.0, 3.0]), 0.0).tolist() == [0.25, 0.75]
    assert shares_from(np.zeros(3), 0.1).tolist() == even_shares(3).tolist()
    floored = shares_from(np.array([0.0, 1.0, 1.0]), 0.3)
    assert floored.tolist() == pytest.approx([0.1 / 1.1, 0.5 / 1.1, 0.5 / 1.1])
    assert shares_from(np.array([5.0]), 0.1).tolist() == [1.0]


def test_nothing_lands_on_the_default_device(make_sampler: Any, function: Any) -> None:
    integrand = function(2, lambda x: x[:, 0], (1.0, 2.0))
    torch.set_default_device("meta")
    try:
        sampler = make_sampler(integrand, "vegas", "prior", bins=8, iterations=2, damping=1.0)
        sample = sampler.draw(1, "test", 0, 20, even_shares(2))
        assert sample.weight.device.type == "cpu"
        uniform = make_sampler(integrand, "uniform", "uniform").draw(
            1, "test", 0, 9, even_shares(2)
        )
        assert uniform.weight.device.type == "cpu"
    finally:
        torch.set_default_device(None)
