"""Conditional density by flow matching: a network's velocity carries normal numbers to scores.

The network learns the mean velocity of straight lines from normal numbers to targets (2210.02747);
drawing follows it in fixed steps. Among the methods of 2404.18807 it is the one nearest to
diffusion models that needs few steps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.dense import Dense
from crosshook.plugins.unfold.posterior.training import train

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.training import TrainingStore
    from crosshook.core.learning.descent import Lesson
    from crosshook.core.progress import Progress

WAVES = 2
"""Time enters with so many sines and cosines."""
CHUNK = 8192
"""Rows at once when drawing."""
PREFIX = "velocity"


class VelocityDensity:
    """A velocity field from normal numbers at time 0 to scores at time 1, given conditions."""

    def __init__(
        self,
        dimensions: int,
        inputs: int,
        rng: torch.Generator | None,
        *,
        hidden: int,
        depth: int,
        steps: int,
        device: torch.device,
    ) -> None:
        """A field near zero.

        Args:
            dimensions: d, scores to draw.
            inputs: c, conditions.
            rng: of the first weights, on the CPU.
            hidden: neurons of a hidden layer.
            depth: hidden layers.
            steps: of the midpoint rule when drawing.
            device: where the network lives.
        """
        self._dimensions, self._steps = dimensions, steps
        sizes = (dimensions + inputs + 1 + 2 * WAVES, *[hidden] * depth, dimensions)
        self._network = Dense.random(sizes, rng, torch.float32, device)

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
        """Trains on random points of random lines; see `Density.learn`."""
        ends, inputs = target.to(torch.float32), inputs.to(torch.float32)
        weight = weight.to(torch.float32)

        def loss(chosen: Tensor) -> Tensor:
            at = chosen.to(ends.device)
            end = ends[at]
            start = torch.randn(end.shape, generator=rng, device="cpu").to(end.device)
            # Times spread evenly over the batch make the loss less noisy.
            first = float(torch.rand((), generator=rng, device="cpu"))
            even = torch.arange(len(end), dtype=end.dtype, device=end.device)
            time = ((even / len(end) + first) % 1.0)[:, None]
            velocity = self._velocity(torch.lerp(start, end, time), time, inputs[at])
            return (weight[at] * (velocity - (end - start)).square().mean(dim=1)).mean()

        return train(self._network.parameters(), loss, len(ends), lesson, rng, progress, store)

    def _velocity(self, place: Tensor, time: Tensor, inputs: Tensor) -> Tensor:
        phases = [math.pi * k * time for k in range(1, WAVES + 1)]
        waves = [f(phase) for phase in phases for f in (torch.sin, torch.cos)]
        return self._network(torch.cat([place, time, *waves, inputs], dim=1))

    def draw(self, inputs: Tensor, rng: torch.Generator) -> Tensor:
        """One set of scores a row; see `Density.draw`."""
        size = (len(inputs), self._dimensions)
        start = torch.randn(size, generator=rng, device="cpu").to(inputs.device)
        with torch.no_grad():
            parts = zip(
                torch.split(start, CHUNK),
                torch.split(inputs.to(torch.float32), CHUNK),
                strict=True,
            )
            return torch.cat([self._carried(*part) for part in parts]).to(torch.float64)

    def _carried(self, place: Tensor, inputs: Tensor) -> Tensor:
        """Where the velocity carries points from time 0 to 1, by the midpoint rule."""
        step = 1.0 / self._steps
        for number in range(self._steps):
            time = torch.full_like(place[:, :1], number * step)
            half = place + 0.5 * step * self._velocity(place, time, inputs)
            place = place + step * self._velocity(half, time + 0.5 * step, inputs)
        return place

    def state(self) -> dict[str, Tensor]:
        """The network's tensors."""
        return self._network.state(PREFIX)

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Takes back the network."""
        self._network = Dense.from_state(tensors, PREFIX)
