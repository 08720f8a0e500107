"""Training of transfer functions: the averaged weights that do best on rows held out are kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.learning.descent import Descent, Lesson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from crosshook.core.interfaces.training import TrainingStore
    from crosshook.core.progress import Progress

    Loss = Callable[[Tensor], Tensor]

KEPT, JUDGED = "kept/", "judged"
"""Names in a checkpoint, beside those of the descent."""
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
    store: TrainingStore | None = None,
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
        store: keeps the state every so many steps, and may have one to go on from.

    Raises:
        NumericalError: if the loss on the rows held out is never a number.
    """
    n = len(weight)
    held = min(n - 1, max(1, round(held_out * n)))
    unit = weight / weight[held:].mean()
    best = _Best([p.detach().clone() for p in parameters], [])

    def order(_: Descent) -> Tensor:
        return torch.randperm(n - held, generator=rng, device="cpu") + held

    def of(rows: Tensor) -> Tensor:
        return (loss(rows) * unit[rows]).mean()

    def look(descent: Descent) -> bool:
        found = _judged(parameters, descent.mean, loss, unit, held)
        if found < best.loss:
            best.kept = descent.averages()
        best.judged.append(found)
        last = {"loss": descent.losses[-1], "held_out": found}
        progress.update(lesson.stage, descent.step, descent.total, **last)
        return False

    descent = Descent(parameters, n - held, lesson, rng, order)
    known = None if store is None else _StoreWithBest(store, best)
    descent.run(of, progress, look=look, store=known)
    if not best.loss < math.inf:
        message = f"{lesson.stage}: the loss of the rows held out was never a number"
        raise NumericalError(message)
    for parameter, found in zip(parameters, best.kept, strict=True):
        parameter.copy_(found)
    judged = best.judged
    number = judged.index(best.loss)
    return Learnt(tuple(descent.losses), tuple(judged), number, descent.skipped, descent.step)


@dataclass
class _Best:
    """Weights that did best on the rows held out, and the loss there after each stretch."""

    kept: list[Tensor]
    judged: list[float]

    @property
    def loss(self) -> float:
        """The lowest that is a number."""
        return min((loss for loss in self.judged if not math.isnan(loss)), default=math.inf)


@dataclass
class _StoreWithBest:
    """Keeps the best weights with the state of a descent; see `TrainingStore`."""

    store: TrainingStore
    best: _Best

    def load(self) -> tuple[dict[str, Tensor], dict[str, object]] | None:
        found = self.store.load()
        if found is not None:
            tensors, values = found
            kept = [tensors[f"{KEPT}{i}"] for i in range(len(self.best.kept))]
            self.best.kept = [k.to(b.device) for k, b in zip(kept, self.best.kept, strict=True)]
            self.best.judged = list(cast("list[float]", values[JUDGED]))
        return found

    def save(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        kept = {f"{KEPT}{i}": tensor for i, tensor in enumerate(self.best.kept)}
        self.store.save(tensors | kept, {**values, JUDGED: self.best.judged})


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
