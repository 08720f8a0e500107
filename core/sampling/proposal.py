"""Proposals: what points are drawn from, composed in core out of channel mappings.

A proposal is a mixture of parts with the balance heuristic (E. Veach, L. Guibas, SIGGRAPH 1995;
Kleiss and Pittau, hep-ph/9405257): a point of channel c comes from part s with probability a_cs
and has the density q_c(u) = Σ_s a_cs q_s(u|c), whichever part it came from. A part is a stack of
mappings, e.g. a flow inside an adapted grid. One part alone is a plain channel mapping.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.channel_mapping import ChannelMapping


class Stack:
    """Mappings one inside the other: u = m_0(m_1(… r)), the outermost first; none is the identity."""

    def __init__(self, layers: Sequence[ChannelMapping]) -> None:
        """Stacks the layers, outermost first."""
        self.layers = tuple(layers)

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps random numbers to points; see `ChannelMapping.forward`."""
        u, total = r, r.new_zeros(r.shape[0])
        for layer in reversed(self.layers):
            u, log_det = layer.forward(u, channel, condition)
            total = total + log_det
        return u, total

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps points back to random numbers; see `ChannelMapping.inverse`."""
        r, total = u, u.new_zeros(u.shape[0])
        for layer in self.layers:
            r, log_det = layer.inverse(r, channel, condition)
            total = total + log_det
        return r, total


def around_values(mapping: ChannelMapping, context: BuildContext) -> ChannelMapping:
    """A mapping of the continuous dimensions that lets the discrete ones through."""
    return ContinuousOnly(mapping, context.dimensions) if context.discrete else mapping


def grouped(
    mapping: ChannelMapping, groups: tuple[int, ...] | None, device: torch.device
) -> ChannelMapping:
    """A mapping of groups of channels as one of channels."""
    if groups is None:
        return mapping
    return Grouped(mapping, torch.tensor(groups, dtype=torch.int64, device=device))


@dataclass(frozen=True)
class ContinuousOnly:
    """A mapping of the first dimensions; the discrete ones, which follow, stay as they are.

    Attributes:
        mapping: of the continuous dimensions.
        dimensions: their number.
    """

    mapping: ChannelMapping
    dimensions: int

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps random numbers to points; see `ChannelMapping.forward`."""
        u, log_det = self.mapping.forward(r[:, : self.dimensions], channel, condition)
        return torch.cat([u, r[:, self.dimensions :]], dim=1), log_det

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps points back to random numbers; see `ChannelMapping.inverse`."""
        r, log_det = self.mapping.inverse(u[:, : self.dimensions], channel, condition)
        return torch.cat([r, u[:, self.dimensions :]], dim=1), log_det


@dataclass(frozen=True)
class Grouped:
    """A mapping that several channels share, e.g. those that differ by a permutation of legs.

    Attributes:
        mapping: built for as many channels as there are groups.
        groups: the group of each channel, `(k,)` int64.
    """

    mapping: ChannelMapping
    groups: Tensor

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps random numbers to points; see `ChannelMapping.forward`."""
        return self.mapping.forward(r, self.groups[channel], condition)

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps points back to random numbers; see `ChannelMapping.inverse`."""
        return self.mapping.inverse(u, self.groups[channel], condition)


class Proposal:
    """A mixture of mappings, with shares of its own in each channel.

    Attributes:
        parts: the mappings.
        shares: a_cs, `(k, s)`, each row summing to 1, on the device; None for a single part.
    """

    def __init__(self, parts: Sequence[ChannelMapping], shares: Tensor | None = None) -> None:
        """Mixes parts; a part whose share is 0 in every channel costs nothing."""
        used = list(range(len(parts)))
        if shares is not None:
            used = [s for s in used if bool((shares[:, s] > 0).any())]
        self.parts = tuple(parts[s] for s in used)
        single = shares is None or len(used) == 1
        self.shares = None if single or shares is None else shares[:, used].contiguous()

    @property
    def n_pick(self) -> int:
        """Random numbers a point needs besides its coordinates: 1 to choose the part, or 0."""
        return 0 if self.shares is None else 1

    def draw(
        self, numbers: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draws points.

        Args:
            numbers: uniform, `(n, d + n_pick)`.
            channel: `(n,)` int64.
            condition: `(n, c)`, or None.

        Returns:
            u `(n, d)`, and log q_c(u), `(n,)`.
        """
        if self.shares is None:
            u, log_det = self.parts[0].forward(numbers, channel, condition)
            return u, -log_det
        r, pick = numbers[:, :-1], numbers[:, -1]
        edges = torch.cumsum(self.shares, 1)[channel]
        part = (pick[:, None] * edges[:, -1:] >= edges[:, :-1]).sum(dim=1)
        # Rounding must not lead into a part that is closed in this channel.
        closed = self.shares[channel, part] == 0
        part = torch.where(closed, self.shares[channel].argmax(dim=1), part)
        places, pieces, own = [], [], []
        for s, mapping in enumerate(self.parts):
            rows = torch.nonzero(part == s)[:, 0]
            inner = None if condition is None else condition[rows]
            u, log_det = mapping.forward(r[rows], channel[rows], inner)
            places.append(rows)
            pieces.append(u)
            own.append(-log_det)
        order = torch.argsort(torch.cat(places))
        u, log_own = torch.cat(pieces)[order], torch.cat(own)[order]
        return u, self._mixed(u, channel, condition, part, log_own)

    def log_density(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Tensor:
        """log q_c(u), `(n,)`."""
        if self.shares is None:
            return self.parts[0].inverse(u, channel, condition)[1]
        return self._mixed(u, channel, condition, None, None)

    def _mixed(
        self,
        u: Tensor,
        channel: Tensor,
        condition: Tensor | None,
        part: Tensor | None,
        log_own: Tensor | None,
    ) -> Tensor:
        """logsumexp over parts; the density of a point's own part is known from drawing it."""
        assert self.shares is not None
        log_shares = torch.log(self.shares)[channel]
        columns = []
        for s, mapping in enumerate(self.parts):
            asked = self.shares[channel, s] > 0
            if part is not None and log_own is not None:
                drawn = part == s
                asked &= ~drawn
                column = torch.where(drawn, log_own, torch.full_like(log_own, -torch.inf))
            else:
                column = u.new_full((u.shape[0],), -torch.inf)
            rows = torch.nonzero(asked)[:, 0]
            inner = None if condition is None else condition[rows]
            log_q = mapping.inverse(u[rows], channel[rows], inner)[1]
            columns.append(column.index_copy(0, rows, log_q))
        return torch.logsumexp(torch.stack(columns, dim=1) + log_shares, dim=1)
