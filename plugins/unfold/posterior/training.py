"""Training of the networks here, on numbered rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.learning.descent import Descent, Lesson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from torch import Tensor

    from crosshook.core.interfaces.training import TrainingStore
    from crosshook.core.progress import Progress


def usual_lesson(epochs: float, batch: int, rate: float, stage: str) -> Lesson:
    """How one of the networks is trained."""
    return Lesson(epochs, batch, rate, stage, averaged=0.99)


def train(
    parameters: Sequence[Tensor],
    loss: Callable[[Tensor], Tensor],
    n: int,
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
    store: TrainingStore | None = None,
) -> tuple[float, ...]:
    """Trains in place.

    Args:
        parameters: changed in place; leaves without gradients before and after.
        loss: of the numbers of some rows, `(b,)` int64.
        n: number of rows.
        lesson: how.
        rng: on the CPU; for the order of rows.
        progress: told how far it is.
        store: keeps the state of the training, and may have one to go on from.

    Returns:
        The mean loss of stretches of steps.
    """
    descent = Descent(parameters, n, lesson, rng)
    descent.run(loss, progress, store=store)
    return tuple(descent.losses)
