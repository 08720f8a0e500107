"""Training of surrogates' networks on points, with more of those it is wrong at if asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.descent import Descent, Lesson

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.interfaces.training import TrainingStore
    from crosshook.core.learning.dense import Dense
    from crosshook.core.progress import Progress

BLOCK = 8192
"""Points at once where no gradients are needed."""


def usual_lesson(epochs: float, batch: int, rate: float, stage: str) -> Lesson:
    """How a surrogate's network is trained."""
    return Lesson(
        epochs,
        batch,
        rate,
        stage,
        fewest_batches=8,
        warm_up=100,
        last=1e-3,
        averaged=0.999,
        looks=200,
    )


def train(
    network: Dense,
    inputs: Tensor,
    target: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
    *,
    boost: float = 0.0,
    store: TrainingStore | None = None,
) -> list[float]:
    """Trains in place.

    Args:
        network: with one output.
        inputs: `(n, f)`.
        target: `(n,)`.
        loss: of outputs and targets, `(b,)` each, to a number.
        lesson: how.
        rng: on the CPU; for the order of points.
        progress: told how far it is.
        boost: share of points drawn in proportion to their deviation, after a third of the steps.
        store: keeps the state every so many steps, and may have one to go on from.

    Returns:
        The mean loss of stretches of steps.
    """
    n = len(inputs)

    def order(descent: Descent) -> Tensor:
        if boost > 0 and 3 * descent.step > descent.total:
            weight = _deviations(network, inputs, target, boost)
            return torch.multinomial(weight.cpu(), n, replacement=True, generator=rng)
        return torch.randperm(n, generator=rng, device="cpu")

    def of(rows: Tensor) -> Tensor:
        return loss(network(inputs[rows])[:, 0], target[rows])

    descent = Descent(network.parameters(), n, lesson, rng, order)
    descent.run(of, progress, store=store)
    return descent.losses


def in_blocks(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """A function of many rows without gradients, some at a time."""
    with torch.no_grad():
        return torch.cat([function(part) for part in torch.split(rows, BLOCK)])


def _deviations(network: Dense, inputs: Tensor, target: Tensor, boost: float) -> Tensor:
    """Chances of points to be drawn: even for one part, by |deviation| for the other."""
    deviation = (in_blocks(lambda x: network(x)[:, 0], inputs) - target).abs().to(torch.float64)
    return (1 - boost) / len(target) + boost * deviation / deviation.sum().clamp(min=1e-300)
