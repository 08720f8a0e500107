"""Conditional density by a normalising flow: autoregressive splines that networks choose.

Scores are put in a box as wide as a sample of a hundred thousand reaches; inside it the flow turns
a normal distribution into the one wanted (1906.04032; as a posterior of unfolding 2006.06685).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.core.context import BuildContext
from crosshook.plugins.flow.mapping import CHUNK, Architecture, FlowNetwork
from crosshook.plugins.unfold.posterior.training import train

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.training import TrainingStore
    from crosshook.core.learning.descent import Lesson
    from crosshook.core.progress import Progress

BOX = 4.6
"""Scores reach from -BOX to BOX; `ranks.EDGE` is where ±4.5 is."""
ENCODING = 3
"""Degree of the polynomials by which a column is seen by those after it."""


class SplineDensity:
    """A flow from normal numbers to scores, given conditions."""

    def __init__(
        self,
        dimensions: int,
        inputs: int,
        rng: torch.Generator | None,
        *,
        layers: int,
        bins: int,
        hidden: int,
        depth: int,
        device: str,
    ) -> None:
        """The flow that changes nothing.

        Args:
            dimensions: d, scores to draw.
            inputs: c, conditions.
            rng: of the first weights, on the CPU.
            layers: of splines.
            bins: of a spline.
            hidden: neurons of a hidden layer.
            depth: hidden layers.
            device: where the networks live.
        """
        context = BuildContext(dimensions=dimensions, device=device, rng=rng)
        shape = Architecture(
            "autoregressive", layers, bins, hidden, depth, ENCODING, "shared", "float32"
        )
        self._dimensions = dimensions
        self._network = FlowNetwork(context, shape, inputs)
        self._network.requires_grad_(False)

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
        """Trains by maximum likelihood; see `Density.learn`."""
        boxed = _boxed(target)
        inputs = inputs.to(torch.float32)

        def loss(chosen: Tensor) -> Tensor:
            at = chosen.to(boxed.device)
            return -(weight[at] * self._log_density(boxed[at], inputs[at])).mean()

        return train(
            list(self._network.parameters()), loss, len(target), lesson, rng, progress, store
        )

    def _log_density(self, boxed: Tensor, inputs: Tensor) -> Tensor:
        """log density of scores, `(n,)`."""
        start, log_slope = self._network.to_numbers(boxed, inputs)
        score = BOX * (2.0 * start - 1.0)
        constant = 0.5 * self._dimensions * math.log(2.0 * math.pi)
        return log_slope - 0.5 * score.square().sum(dim=1) - constant

    def draw(self, inputs: Tensor, rng: torch.Generator) -> Tensor:
        """One set of scores a row; see `Density.draw`."""
        size = (len(inputs), self._dimensions)
        normal = torch.randn(size, generator=rng, dtype=torch.float64, device="cpu")
        start = _boxed(normal).to(inputs.device)
        with torch.no_grad():
            parts = zip(
                torch.split(start, CHUNK),
                torch.split(inputs.to(torch.float32), CHUNK),
                strict=True,
            )
            drawn = torch.cat([self._network.to_points(*part)[0] for part in parts])
        return BOX * (2.0 * drawn - 1.0)

    def state(self) -> dict[str, Tensor]:
        """The networks' tensors."""
        return dict(self._network.state_dict())

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Takes back the networks."""
        self._network.load_state_dict(tensors)


def _boxed(scores: Tensor) -> Tensor:
    return (0.5 + 0.5 * scores / BOX).clamp(0.0, 1.0)
