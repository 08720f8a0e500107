"""SALLY: the score at a reference point as a network of x, then its histogram (1805.00013).

The mean score E[∂ log p(x, z|θ)/∂θ | x] at the reference is the locally optimal observable: near the
reference nothing else of an event matters. Away from it the histogram's likelihood stays right, but
loses power.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.inference.conditions import Conditions
from crosshook.core.inference.estimators.network import SmallNetwork, train

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.inference.config import EstimatorSettings
    from crosshook.core.inference.estimators.joint import JointEvents
    from crosshook.core.interfaces.features import Features
    from crosshook.core.progress import Progress


class ScoreNetwork:
    """The score of an event at the reference, in units of its spread there."""

    def __init__(self, conditions: Conditions, network: SmallNetwork) -> None:
        """Takes a trained network and what it is told of an event."""
        self._conditions, self._network = conditions, network

    @torch.no_grad()
    def __call__(self, reco: Features) -> Tensor:
        """`(n,)`."""
        return self._network(self._conditions(reco))[:, 0].to(torch.float64)


def train_score(
    events: JointEvents,
    reference: int,
    settings: EstimatorSettings,
    rng: torch.Generator,
    progress: Progress,
    stage: str,
) -> ScoreNetwork:
    """Regresses the joint score of the only parameter, weighted with the density at the reference.

    Args:
        events: with scores.
        reference: the grid point.
        settings: of the training.
        rng: of start and batches.
        progress: told how far it is.
        stage: for people.

    Raises:
        ConfigurationError: if the score is 0 there.
    """
    assert events.score is not None
    conditions = Conditions.of(events.reco, (), None)
    told = conditions(events.reco).to(torch.float32)
    weight = torch.exp(events.log_ratio[:, reference])
    score = events.score[:, reference, 0]
    spread = ((weight * score.square()).sum() / weight.sum()).sqrt()
    if not float(spread) > 0:
        message = (
            "method: sally: the scores of all events are 0 at the value that the process itself "
            "has; give it another one, or use alices or mem"
        )
        raise ConfigurationError(message)
    goal, factor = (score / spread).to(torch.float32), weight.to(torch.float32)
    network = SmallNetwork((told.shape[1], *[settings.width] * settings.layers, 1), rng)

    def loss(rows: Tensor, random: torch.Generator) -> Tensor:
        away = network(told[rows])[:, 0] - goal[rows]
        return (factor[rows] * away.square()).mean()

    train(network, loss, len(events), settings, rng, progress, stage)
    return ScoreNetwork(conditions, network)
