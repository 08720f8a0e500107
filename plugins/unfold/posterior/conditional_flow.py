"""Unfolder `conditional-flow`: the posterior by a normalising flow (2006.06685), freed of its prior
by iterations (2212.08674).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.plugins.unfold.posterior.spline_density import SplineDensity
from crosshook.plugins.unfold.posterior.unfolder import PosteriorUnfolder, Settings

if TYPE_CHECKING:
    import torch

    from crosshook.core.context import BuildContext


def make(
    context: BuildContext,
    *,
    iterations: int,
    draws: int,
    missed: str,
    layers: int,
    bins: int,
    hidden: int,
    depth: int,
    epochs: float,
    batch: int,
    learning_rate: float,
    ratio_epochs: float,
    ratio_rate: float,
) -> PosteriorUnfolder:
    """The component's factory."""

    def density(dimensions: int, inputs: int, rng: torch.Generator | None) -> SplineDensity:
        return SplineDensity(
            dimensions,
            inputs,
            rng,
            layers=layers,
            bins=bins,
            hidden=hidden,
            depth=depth,
            device=context.device,
        )

    settings = Settings(
        iterations, draws, missed, epochs, batch, learning_rate, ratio_epochs, ratio_rate
    )
    return PosteriorUnfolder("conditional-flow", context, settings, density)
