"""The training loop of transfer functions: shuffled batches, SOAP, a falling rate, averaged weights.

Some rows are held out; the averaged weights that do best on them are kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError
from crosshook.plugins.surrogate.soap import Soap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from crosshook.core.progress import Progress

    Loss = Callable[[Tensor], Tensor]

WARM_UP = 100
"""Steps over which the rate rises, or a tenth of all."""
LAST = 1e-2
"""Of the highest rate, the last one."""
AVERAGED = 0.995
"""Decay of the mean of the weights, which is what is kept; less in the first steps."""
FEWEST_BATCHES = 8
"""In an epoch: batches are smaller where there are few rows."""
LOOKS = 25
"""Times the rows held out are looked at."""
BLOCK = 8192
"""Rows at once where no gradients are needed."""
LARGEST = 10.0
"""Norm of a gradient beyond which it is shortened."""


@dataclass(frozen=True)
class Lesson:
    """How something is trained.

    Attributes:
        epochs: passes over the rows.
        batch: rows in a step.
        rate: highest learning rate.
        held_out: share of the rows that judge the training.
        stage: name for the progress bar.
    """

    epochs: float
    batch: int
    rate: float
    held_out: float
    stage: str


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
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
) -> Learnt:
    """Trains in place.

    Args:
        parameters: of whatever `loss` evaluates.
        loss: of the rows with these numbers, `(b,)` to `(b,)`.
        weight: of all rows, `(n,)`; they are in random order.
        lesson: how.
        rng: on the CPU; for the order of rows.
        progress: told how far it is.

    Raises:
        NumericalError: if the loss on the rows held out is never a number.
    """
    n, device = len(weight), weight.device
    held = min(n - 1, max(1, round(lesson.held_out * n)))
    left = n - held
    unit = weight / weight[held:].mean()
    batch = max(1, min(lesson.batch, left // FEWEST_BATCHES))
    total = max(1, round(lesson.epochs * left / batch))
    every = max(1, math.ceil(total / LOOKS))
    for parameter in parameters:
        parameter.requires_grad_()
    mean = [p.detach().clone() for p in parameters]
    optimiser = Soap(parameters)
    best, kept = math.inf, [p.clone() for p in mean]
    losses: list[float] = []
    judged: list[float] = []
    chosen_stretch, some, counted, skipped = 0, 0.0, 0, 0
    rows = torch.empty(0, dtype=torch.int64, device=device)
    for step in range(total):
        if len(rows) < batch:
            order = torch.randperm(left, generator=rng, device="cpu")
            rows = order.to(device) + held
        chosen, rows = rows[:batch], rows[batch:]
        value = (loss(chosen) * unit[chosen]).mean()
        gradients = torch.autograd.grad(
            value, list(parameters), allow_unused=True, materialize_grads=True
        )
        shortened = _shortened(gradients)
        if shortened is None:
            skipped += 1
        else:
            optimiser.step(shortened, _rate(lesson.rate, step, total))
            some, counted = some + float(value.detach()), counted + 1
        torch._foreach_lerp_(mean, [p.detach() for p in parameters], 1 - _decay(step))
        if (step + 1) % every and step + 1 < total:
            continue
        losses.append(some / counted if counted else math.nan)
        some, counted = 0.0, 0
        judged.append(_judged(parameters, mean, loss, unit, held))
        if judged[-1] < best:
            best, chosen_stretch = judged[-1], len(judged) - 1
            kept = [m.clone() for m in mean]
        progress.update(lesson.stage, step + 1, total, loss=losses[-1], held_out=judged[-1])
    if not best < math.inf:
        message = f"{lesson.stage}: the loss of the rows held out was never a number"
        raise NumericalError(message)
    for parameter, found in zip(parameters, kept, strict=True):
        parameter.requires_grad_(False).copy_(found)
    return Learnt(tuple(losses), tuple(judged), chosen_stretch, skipped, total)


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


def _shortened(gradients: Sequence[Tensor]) -> list[Tensor] | None:
    """Gradients of a norm that is not too large; None where one is no number."""
    norm = torch.stack([g.norm() for g in gradients]).norm()
    if not bool(norm.isfinite()):
        return None
    scale = (LARGEST / norm.clamp(min=1e-12)).clamp(max=1.0)
    return [g * scale for g in gradients]


def _rate(highest: float, step: int, total: int) -> float:
    rising = min(1.0, (step + 1) / max(1, min(WARM_UP, total // 10)))
    return highest * (LAST + rising * (1 - LAST) * 0.5 * (1 + math.cos(math.pi * step / total)))


def _decay(step: int) -> float:
    return min(AVERAGED, (1 + step) / (10 + step))
