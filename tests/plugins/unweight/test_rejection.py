"""Rejection: E[kept · factor] = 1 by scanning the random number, maxima per channel, zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.errors import NumericalError
from crosshook.core.interfaces.unweighter import Pilot
from crosshook.core.registry import default_registry
from crosshook.core.statistics import RULES, maximum_weight

if TYPE_CHECKING:
    from crosshook.plugins.unweight.rejection import RejectionUnweighter

K = 3


class Known:
    """Candidates with known weights."""

    def __init__(self, weight: torch.Tensor, channel: torch.Tensor) -> None:
        self._weight, self.channel = weight, channel

    def surrogate(self) -> torch.Tensor:
        return self._weight

    def weight(self, index: torch.Tensor) -> torch.Tensor:
        return self._weight[index]


def _unweighter(**options: object) -> RejectionUnweighter:
    slot = {"use": "rejection", "options": options}
    built = default_registry().build("unweighter", slot, BuildContext(channels=K))
    return cast("RejectionUnweighter", built)


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def pilot() -> Pilot:
    """Weights of both signs in channels 0 and 1, scaled differently; none in channel 2."""
    rng = np.random.default_rng(6)
    channel = rng.integers(0, 2, 4000)
    weight = rng.lognormal(0, 1, 4000) * rng.choice([-1, 0, 1, 1], 4000) * (1 + 9 * channel)
    return Pilot(torch.from_numpy(weight), torch.from_numpy(channel), K)


@pytest.mark.parametrize("rule", RULES)
def test_maxima_channel_by_channel(rule: Any, pilot: Pilot) -> None:
    unweighter = _unweighter(rule=rule, share=0.02, fraction=0.2)
    notes = unweighter.fit(pilot, _generator())
    assert notes == (f"maxima by rule {rule} from 4000 points",)
    weight, channel = pilot.weight.numpy(), pilot.channel.numpy()
    expected = [maximum_weight(weight[channel == c], rule, 0.02, 0.2) for c in range(K)]
    assert unweighter.maxima().tolist() == expected
    assert expected[1] > 2 * expected[0] > expected[2] == 0
    unweighter.maxima()[0] = 1e9
    assert unweighter.maxima().tolist() == expected


def test_exact_expectation(pilot: Pilot) -> None:
    """For every weight the acceptance is a step in the random number; its place, found by
    bisection to 2⁻⁵³, times the factor is 1: overweights, both signs, a channel with maximum 0."""
    unweighter = _unweighter(share=0.02)
    unweighter.fit(pilot, _generator())
    weight = torch.cat([pilot.weight[:300], torch.tensor([1e3, -1e3, 0.5], dtype=torch.float64)])
    channel = torch.cat([pilot.channel[:300], torch.tensor([0, 1, 2])])
    candidates = Known(weight, channel)
    low, high = torch.zeros_like(weight), torch.ones_like(weight)
    factor = torch.zeros_like(weight)
    for _ in range(60):
        middle = (low + high) / 2
        kept = unweighter.unweight(candidates, middle[:, None])
        accepted = torch.zeros_like(weight, dtype=torch.bool)
        accepted[kept.index] = True
        factor[kept.index] = kept.factor
        low, high = torch.where(accepted, middle, low), torch.where(accepted, high, middle)
    open_ = weight != 0
    torch.testing.assert_close(
        (low * factor)[open_],
        torch.ones(int(open_.sum()), dtype=torch.float64),
        rtol=1e-12,
        atol=0,
    )
    # The tiniest weight there is needs a random number below 1e-300 to be kept; none was.
    assert (factor[~open_] == 0).all()


def test_zero_is_never_kept_and_everything_else_is_at_zero(pilot: Pilot) -> None:
    unweighter = _unweighter()
    unweighter.fit(pilot, _generator())
    zero = torch.zeros(4000, 1, dtype=torch.float64)
    kept = unweighter.unweight(Known(pilot.weight, pilot.channel), zero)
    assert torch.equal(kept.index, torch.nonzero(pilot.weight)[:, 0])


def test_kept_weights(pilot: Pilot) -> None:
    """sign(w)·max(M_c, |w|), in ascending rows."""
    unweighter = _unweighter(share=0.05)
    unweighter.fit(pilot, _generator())
    uniform = torch.from_numpy(np.random.default_rng(1).random((4000, 1)))
    kept = unweighter.unweight(Known(pilot.weight, pilot.channel), uniform)
    out = kept.factor * pilot.weight[kept.index]
    size = pilot.weight[kept.index].abs()
    limit = unweighter.maxima()[pilot.channel[kept.index]]
    expected = torch.sign(pilot.weight[kept.index]) * torch.maximum(limit, size)
    torch.testing.assert_close(out, expected, rtol=1e-14, atol=0)
    assert (kept.index.diff() > 0).all()
    assert (size > limit).any()
    assert ((size < limit) & (out < 0)).any()


def test_invalid_pilots_are_refused(pilot: Pilot) -> None:
    weight = pilot.weight.clone()
    weight[5] = float("inf")
    with pytest.raises(NumericalError, match=r"^pilot weights contain NaN or infinity$"):
        _unweighter().fit(Pilot(weight, pilot.channel, K), _generator())


def test_no_candidates(pilot: Pilot) -> None:
    unweighter = _unweighter()
    unweighter.fit(pilot, _generator())
    none = Known(pilot.weight[:0], pilot.channel[:0])
    kept = unweighter.unweight(none, torch.zeros(0, 1, dtype=torch.float64))
    assert kept.index.shape == kept.factor.shape == (0,)


def test_state_and_default_device(pilot: Pilot) -> None:
    """A tensor without a device of its own would land on `meta` and fail."""
    candidates = Known(pilot.weight, pilot.channel)
    uniform = torch.from_numpy(np.random.default_rng(1).random((4000, 1)))
    rng = _generator()
    torch.set_default_device("meta")
    try:
        unweighter = _unweighter()
        unweighter.fit(pilot, rng)
        kept = unweighter.unweight(candidates, uniform)
        fresh = _unweighter()
        fresh.load_state(*unweighter.state())
        again = fresh.unweight(candidates, uniform)
    finally:
        torch.set_default_device(None)
    assert kept.index.device.type == "cpu"
    assert torch.equal(kept.index, again.index)
    assert torch.equal(kept.factor, again.factor)


@pytest.mark.parametrize("rule", RULES)
def test_events_of_one_weight_are_no_overweights(rule: str) -> None:
    """What is unweighted already stays as it is, beside points of weight zero too."""
    weight = torch.tensor([2.5, -2.5, 0.0, 2.5], dtype=torch.float64)
    built = _unweighter(rule=rule)
    built.fit(Pilot(weight, torch.zeros(4, dtype=torch.int64), 1), torch.Generator())
    assert built.maxima().tolist() == [2.5]
