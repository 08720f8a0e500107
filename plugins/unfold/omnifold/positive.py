"""Signed weights as positive ones with the same expectation at every point (2007.11586).

A classifier of the sign among events of weight |w| gives P(+ | x); in the mean over events at x the
weight is |w| (2 P - 1). Classifiers learn badly from negative weights, and nothing learns from a
density below zero: where P is under a half, the weight is 0, which is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from crosshook.plugins.unfold.omnifold.descent import descend, usual_lesson
from crosshook.plugins.unfold.omnifold.network import RatioNetwork
from crosshook.plugins.unfold.omnifold.steps import held_out

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.progress import Progress
    from crosshook.plugins.unfold.omnifold.inputs import Inputs
    from crosshook.plugins.unfold.omnifold.settings import Settings

TIMES = 2
"""Longer than the other trainings of a first iteration: this one is not gone over again."""


def positive(
    inputs: Inputs, weight: Tensor, settings: Settings, rng: torch.Generator, progress: Progress
) -> tuple[Tensor, int]:
    """Weights that are not negative.

    Args:
        inputs: of n events.
        weight: `(n,)` of any sign, with a positive sum.
        settings: how to train.
        rng: on the CPU.
        progress: told how far it is.

    Returns:
        Weights `(n,)` with the same sum, and how many events with a weight have none any more.
    """
    size = weight.abs()
    known = torch.nonzero(size > 0)[:, 0]
    dtype = inputs.columns.dtype
    label = (weight > 0).to(dtype)
    share = (size / size[known].mean()).to(dtype)

    def loss(network: RatioNetwork, rows: Tensor) -> Tensor:
        output = network(inputs.rows(rows))
        return (share[rows] * (functional.softplus(output) - label[rows] * output)).mean()

    epochs = TIMES * settings.epochs
    teaching = usual_lesson(epochs, settings.batch, settings.learning_rate, "signs")
    kept, judging = held_out(known, settings.validation, 0, rng)
    network = RatioNetwork.random(inputs, settings.hidden, settings.depth, rng)
    trained = descend(network, loss, kept, judging, teaching, settings.patience, rng, progress)
    mean_sign = torch.tanh(0.5 * trained.network.everywhere(inputs))
    found = size * mean_sign.clamp(min=0.0)
    nothing = int(((found == 0) & (size > 0)).sum())
    total = found.sum()
    return found * (weight.sum() / torch.where(total > 0, total, torch.ones_like(total))), nothing
