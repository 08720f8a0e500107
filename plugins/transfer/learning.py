"""Training of transfer functions: the averaged weights that do best on rows held out are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.learning.descent import Descent, Lesson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from crosshook.core.progress import Progress

    Loss = Callable[[Tensor], Tensor]

BLOCK = 8192
"""Rows at once where no gradients are needed."""


def usual_lesson(epochs: float, batch: int, rate: float, stage: str) -> Lesson:
    """How one of the networks is trained."""
    return Lesson(
        epochs, batch, rate, stage, fewest_batches=8, warm_up=100, looks=25, longest=10.0
    )


@dataclass(frozen=True)
class Learnt:
    """What a training did.

    Attributes:
        losses: mean loss of stretches of steps.
        held_out: loss on the rows held out at the end of each stretch.
        best: the stretch whose weights were kept, from 0.
        skipped: steps left out because a gradient was no number.
        steps: all of them.
    """

    losses: tuple[float, ...]
    held_out: tuple[float, ...]
    best: int
    skipped: int
    steps: int

    def notes(self, stage: str) -> tuple[str, ...]:
        """What is to be said of it."""
        if not self.skipped:
            return ()
        return (f"{stage}: {self.skipped} of {self.steps} steps had no gradients: left out",)


def train(
    parameters: Sequence[Tensor],
    loss: Loss,
    weight: Tensor,
    held_out: float,
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
) -> Learnt:
    """Trains in place.

    Args:
        parameters: of whatever `loss` evaluates.
        loss: of the rows with these numbers, `(b,)` to `(b,)`.
        weight: of all rows, `(n,)`; they are in random order.
        held_out: share of the rows that judge the training.
        lesson: how.
        rng: on the CPU; for the order of rows.
        progress: told how far it is.

    Raises:
        NumericalError: if the loss on the rows held out is never a number.
    """
    n = len(weight)
    held = min(n - 1, max(1, round(held_out * n)))
    unit = weight / weight[held:].mean()
    judged: list[float] = []
    best, kept = math.inf, [p.detach().clone() for p in parameters]

    def order(_: Descent) -> Tensor:
        return torch.randperm(n - held, generator=rng, device="cpu") + held

    def of(rows: Tensor) -> Tensor:
        return (loss(rows) * unit[rows]).mean()

    def look(descent: Descent) -> bool:
        nonlocal best, kept
        judged.append(_judged(parameters, descent.mean, loss, unit, held))
        if judged[-1] < best:
            best, kept = judged[-1], descent.averages()
        last = {"loss": descent.losses[-1], "held_out": judged[-1]}
        progress.update(lesson.stage, descent.step, descent.total, **last)
        return False

    descent = Descent(parameters, n - held, lesson, rng, order)
    descent.run(of, progress, look=look)
    if not best < math.inf:
        message = f"{lesson.stage}: the loss of the rows held out was never a number"
        raise NumericalError(message)
    for parameter, found in zip(parameters, kept, strict=True):
        parameter.copy_(found)
    return Learnt(
        tuple(descent.losses), tuple(judged), judged.index(best), descent.skipped, descent.step
    )


@torch.no_grad()
def _judged(
    parameters: Sequence[Tensor], mean: Sequence[Tensor], loss: Loss, unit: Tensor, held: int
) -> float:
    """Loss of the averaged weights on the rows held out."""
    current = [p.detach().clone() for p in parameters]
    for parameter, averaged in zip(parameters, mean, strict=True):
        parameter.copy_(averaged)
    numbers = torch.arange(held, device=unit.device)
    found = torch.cat([loss(part) for part in torch.split(numbers, BLOCK)])
    for parameter, before in zip(parameters, current, strict=True):
        parameter.copy_(before)
    return float((found * unit[:held]).sum() / unit[:held].sum())
