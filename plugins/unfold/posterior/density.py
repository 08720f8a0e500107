"""What a conditional density has to be able to do for an unfolder to be built on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from crosshook.core.interfaces.training import TrainingStore
    from crosshook.core.learning.descent import Lesson
    from crosshook.core.progress import Progress


class Density(Protocol):
    """A learned p(target | inputs); targets are d scores, standard normal on their own."""

    def learn(
        self,
        target: Tensor,
        inputs: Tensor,
        weight: Tensor,
        lesson: Lesson,
        rng: torch.Generator,
        progress: Progress,
        store: TrainingStore | None = None,
    ) -> tuple[float, ...]:
        """Trains from what it is; returns the losses.

        Args:
            target: `(n, d)` float64.
            inputs: `(n, c)` float64.
            weight: `(n,)` float64, of mean 1.
            lesson: how to train.
            rng: on the CPU.
            progress: told how far it is.
            store: keeps the state of the training, and may have one to go on from.
        """
        ...

    def draw(self, inputs: Tensor, rng: torch.Generator) -> Tensor:
        """One target for each row of inputs, `(n, d)` float64."""
        ...

    def state(self) -> dict[str, Tensor]:
        """All tensors by name."""
        ...

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        ...


if TYPE_CHECKING:
    MakeDensity = Callable[[int, int, torch.Generator | None], Density]
    """Makes a density of d targets and c inputs."""
