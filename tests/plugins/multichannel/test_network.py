"""Learned channel weights: normalised, closed stays closed, gradients, state, scales of features."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.training import Draw
from crosshook.core.registry import default_registry
from crosshook.plugins.multichannel.network import REACH

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.plugins.multichannel.network import NetworkWeights

K = 3


def _weights(moved: float = 0.5, features: int = 2, **options: Any) -> NetworkWeights:
    context = BuildContext(
        channels=K,
        features=tuple(f"x{i}" for i in range(features)),
        rng=torch.Generator().manual_seed(1),
    )
    slot = cast("Any", {"use": "network", "options": options})
    made = cast("NetworkWeights", default_registry().build("channel_weights", slot, context))
    rng = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += moved * torch.randn(parameter.shape, generator=rng).to(parameter)
    return made


def _rows(n: int) -> tuple[Tensor, Tensor]:
    """Features, and priors of which some are closed; in the last row all of them."""
    rng = torch.Generator().manual_seed(3)
    features = torch.randn((n, 2), dtype=torch.float64, generator=rng)
    prior = torch.rand((n, K), dtype=torch.float64, generator=rng)
    prior[::4, 1] = 0.0
    prior[-1] = 0.0
    prior = prior / prior.sum(dim=1, keepdim=True).clamp(min=1e-9)
    return features, torch.log(prior)


@torch.no_grad()
def test_untrained_is_the_prior() -> None:
    features, log_prior = _rows(40)
    found = _weights(0.0).log_weights(features, log_prior)
    torch.testing.assert_close(found, log_prior, rtol=0, atol=1e-12)


@torch.no_grad()
def test_prior_times_a_function_of_features() -> None:
    """log α_i - log α_j - log prior_i + log prior_j depends on the features alone, up to ±16."""
    features, log_prior = _rows(40)
    made = _weights()
    other = torch.log_softmax(log_prior[::4][:, [0, 2]] * 0.5 + 0.1, dim=1)
    first = made.log_weights(features[::4], log_prior[::4])[:, [0, 2]]
    both = torch.full_like(log_prior[::4], -math.inf)
    both[:, [0, 2]] = other
    second = made.log_weights(features[::4], both)[:, [0, 2]]
    one = (first - log_prior[::4][:, [0, 2]]).diff(dim=1)[:-1]
    two = (second - other).diff(dim=1)[:-1]
    torch.testing.assert_close(one, two, rtol=0, atol=1e-10)
    assert float(one.abs().max()) > 1e-2
    wild = made.log_weights(features * 1e6, log_prior)
    change = (wild - log_prior)[:-1]
    assert float(change[change.isfinite()].abs().max()) <= 2 * REACH


@torch.no_grad()
def test_closed_stays_closed() -> None:
    features, log_prior = _rows(40)
    found = _weights().log_weights(features, log_prior)
    assert torch.equal(found == -math.inf, log_prior == -math.inf)
    total = found[:-1].exp().sum(dim=1)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-12)
    assert not bool(found.isnan().any())


def test_gradients() -> None:
    """Finite with closed channels, and those of softmax: for the last offsets Σ_c ∂ log α = 0."""
    features, log_prior = _rows(40)
    made = _weights(precision="float64")
    found = made.log_weights(features, log_prior)
    torch.where(found.isfinite(), found, torch.zeros_like(found))[:, 0].sum().backward()  # type: ignore[no-untyped-call]
    moving = [p for p in made.parameters() if p.requires_grad]
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in moving)
    assert float(made.matrices[-1].grad.abs().max()) > 1e-3  # type: ignore[union-attr]

    row = features[1:2]
    last = made.offsets[-1]
    prior = torch.full((1, K), -math.log(K), dtype=torch.float64)

    def log_alpha(offset: Tensor) -> Tensor:
        last.data.copy_(offset)
        return made.log_weights(row, prior)[0]

    step, start = 1e-5, last.detach().clone()
    (gradient,) = torch.autograd.grad(log_alpha(start)[0], last)
    with torch.no_grad():
        for c in range(K):
            shift = torch.zeros(K, dtype=torch.float64)
            shift[c] = step
            up, down = log_alpha(start + shift)[0], log_alpha(start - shift)[0]
            # Third derivatives of order 1 times step² leave 10⁻¹⁰, rounding 10⁻¹¹.
            assert float(gradient[c]) == pytest.approx(float(up - down) / (2 * step), abs=1e-8)


def _draw(features: Tensor) -> Draw:
    """Points of one channel with these features."""
    n = len(features)
    one, plain = torch.ones(n, dtype=torch.float64), torch.zeros((n, K), dtype=torch.float64)
    channel = torch.zeros(n, dtype=torch.int64)
    return Draw(one[:, None], channel, one[:, None], one, one, one, plain, plain, features)


@torch.no_grad()
def test_state() -> None:
    features, log_prior = _rows(40)
    made = _weights()
    made.prepare(_draw(features * 3 + 1))
    again = _weights(0.0)
    again.load_state(*made.state())
    wanted = made.log_weights(features, log_prior)
    assert torch.equal(again.log_weights(features, log_prior), wanted)


@torch.no_grad()
def test_scales_of_features_do_not_matter() -> None:
    """Centred and scaled on typical points; a feature that is constant stays harmless."""
    features, log_prior = _rows(400)
    scale = torch.tensor([1e5, 1e-4], dtype=torch.float64)
    one, two = _weights(), _weights()
    one.prepare(_draw(features))
    two.prepare(_draw(features * scale + 7.0 * scale))
    wanted = one.log_weights(features, log_prior)
    found = two.log_weights(features * scale + 7.0 * scale, log_prior)
    # The network computes in float32.
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)
    two.prepare(_draw(torch.full((10, 2), 3.0, dtype=torch.float64)))
    assert bool((two.width == 1.0).all())


def test_it_needs_features() -> None:
    with pytest.raises(ConfigurationError, match="features"):
        _weights(features=0)
    with pytest.raises(ConfigurationError, match="features"):
        _weights().log_weights(None, torch.zeros((1, K), dtype=torch.float64))
