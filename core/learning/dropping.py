"""Which channels may be closed after a training: small ones that others can stand in for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.losses import channel_means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.learning.buffer import Buffer


@dataclass(frozen=True)
class Dropped:
    """What was decided.

    Attributes:
        closed: channels, in order.
        notes: sentences for the report.
    """

    closed: tuple[int, ...]
    notes: tuple[str, ...]


@torch.no_grad()
def drop_channels(
    buffer: Buffer, weights: ChannelWeights, names: Sequence[str], share: float
) -> Dropped:
    """Chooses the channels to close, the smallest first.

    A channel is closed if it carries less than `share` of Σ_c ∫|α_c f|, and if every point of the
    buffer in which it is open, with f ≠ 0, has another open channel that stays.

    Args:
        buffer: points of the training.
        weights: channel weights as they will be used.
        names: of the channels.
        share: of the integral below which a channel is small.
    """
    columns, k = buffer.columns, len(names)
    channel, value = columns["channel"], columns["value"]
    log_alpha = weights.log_weights(columns.get("features"), columns["log_prior"], None)
    own = log_alpha.gather(1, channel[:, None])[:, 0]
    carried = torch.exp(torch.log(value.abs()) + own - buffer.log_rho())
    size = channel_means(torch.where(value == 0, torch.zeros_like(carried), carried), channel, k)
    part = (size / size.sum()).tolist() if float(size.sum()) > 0 else [1.0] * k
    is_open = (log_alpha > -torch.inf)[value != 0]
    stays = torch.ones(k, dtype=torch.bool, device=is_open.device)
    closed, notes = [], []
    for c in sorted((c for c in range(k) if part[c] < share), key=part.__getitem__):
        stays[c] = False
        alone = int((is_open[:, c] & ~is_open[:, stays].any(dim=1)).sum())
        if alone:
            stays[c] = True
            notes.append(
                f"channel {names[c]} carries {part[c]:.2g} of the integral, but is kept: "
                f"no other is open at {alone} of {is_open.shape[0]} points"
            )
        else:
            closed.append(c)
    if closed:
        told = ", ".join(f"{names[c]} ({part[c]:.2g})" for c in sorted(closed))
        notes.insert(
            0,
            f"channels closed, with their share of the integral: {told}; others are open at all "
            f"{is_open.shape[0]} points of the training",
        )
    return Dropped(tuple(sorted(closed)), tuple(notes))
