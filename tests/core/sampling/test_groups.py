"""Groups of channels: what is refused, and that a shared mapping learns from all of them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import crosshook
from crosshook.core.errors import ConfigurationError
from crosshook.core.sampling.groups import check_groups

FLOW = {"use": "flow", "options": {"hidden": 8, "bins": 6}}
TRAINING = {"rounds": 3, "passes": 8}


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ((0, 0), r"sampling\.groups: 2 entries for 3 channels: a, b, c"),
        ((0, 2, 2), r"sampling\.groups: \[0, 2, 2\] does not use every number from 0"),
        ((1, 1, 1), "does not use every number from 0"),
        ((0, -1, 1), "does not use every number from 0"),
    ],
)
def test_refused(groups: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check_groups(groups, ("a", "b", "c"), "sampling.groups")


@pytest.mark.parametrize("groups", [None, (0, 0, 0), (0, 1, 2), (1, 0, 1)])
def test_allowed(groups: tuple[int, ...] | None) -> None:
    check_groups(groups, ("a", "b", "c"), "sampling.groups")


def peak(u: torch.Tensor) -> torch.Tensor:
    return torch.exp(-0.5 * ((u - 0.3) ** 2).sum(dim=1) / 0.1**2)


def mirrored(u: torch.Tensor, channel: torch.Tensor) -> Any:
    """∫ peak(x) over [-1, 1] × [0, 1], even in x_0: each channel has the half with its own sign."""
    x = torch.where(channel == 0, u[:, 0], -u[:, 0])
    folded = torch.stack([x.abs(), u[:, 1]], dim=1)
    prior = torch.stack([(x >= 0).to(u), (x < 0).to(u)], dim=1)
    return peak(folded), prior


def exact() -> float:
    root = 0.1 * math.sqrt(2)
    side = 0.1 * math.sqrt(math.pi / 2) * (math.erf(0.7 / root) + math.erf(0.3 / root))
    return 2 * side**2


def test_symmetric_channels_share_a_mapping() -> None:
    """Two mirror images: one flow for both, with the integral and the spread of a single channel."""
    settings: dict[str, Any] = {
        "dimensions": 2,
        "mapping": FLOW,
        "training": TRAINING,
        "evaluations": 6000,
        "points": 20_000,
        "seed": 4,
    }
    found = crosshook.integrate(mirrored, channels=2, groups=[0, 0], **settings)
    alone = crosshook.integrate(lambda u: 2 * peak(u), **settings)
    for result in (found, alone):
        assert abs(result.value - exact()) < 5 * result.error
    assert found.sampler.composition.groups == (0, 0)
    # A point has the same density in either channel, up to the channels' own shares of the parts.
    mapping = found.sampler.composition.parts(
        found.sampler.mapping, found.sampler.warm, found.sampler.context
    )
    u = torch.rand((100, 2), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    first, second = (torch.full((100,), c) for c in (0, 1))
    with torch.no_grad():
        assert torch.equal(mapping.inner.inverse(u, first)[1], mapping.inner.inverse(u, second)[1])
    again = crosshook.integrate(
        mirrored, dimensions=2, channels=2, sampler=found.sampler, points=5000, seed=9
    )
    assert abs(again.value - exact()) < 5 * again.error


def test_groups_that_do_not_fit() -> None:
    settings: dict[str, Any] = {"dimensions": 2, "channels": 2, "evaluations": 1000}
    with pytest.raises(ConfigurationError, match="groups: 3 entries for 2 channels: channel 0, "):
        crosshook.integrate(mirrored, mapping=FLOW, groups=[0, 0, 1], **settings)
    with pytest.raises(ConfigurationError, match="'vegas' learns for each channel by itself"):
        crosshook.integrate(mirrored, mapping="vegas", groups=[0, 0], **settings)
