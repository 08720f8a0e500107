"""Drawing points of a model: a VEGAS grid of its density at the reference, used at any θ by weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.inference.model import CrossSection, TruthPoints, reference_theta
from crosshook.core.integral import integrate

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.inference.model import ParametricModel
    from crosshook.core.sampling.trained import TrainedSampler

TRAINING = 60_000
"""Evaluations that place the grid."""
POINTS = 100_000
"""Points of a cross section."""
CHUNK = 16_384
SEED_MAX = 2**31


class Drawer:
    """Draws points of a model and weighs them."""

    def __init__(self, model: ParametricModel, seed: int) -> None:
        """Trains nothing yet: the first draw does.

        Args:
            model: what is drawn from.
            seed: of the grid, and of the points of cross sections.
        """
        self._model, self._seed = model, seed
        self._trained: TrainedSampler | None = None

    def draw(self, n: int, theta: Tensor, rng: torch.Generator) -> tuple[TruthPoints, Tensor]:
        """See `ParametricModel.sample`."""
        seed = int(torch.randint(SEED_MAX, (1,), generator=rng, device="cpu"))
        return self._draw(n, theta, seed)

    def cross_section(self, theta: Tensor) -> CrossSection:
        """See `ParametricModel.cross_section`; all θ share their points."""
        total = theta.new_zeros((2, theta.shape[0]))
        for i in range(-(-POINTS // CHUNK)):
            points, log_q = self._points(CHUNK, self._seed + i + 1)
            value = torch.exp(self._model.log_density(points, theta) - log_q[:, None])
            total = total + torch.stack((value.sum(dim=0), value.square().sum(dim=0)))
        count = CHUNK * -(-POINTS // CHUNK)
        mean = total[0] / count
        variance = (total[1] / count - mean.square()).clamp(min=0.0) / (count - 1)
        return CrossSection(mean, variance.sqrt())

    def _draw(self, n: int, theta: Tensor, seed: int) -> tuple[TruthPoints, Tensor]:
        points, log_q = self._points(n, seed)
        return points, torch.exp(self._model.log_density(points, theta[None])[:, 0] - log_q)

    def _points(self, n: int, seed: int) -> tuple[TruthPoints, Tensor]:
        drawn = self._sampler().sample(n, seed)
        return self._model.points(drawn.u), drawn.log_prob

    def _sampler(self) -> TrainedSampler:
        if self._trained is None:
            theta = reference_theta(self._model)[None]

            def density(u: Tensor) -> Tensor:
                return torch.exp(self._model.log_density(self._model.points(u), theta)[:, 0])

            found = integrate(
                density,
                dimensions=self._model.n_dim,
                evaluations=TRAINING,
                points=CHUNK,
                seed=self._seed,
            )
            self._trained = found.sampler
        return self._trained
