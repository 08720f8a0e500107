"""Where the points of an event's integral are drawn: a channel mapping told the event.

q(u|x) is the mapping conditional on x, behind an optional mapping of its latents that is the same
for all events. It is a mixture where the mapping is told several things in turn: orders of the
objects, see `assignments`, or some θ, the anchors, in even parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.inference.assignments import Assignments
    from crosshook.core.inference.conditions import Conditions
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.features import Features

EDGE = 2.0**-53
"""Distance from 1 that latents keep, so that every u is inside the cube."""
LEAST = 3e-3
"""Share of a component below which it is left out: each costs an evaluation of every point."""


@dataclass(frozen=True)
class EventProposal:
    """A proposal for the integral of every event.

    Attributes:
        mapping: of latents to u; None for uniform points.
        conditions: what the mapping is told.
        warm: mapping of the numbers to the latents of `mapping`, the same for all events, or None.
        anchors: parameter points `(a, p)` of the mixture; None if the mapping is not told θ.
        assignments: orders of the objects; None if the mapping is told of one alone.
    """

    mapping: ChannelMapping | None
    conditions: Conditions | None
    warm: ChannelMapping | None = None
    anchors: Tensor | None = None
    assignments: Assignments | None = None

    def numbers(self, dimensions: int) -> int:
        """Random numbers of a point of so many dimensions: one more chooses among components."""
        mixed = self.anchors is not None or self.assignments is not None
        return dimensions + (1 if mixed else 0)

    @torch.no_grad()
    def draw(self, reco: Features, r: Tensor) -> tuple[Tensor, Tensor]:
        """Points for b events.

        Args:
            reco: the events.
            r: numbers in [0, 1), `(b, n, numbers(d))`.

        Returns:
            u `(b, n, d)`, and log q `(b, n)`.
        """
        b, n, _ = r.shape
        if self.mapping is None or self.conditions is None:
            return r, torch.zeros_like(r[..., 0])
        told, log_share = self._components(reco)
        count = log_share.shape[1]
        d = r.shape[2] - self.numbers(0)
        numbers = r[..., :d].reshape(b * n, d).clamp(max=1 - EDGE)
        channel = torch.zeros(b * n, dtype=torch.int64, device=r.device)
        if count == 1:
            which = torch.zeros((b, n), dtype=torch.int64, device=r.device)
        else:
            below = torch.cumsum(torch.exp(log_share), dim=1)
            which = torch.searchsorted(below, r[..., d].contiguous(), right=True)
            # rounding leaves the last sum below 1: its points are those of the last one there is
            last = count - 1 - torch.isfinite(log_share).flip(1).to(torch.int8).argmax(dim=1)
            which = torch.minimum(which, last[:, None])
        total = torch.zeros_like(numbers[:, 0])
        if self.warm is not None:
            numbers, log_det = self.warm.forward(numbers, channel)
            numbers = numbers.clamp(max=1 - EDGE)
            total = total - log_det
        event = torch.arange(b, device=r.device)[:, None]
        u, log_det = self.mapping.forward(numbers, channel, told[event, which].reshape(b * n, -1))
        log_q = (total - log_det).reshape(b, n)
        u = u.reshape(b, n, d)
        if count == 1:
            return u, log_q
        return u, self._mixed(u, log_q, which, told, log_share)

    def _components(self, reco: Features) -> tuple[Tensor, Tensor]:
        """What the mapping is told, `(b, c, size)`, and log shares, `(b, c)`."""
        assert self.conditions is not None
        if self.anchors is None:
            each = [self.conditions(reco)]
        else:
            each = [self.conditions(reco, theta.expand(len(reco), -1)) for theta in self.anchors]
        told = torch.stack(each, dim=1)
        log_share = told.new_full(told.shape[:2], -math.log(len(each)))
        if self.assignments is not None:
            b, anchors, size = told.shape
            turned, logs = self.assignments(told.reshape(b * anchors, size))
            told = turned.reshape(b, -1, size)
            log_share = (log_share[..., None] + logs.reshape(b, anchors, -1)).reshape(b, -1)
            small = log_share < math.log(LEAST) + log_share.amax(dim=1, keepdim=True)
            log_share = torch.log_softmax(log_share.masked_fill(small, -torch.inf), dim=1)
        return told, log_share

    def _mixed(
        self, u: Tensor, own: Tensor, which: Tensor, told: Tensor, log_share: Tensor
    ) -> Tensor:
        """log of the mixture's density, from that of the component each point was drawn with.

        Args:
            u: points `(b, n, d)`.
            own: log density of its own component, `(b, n)`.
            which: that component, `(b, n)`.
            told: `(b, c, size)`.
            log_share: `(b, c)`.
        """
        assert self.mapping is not None
        wanted = (
            torch.isfinite(log_share)[:, None] & torch.ones_like(own, dtype=torch.bool)[..., None]
        )
        wanted = wanted.scatter(2, which[..., None], value=False)
        event, point, component = torch.nonzero(wanted, as_tuple=True)
        channel = torch.zeros_like(event)
        latents, log_q = self.mapping.inverse(u[event, point], channel, told[event, component])
        if self.warm is not None:
            log_q = log_q + self.warm.inverse(latents, channel)[1]
        logs = own.new_full(wanted.shape, -torch.inf)
        logs = logs.scatter(2, which[..., None], own[..., None])
        logs = logs.index_put((event, point, component), log_q)
        return torch.logsumexp(logs + log_share[:, None], dim=2)
