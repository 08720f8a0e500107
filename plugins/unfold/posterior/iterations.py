"""Expectation maximisation with draws: the prior is removed without new draws.

One density q(z|x) is learned, with the simulation's truth as prior, and truth is drawn from it for
every measured event and for every simulated one. With another prior ν(z) p(z) the posterior is
ν(z) q(z|x), normalised: the draws stay, and their weights change. So an iteration is

    ν(z) ← [draws of the data at z, of each event in proportion to ν] / [draws of the simulation],

the ratio by a classifier. This is expectation maximisation for simulated events (x, z) whose z are
the drawn ones, and with a perfect density the step that OmniFold and IcINN (2212.08674) make,
without training the density again. With an imperfect one the model is still one joint density with
the simulation's own reco: data equal to the simulation give ν = 1, and the likelihood of the data
grows with every step. (True z in the denominator would make a fault of the density a part of ν,
and weights of true z in it, an inconsistent step, let the fault grow without bound.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.plugins.unfold.posterior.ratio import learn_ratio, log_ratio

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.learning.dense import Dense
    from crosshook.core.learning.descent import Lesson
    from crosshook.core.progress import Progress


@dataclass(frozen=True)
class Drawn:
    """Draws of truth for n events, s each.

    Attributes:
        inputs: the draws as the classifier sees them, `(n · s, c)` float32, event by event.
        weight: of the events, `(n,)`.
    """

    inputs: Tensor
    weight: Tensor

    def weights(self, log_prior: Tensor) -> Tensor:
        """Weights of the draws, `(n · s,)`; those of an event add up to its weight.

        Shares among s draws favour the draws of small ν, because a draw is part of the mean it is
        divided by; what is of order 1/s in this is corrected for.

        Args:
            log_prior: log ν at the draws, `(n · s,)`.
        """
        share = torch.softmax(log_prior.view(len(self.weight), -1), dim=1)
        draws = share.shape[1]
        ratio = draws * share
        excess = ratio - ratio.square().mean(dim=1, keepdim=True)
        share = share * (1.0 + excess / max(draws - 1, 1)).clamp(min=0.0)
        return (self.weight[:, None] * share).reshape(-1)


@dataclass(frozen=True)
class Trail:
    """What the iterations found.

    Attributes:
        log_factor: log ν of every simulated truth row after each iteration, `(n, k)`; scaled so
            that the matched events keep their sum of weights.
        effective: Kish's share of the draws of the data that count after the last iteration.
        losses: of all trainings.
    """

    log_factor: Tensor
    effective: float
    losses: tuple[float, ...]


def iterate(
    network: Dense,
    data: Drawn,
    simulated: Drawn,
    truth: Tensor,
    matched: Tensor,
    iterations: int,
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
) -> Trail:
    """Trains a network to give log ν, from what it is.

    Args:
        network: of the classifier's inputs, one output.
        data: draws for the measured events.
        simulated: draws for the matched simulated events.
        truth: true values of all simulated rows as inputs, `(n, c)` float32.
        matched: numbers of the matched rows, in the order of `simulated`.
        iterations: how many.
        lesson: of each iteration.
        rng: on the CPU.
        progress: told how far it is.
    """
    share = simulated.weight / simulated.weight.sum()
    at_data = log_ratio(network, data.inputs)
    even = simulated.weights(torch.zeros_like(simulated.inputs[:, 0], dtype=torch.float64))
    found: list[Tensor] = []
    losses: tuple[float, ...] = ()
    for _ in range(iterations):
        losses += learn_ratio(
            network,
            data.inputs,
            data.weights(at_data),
            simulated.inputs,
            even,
            lesson,
            rng,
            progress,
        )
        at_data, at_truth = log_ratio(network, data.inputs), log_ratio(network, truth)
        found.append(at_truth - (share * at_truth[matched].exp()).sum().log())
    weight = data.weights(at_data)
    effective = weight.sum() ** 2 / weight.square().sum() / len(weight)
    return Trail(torch.stack(found, dim=1), float(effective), losses)
