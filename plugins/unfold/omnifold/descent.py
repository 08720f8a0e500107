"""Training of one network: SOAP, a falling rate, averaged parameters, held-out events."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.plugins.surrogate.soap import Soap

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.progress import Progress
    from crosshook.plugins.unfold.omnifold.network import RatioNetwork

WARM_UP = 50
"""Steps over which the rate rises, or a tenth of all."""
LAST = 1e-2
"""Of the highest rate, the last one."""
AVERAGED = 0.995
"""Decay of the mean of the parameters, which is what is kept; less in the first steps."""
FEWEST_BATCHES = 16
"""In an epoch: batches are smaller where there are few events."""
LOOKS = 8
"""Looks at held-out events in a training."""
NOISE = 0.15
"""Losses of n held-out events differ by this over √n: 3 σ where log-ratios change by 5 %."""


@dataclass(frozen=True)
class Lesson:
    """How one network is trained.

    Attributes:
        epochs: passes over the events.
        batch: events in a step.
        rate: highest learning rate.
        patience: looks without a better one after which the training stops.
        stage: name for the progress bar.
    """

    epochs: float
    batch: int
    rate: float
    patience: int
    stage: str


@dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes:
        network: with averaged parameters: the last, or the best if the last are worse beyond noise.
        loss: mean over the last stretch of steps.
        held_out: its loss on held-out events; NaN if there are none.
    """

    network: RatioNetwork
    loss: float
    held_out: float


def descend(
    network: RatioNetwork,
    loss: Callable[[RatioNetwork, Tensor], Tensor],
    training: Tensor,
    held_out: Tensor,
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
) -> Trained:
    """Trains a copy.

    Args:
        network: to start from.
        loss: of a network and the numbers of some events.
        training: numbers of the events to learn from, `(n,)` int64.
        held_out: numbers of those to judge by; none if empty.
        lesson: how.
        rng: on the CPU; for the order of events.
        progress: told how far it is.
    """
    n = len(training)
    batch = max(1, min(lesson.batch, n // FEWEST_BATCHES))
    total = max(1, round(lesson.epochs * n / batch))
    every = max(1, math.ceil(total / LOOKS))
    network, mean = network.copy(), network.copy()
    parameters, averaged = network.parameters(), mean.parameters()
    for parameter in parameters:
        parameter.requires_grad_()
    optimiser = Soap(parameters)
    best, best_loss, failures, last, found = mean, math.inf, 0, math.nan, math.nan
    tolerated = NOISE / math.sqrt(max(1, len(held_out)))
    order = training[:0]
    some = torch.zeros((), device=training.device)
    for step in range(total):
        if len(order) < batch:
            order = training[torch.randperm(n, generator=rng, device="cpu").to(training.device)]
        chosen, order = order[:batch], order[batch:]
        value = loss(network, chosen)
        optimiser.step(torch.autograd.grad(value, parameters), _rate(lesson.rate, step, total))
        decay = min(AVERAGED, (1 + step) / (10 + step))
        torch._foreach_lerp_(averaged, [p.detach() for p in parameters], 1 - decay)
        some = some + value.detach()
        if (step + 1) % every and step + 1 < total:
            continue
        last = float(some) / (step % every + 1)
        some = torch.zeros_like(some)
        progress.update(lesson.stage, step + 1, total, loss=last)
        if not len(held_out):
            continue
        with torch.no_grad():
            found = float(loss(mean, held_out))
        if found < best_loss:
            best, best_loss = mean.copy(), found
        failures = failures + 1 if found > best_loss + tolerated else 0
        if failures >= lesson.patience:
            break
    if not len(held_out):
        return Trained(mean, last, math.nan)
    if failures or not math.isfinite(found):
        return Trained(best, last, best_loss)
    return Trained(mean, last, found)


def _rate(highest: float, step: int, total: int) -> float:
    rising = min(1.0, (step + 1) / max(1, min(WARM_UP, total // 10)))
    return highest * (LAST + rising * (1 - LAST) * 0.5 * (1 + math.cos(math.pi * step / total)))
