"""The training loop of the networks here: shuffled batches, SOAP, a falling rate, averaged weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.plugins.surrogate.soap import Soap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from crosshook.core.progress import Progress

WARM_UP = 50
"""Steps over which the rate rises, or a tenth of all."""
LAST = 1e-2
"""Of the highest rate, the last one."""
AVERAGED = 0.99
"""Decay of the mean of the weights, which is what is kept; less in the first steps."""
FEWEST_BATCHES = 16
"""In an epoch: batches are smaller where there are few rows."""
RECORDED = 20
"""Losses of a training, at most about."""


@dataclass(frozen=True)
class Lesson:
    """How something is trained.

    Attributes:
        epochs: passes over the rows.
        batch: rows in a step.
        rate: highest learning rate.
        stage: name for the progress bar.
    """

    epochs: float
    batch: int
    rate: float
    stage: str


def train(
    parameters: Sequence[Tensor],
    loss: Callable[[Tensor], Tensor],
    n: int,
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
) -> tuple[float, ...]:
    """Trains in place.

    Args:
        parameters: changed in place; leaves without gradients before and after.
        loss: of the numbers of some rows, `(b,)` int64 on the CPU.
        n: number of rows.
        lesson: how.
        rng: on the CPU; for the order of rows.
        progress: told how far it is.

    Returns:
        The mean loss of stretches of steps.
    """
    batch = max(1, min(lesson.batch, n // FEWEST_BATCHES))
    total = max(1, round(lesson.epochs * n / batch))
    for parameter in parameters:
        parameter.requires_grad_()
    mean = [p.detach().clone() for p in parameters]
    optimiser = Soap(parameters)
    every = max(1, total // RECORDED)
    losses: list[float] = []
    some = torch.zeros((), dtype=torch.float64, device="cpu")
    rows = torch.empty(0, dtype=torch.int64, device="cpu")
    for step in range(total):
        if len(rows) < batch:
            rows = torch.randperm(n, generator=rng, device="cpu")
        chosen, rows = rows[:batch], rows[batch:]
        value = loss(chosen)
        optimiser.step(torch.autograd.grad(value, parameters), _rate(lesson.rate, step, total))
        decay = min(AVERAGED, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(mean, list(parameters), 1.0 - decay)
        some += value.detach().to(some)
        if (step + 1) % every == 0 or step + 1 == total:
            losses.append(float(some) / (step % every + 1))
            some = torch.zeros_like(some)
            progress.update(lesson.stage, step + 1, total, loss=losses[-1])
    for parameter, averaged in zip(parameters, mean, strict=True):
        parameter.requires_grad_(False).copy_(averaged)
    return tuple(losses)


def _rate(highest: float, step: int, total: int) -> float:
    rising = min(1.0, (step + 1) / max(1, min(WARM_UP, total // 10)))
    falling = 0.5 * (1 + math.cos(math.pi * step / total))
    return highest * rising * (LAST + (1 - LAST) * falling)
