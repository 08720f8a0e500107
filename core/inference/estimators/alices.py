"""ALICES: log p(x|θ)/p_mix(x) as a network of x and θ, from joint ratios and scores (1808.00973).

With the joint ratio r of an event drawn from the mixture, ½[r softplus(−g) + softplus(g)] is the
cross-entropy of telling p(x|θ) from p_mix(x) with the best labels there are, and smallest for
g = log p(x|θ)/p_mix(x); r (∂g/∂θ − score)²/⟨r score²⟩ adds what is known of its slope.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.inference.conditions import Conditions
from crosshook.core.inference.estimators.network import SmallNetwork, train

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.inference.config import EstimatorSettings
    from crosshook.core.inference.estimators.joint import JointEvents
    from crosshook.core.inference.grid import Axis, ParameterGrid
    from crosshook.core.interfaces.features import Features
    from crosshook.core.progress import Progress

BATCH = 2048
"""Events evaluated at once, each at all grid points."""


def theta_numbers(theta: Tensor, axes: Sequence[Axis]) -> Tensor:
    """What a network is told of parameter points `(..., a)`: first and second harmonics, or lengths.

    Args:
        theta: values of the axes.
        axes: of the grid.
    """
    made = []
    for column, axis in zip(theta.unbind(-1), axes, strict=True):
        if axis.period is not None:
            turn = column * (2 * math.pi / axis.period)
            made += [f(k * turn) for k in (1, 2) for f in (torch.cos, torch.sin)]
        else:
            low, high = float(axis.values[0]), float(axis.values[-1])
            made.append((2 * column - low - high) / (high - low))
    return torch.stack(made, dim=-1).to(torch.float32)


@dataclass(frozen=True)
class Alices:
    """Log-ratios by networks.

    Attributes:
        grid: of the parameters.
        conditions: what is made of an event.
        networks: of event and θ, trained apart.
    """

    grid: ParameterGrid
    conditions: Conditions
    networks: tuple[SmallNetwork, ...]

    @torch.no_grad()
    def log_ratio(self, reco: Features) -> Tensor:
        """log p(x|θ) up to what does not depend on θ, `(m, n, t)`."""
        told = self.conditions(reco).to(torch.float32)
        theta = theta_numbers(self.grid.points, self.grid.axes)
        found = []
        for network in self.networks:
            rows = []
            for some in torch.split(told, BATCH):
                both = torch.cat(
                    [
                        some.repeat_interleave(len(theta), dim=0),
                        theta.repeat(len(some), 1),
                    ],
                    dim=1,
                )
                rows.append(network(both)[:, 0].reshape(len(some), len(theta)))
            found.append(torch.cat(rows).to(torch.float64))
        return torch.stack(found)


def train_alices(
    events: JointEvents,
    grid: ParameterGrid,
    settings: EstimatorSettings,
    rng: torch.Generator,
    progress: Progress,
) -> Alices:
    """Trains the networks on all events.

    Args:
        events: with scores, unless their weight is 0.
        grid: of the parameters.
        settings: of the training.
        rng: of starts and batches.
        progress: told how far it is.
    """
    conditions = Conditions.of(events.reco, (), None)
    told = conditions(events.reco).to(torch.float32)
    numbers = theta_numbers(grid.points, grid.axes).shape[1]
    ratio = torch.exp(events.log_ratio).to(torch.float32)
    score, size = None, torch.ones(len(grid.axes))
    if events.score is not None:
        score = events.score.to(torch.float32)
        size = (ratio[..., None] * score.square()).mean(dim=(0, 1)).clamp(min=1e-30)
    points = grid.points.to(torch.float32)
    networks = []
    for number in range(settings.networks):
        sizes = (told.shape[1] + numbers, *[settings.width] * settings.layers, 1)
        network = SmallNetwork(sizes, rng)

        def loss(rows: Tensor, random: torch.Generator, network: SmallNetwork = network) -> Tensor:
            place = torch.randint(len(points), rows.shape, generator=random, device="cpu")
            theta = points[place].requires_grad_(score is not None)
            inputs = torch.cat([told[rows], theta_numbers(theta, grid.axes)], dim=1)
            value = network(inputs)[:, 0]
            r = ratio[rows, place]
            softplus = torch.nn.functional.softplus
            found: Tensor = 0.5 * (r * softplus(-value) + softplus(value)).mean()
            if score is not None:
                (slope,) = torch.autograd.grad(value.sum(), theta, create_graph=True)
                away = (slope - score[rows, place]).square() / size
                found = found + settings.score_weight * (r[:, None] * away).mean()
            return found

        name = f"train alices {number + 1}" if settings.networks > 1 else "train alices"
        train(network, loss, len(events), settings, rng, progress, name)
        networks.append(network)
    return Alices(grid, conditions, tuple(networks))
