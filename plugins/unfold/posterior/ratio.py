"""Ratios of two samples' densities from a classifier: log p(x)/q(x) is its logit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from crosshook.plugins.unfold.posterior.training import train

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.learning.dense import Dense
    from crosshook.core.learning.descent import Lesson
    from crosshook.core.progress import Progress

BLOCK = 16_384
"""Rows at once where no gradients are needed."""
LARGEST = 10.0
"""Of |log ratio|: what is beyond is clipped."""


def learn_ratio(
    network: Dense,
    upper: Tensor,
    upper_weight: Tensor,
    lower: Tensor,
    lower_weight: Tensor,
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
) -> tuple[float, ...]:
    """Trains a network to give log (upper density / lower density), up to normalisation.

    Each sample counts as a whole: weights are scaled to one sum, so that the ratio is one of
    normalised densities.

    Args:
        network: with one output; trained in place from what it is.
        upper: inputs of one sample, `(n, f)` in the network's precision.
        upper_weight: `(n,)`.
        lower: inputs of the other, `(m, f)`.
        lower_weight: `(m,)`.
        lesson: how to train.
        rng: on the CPU.
        progress: told how far it is.

    Returns:
        The losses.
    """
    rows = torch.cat([upper, lower])
    label = torch.cat([torch.ones_like(upper[:, 0]), torch.zeros_like(lower[:, 0])])
    total = len(rows) / 2
    weight = torch.cat(
        [
            (upper_weight * (total / upper_weight.sum())).to(rows.dtype),
            (lower_weight * (total / lower_weight.sum())).to(rows.dtype),
        ]
    )

    def loss(chosen: Tensor) -> Tensor:
        at = chosen.to(rows.device)
        logit = network(rows[at])[:, 0]
        each = functional.binary_cross_entropy_with_logits(logit, label[at], reduction="none")
        return (weight[at] * each).mean()

    return train(network.parameters(), loss, len(rows), lesson, rng, progress)


def log_ratio(network: Dense, inputs: Tensor) -> Tensor:
    """The network's output in float64, `(n,)`, clipped."""
    with torch.no_grad():
        parts = [network(part)[:, 0] for part in torch.split(inputs, BLOCK)]
    return torch.cat(parts).to(torch.float64).clamp(-LARGEST, LARGEST)
