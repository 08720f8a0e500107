"""Where the points of an event's integral are drawn: a channel mapping told the event.

q(u|x) is the mapping conditional on x, behind an optional mapping of its latents that is the same
for all events; or, with anchors, the even mixture of q(u|x, θ_a) over some θ_a.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.inference.conditions import Conditions
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.features import Features

EDGE = 2.0**-53
"""Distance from 1 that latents keep, so that every u is inside the cube."""


@dataclass(frozen=True)
class EventProposal:
    """A proposal for the integral of every event.

    Attributes:
        mapping: of latents to u; None for uniform points.
        conditions: what the mapping is told.
        warm: mapping of the numbers to the latents of `mapping`, the same for all events, or None.
        anchors: parameter points `(a, p)` of the mixture; None if the mapping is not told θ.
    """

    mapping: ChannelMapping | None
    conditions: Conditions | None
    warm: ChannelMapping | None = None
    anchors: Tensor | None = None

    @torch.no_grad()
    def draw(self, reco: Features, r: Tensor) -> tuple[Tensor, Tensor]:
        """Points for b events.

        Args:
            reco: the events.
            r: numbers in [0, 1), `(b, n, d)`; with anchors point i is drawn at θ_(i mod a).

        Returns:
            u `(b, n, d)`, and log q `(b, n)`.
        """
        b, n, d = r.shape
        if self.mapping is None or self.conditions is None:
            return r, torch.zeros_like(r[..., 0])
        numbers = r.reshape(b * n, d).clamp(max=1 - EDGE)
        channel = torch.zeros(b * n, dtype=torch.int64, device=r.device)
        total = torch.zeros_like(numbers[:, 0])
        if self.warm is not None:
            numbers, log_det = self.warm.forward(numbers, channel)
            numbers = numbers.clamp(max=1 - EDGE)
            total = total - log_det
        if self.anchors is None:
            told = self.conditions(reco).repeat_interleave(n, dim=0)
            u, log_det = self.mapping.forward(numbers, channel, told)
            return u.reshape(b, n, d), (total - log_det).reshape(b, n)
        return self._mixture(reco, numbers, channel, (b, n, d))

    def _mixture(
        self, reco: Features, numbers: Tensor, channel: Tensor, shape: tuple[int, int, int]
    ) -> tuple[Tensor, Tensor]:
        assert self.mapping is not None
        assert self.conditions is not None
        assert self.anchors is not None
        b, n, d = shape
        anchors = len(self.anchors)
        told = torch.stack(
            [self.conditions(reco, each.expand(b, -1)) for each in self.anchors], dim=1
        )
        which = torch.arange(n, device=numbers.device) % anchors
        # n need not be a multiple: the density is that of the points there are of each
        log_share = torch.log(torch.bincount(which, minlength=anchors).to(numbers) / n)
        u, _ = self.mapping.forward(numbers, channel, told[:, which].reshape(b * n, -1))
        logs = []
        for a in range(anchors):
            latents, log_q = self.mapping.inverse(u, channel, told[:, a].repeat_interleave(n, 0))
            if self.warm is not None:
                log_q = log_q + self.warm.inverse(latents, channel)[1]
            logs.append(log_q + log_share[a])
        mixed = torch.logsumexp(torch.stack(logs), dim=0)
        return u.reshape(b, n, d), mixed.reshape(b, n)
