"""Unfolder `conditional-flow-matching`: the posterior by a learned velocity field (2404.18807),
freed of its prior by iterations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.plugins.unfold.posterior.unfolder import PosteriorUnfolder, Settings
from crosshook.plugins.unfold.posterior.velocity_density import VelocityDensity

if TYPE_CHECKING:
    import torch

    from crosshook.core.context import BuildContext


def make(
    context: BuildContext,
    *,
    iterations: int,
    draws: int,
    missed: str,
    hidden: int,
    depth: int,
    steps: int,
    epochs: float,
    batch: int,
    learning_rate: float,
    ratio_epochs: float,
    ratio_rate: float,
) -> PosteriorUnfolder:
    """The component's factory."""

    def density(dimensions: int, inputs: int, rng: torch.Generator | None) -> VelocityDensity:
        return VelocityDensity(
            dimensions,
            inputs,
            rng,
            hidden=hidden,
            depth=depth,
            steps=steps,
            device=context.torch_device,
        )

    settings = Settings(
        iterations, draws, missed, epochs, batch, learning_rate, ratio_epochs, ratio_rate
    )
    return PosteriorUnfolder("conditional-flow-matching", context, settings, density)
