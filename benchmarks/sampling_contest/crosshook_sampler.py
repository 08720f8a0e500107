"""Contender crosshook: `crosshook.integrate` with a channel mapping and channel weights by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

import crosshook
from sampling_contest.contender import Drawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.interfaces.integrand import Evaluation, Integrand
    from crosshook.core.sampling.trained import TrainedSampler
    from sampling_contest.counting import Counted

FRESH = 100
"""Points a channel that the integral itself takes from the budget: the benchmark draws its own."""


class Ours:
    """A trained sampler of crosshook.

    Attributes:
        sampler: as `crosshook.integrate` left it.
        strata: one a channel.
    """

    def __init__(self, trained: TrainedSampler) -> None:
        """Takes the sampler."""
        self.sampler, self.strata = trained, len(trained.channels)

    def draw(self, n: int, stratum: int, seed: int) -> Drawn:
        """See `Trained.draw`."""
        columns = self.sampler.dimensions + self.sampler.proposal.n_pick
        r = torch.from_numpy(np.random.default_rng(seed).random((n, columns)))
        channel = torch.full((n,), stratum)
        return Drawn(*_in_order(self.sampler.proposal.draw(r, channel), channel))

    def log_alpha(self, drawn: Drawn, evaluation: Evaluation, stratum: int) -> Tensor:
        """The channel weights it was trained with."""
        weights = self.sampler.weights
        return weights.log_weights(evaluation.features, evaluation.log_prior, None)[:, stratum]


def _in_order(drawn: tuple[Tensor, Tensor], channel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Points, channels and log densities."""
    u, log_q = drawn
    return u, channel, log_q


def as_function(integrand: Integrand) -> Callable[..., Evaluation]:
    """The integrand as a function of points, and of channels if there are several."""

    def function(u: Tensor, channel: Tensor | None = None) -> Evaluation:
        own = torch.zeros(u.shape[0], dtype=torch.int64) if channel is None else channel
        return integrand.evaluate(u, own)

    return function


def train_with(
    mapping: str | dict[str, object],
    weights: str,
    training: dict[str, object],
    features: int,
    integrand: Counted,
    evaluations: int,
    seed: int,
) -> Ours:
    """Trains through the public function."""
    k = len(integrand.channels)
    result = crosshook.integrate(
        as_function(integrand),
        dimensions=integrand.n_dim,
        channels=k,
        features=features,
        mapping=mapping,
        weights=weights,
        training=training,
        evaluations=evaluations - FRESH * k,
        points=FRESH * k,
        seed=seed,
    )
    return Ours(result.sampler)
