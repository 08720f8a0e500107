"""A VEGAS grid in front of a proposal: what the mapping leaves uneven for all events alike.

The integrands of some events, each relative to its integral, are taken as one function of the
latents, on which the grid learns as it does on any integrand.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.inference.simulated import simulate_events
from crosshook.core.interfaces.training import Budget, Draw, Trainable

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.inference.model import ParametricModel
    from crosshook.core.inference.proposal import EventProposal
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.transfer_function import TransferFunction

POINTS = 256
"""Points of an event."""
BINS = 32
"""Of the grid: it has to mend what is smooth."""


@dataclass
class LatentSource:
    """Draws latents through the grid and weighs them with the integrands of events."""

    proposal: EventProposal
    model: ParametricModel
    transfer: TransferFunction
    theta: Tensor
    reco: Features
    grid: ChannelMapping
    rng: torch.Generator
    spent: int = field(default=0)

    @property
    def evaluations(self) -> int:
        """Points so far."""
        return self.spent

    @torch.no_grad()
    def draw(self, n: int) -> Draw:
        """About n points of all events, drawn through the grid as it is."""
        each = max(1, n // len(self.reco))
        total, d = each * len(self.reco), self.model.n_dim
        numbers = torch.rand((total, d), generator=self.rng, dtype=torch.float64, device="cpu")
        channel = torch.zeros(total, dtype=torch.int64, device="cpu")
        latents, log_det = self.grid.forward(numbers, channel)
        told = replace(self.proposal, warm=None)
        given = latents.clamp(max=1 - 2.0**-53)
        more = told.numbers(d) - d
        chooses = torch.rand((total, more), generator=self.rng, dtype=torch.float64, device="cpu")
        given = torch.cat([given, chooses.to(given)], dim=1)
        u, log_q = told.draw(self.reco, given.reshape(-1, each, d + more))
        points = self.model.points(u.reshape(total, d))
        log_density = torch.logsumexp(self.model.log_density(points, self.theta), dim=1)
        rows = self.reco.repeated(each)
        factor = self.transfer.log_prob(rows, points.features)
        factor = factor + self.transfer.log_acceptance(points.features)
        log_value = log_density + factor - log_q.reshape(total)
        value = torch.exp(log_value.reshape(-1, each))
        # relative to the integral of the event, which the weight over the grid's density gives
        integral = (value * torch.exp(log_det.reshape(-1, each))).mean(dim=1, keepdim=True)
        value = torch.where(integral > 0, value / integral, 0.0).reshape(total)
        self.spent += total
        zero = torch.zeros((total, 1), dtype=torch.float64, device="cpu")
        weight = value * torch.exp(log_det)
        return Draw(numbers, channel, latents, log_det, value, weight, zero, zero)


def refine_latents(
    proposal: EventProposal,
    model: ParametricModel,
    transfer: TransferFunction,
    theta: Tensor,
    events: int,
    context: BuildContext,
) -> EventProposal:
    """The proposal with a grid in front, trained on simulated events of the middle of the grid.

    Args:
        proposal: trained.
        model: gives dσ/du(θ).
        transfer: the detector.
        theta: parameter points, `(t, p)`.
        events: simulated ones.
        context: with registry and generator.
    """
    rng = context.rng
    assert rng is not None
    middle = theta[len(theta) // 2]
    reco = simulate_events(model, transfer, middle, events, rng).reco
    slot = {"use": "vegas", "options": {"bins": BINS, "iterations": 3}}
    inner = context.with_(dimensions=model.n_dim, channels=1, condition_size=0)
    grid = cast("ChannelMapping", inner.build("channel_mapping", slot))
    assert isinstance(grid, Trainable)
    some = theta[torch.linspace(0, len(theta) - 1, min(8, len(theta)), device="cpu").long()]
    source = LatentSource(proposal, model, transfer, some, reco, grid, rng)
    grid.fit(source, Budget(3 * POINTS * events), inner)
    return replace(proposal, warm=grid)
