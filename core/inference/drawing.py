"""Drawing points of a model: a VEGAS grid of its density at the reference, used at any θ by weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core import random
from crosshook.core.inference.model import CrossSection, TruthPoints, reference_theta
from crosshook.core.inference.spanning import holding, spanning
from crosshook.core.integral import integrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.inference.model import ParametricModel
    from crosshook.core.sampling.latents import Latents
    from crosshook.core.sampling.trained import TrainedSampler

TRAINING = 60_000
"""Evaluations that place the grid."""
NET = 16_384
"""Points of a net."""
NETS = 8
"""Independent nets of an integral, whose spread is its error."""
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

    def draw(self, n: int, rng: torch.Generator, latents: Latents) -> tuple[TruthPoints, Tensor]:
        """See `ParametricModel.draw`."""
        seed = int(torch.randint(SEED_MAX, (1,), generator=rng, device="cpu"))
        drawn = self._sampler().sample(n, seed, latents)
        return self._model.points(drawn.u), drawn.log_prob

    def sample(self, n: int, theta: Tensor, rng: torch.Generator) -> tuple[TruthPoints, Tensor]:
        """See `ParametricModel.sample`."""
        points, log_q = self.draw(n, rng, "random")
        return points, torch.exp(self._model.log_density(points, theta[None])[:, 0] - log_q)

    def cross_section(self, theta: Tensor) -> CrossSection:
        """See `ParametricModel.cross_section`; all θ share their points."""
        rng = random.torch_generator(self._seed, "cross section")
        means = net_means(self._model, theta, rng, lambda points: torch.zeros(len(points)))
        return CrossSection(means.mean(dim=0), means.std(dim=0) / NETS**0.5)

    def _sampler(self) -> TrainedSampler:
        if self._trained is None:
            theta = reference_theta(self._model)[None]

            def density(u: Tensor) -> Tensor:
                return torch.exp(self._model.log_density(self._model.points(u), theta)[:, 0])

            found = integrate(
                density,
                dimensions=self._model.n_dim,
                evaluations=TRAINING,
                points=NET,
                seed=self._seed,
            )
            self._trained = found.sampler
        return self._trained


@torch.no_grad()
def net_means(
    model: ParametricModel,
    theta: Tensor,
    rng: torch.Generator,
    log_factor: Callable[[TruthPoints], Tensor],
    nets: int = NETS,
) -> Tensor:
    """∫ du dσ/du(θ) exp(log_factor), by independent nets of points that all θ share.

    Args:
        model: whose density.
        theta: parameter points, `(t, p)`.
        rng: seeds the nets.
        log_factor: log of what dσ is multiplied with at points, `(n,)`.
        nets: how many.

    Returns:
        The estimate of each net in pb, `(nets, t)`.
    """
    rows, span = [], spanning(model, theta)
    for _ in range(nets):
        points, log_q = model.draw(NET, rng, "sobol")
        shift = log_factor(points) - log_q
        held = holding(span, model, points, theta)
        values = torch.exp(model.log_density(points, held.nodes) + shift[:, None])
        rows.append(held.spread(values.mean(dim=0)))
    return torch.stack(rows)
