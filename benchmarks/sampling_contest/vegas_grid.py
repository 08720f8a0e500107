"""Contenders from vegas (G. P. Lepage, 2009.05112): its integrator's map, and its plain grids.

Only the map makes points here: the stratification of its integrator gives a smaller error of the
integral, but neither independent points nor another efficiency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sampling_contest.contender import Drawn, prior_of

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.interfaces.integrand import Evaluation
    from sampling_contest.counting import Counted

ITERATIONS = 10


class Grids:
    """One grid for every channel."""

    def __init__(self, grids: list[Any], dimensions: int) -> None:
        """Takes trained `vegas.AdaptiveMap`s."""
        self._grids, self._d, self.strata = grids, dimensions, len(grids)

    def draw(self, n: int, stratum: int, seed: int) -> Drawn:
        """See `Trained.draw`."""
        y = np.random.default_rng(seed).random((n, self._d))
        x, jacobian = mapped(self._grids[stratum], y)
        return Drawn(
            torch.from_numpy(x), torch.full((n,), stratum), -torch.log(torch.from_numpy(jacobian))
        )

    def log_alpha(self, drawn: Drawn, evaluation: Evaluation, stratum: int) -> Tensor:
        """The prior."""
        return prior_of(evaluation, drawn)


def mapped(grid: Any, y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points and Jacobians of a grid."""
    x, jacobian = np.empty_like(y), np.empty(y.shape[0])
    grid.map(y, x, jacobian)
    return x, jacobian


def weighted(integrand: Counted, x: NDArray[np.float64], channel: int) -> NDArray[np.float64]:
    """α·f of points of a channel."""
    u = torch.from_numpy(np.ascontiguousarray(x))
    c = torch.full((u.shape[0],), channel)
    found = integrand.evaluate(u, c)
    value: NDArray[np.float64] = (found.value * found.log_prior[:, channel].exp()).numpy()
    return value


def train_integrator(integrand: Counted, evaluations: int, seed: int) -> Grids:
    """`vegas.Integrator` in ten iterations a channel, its own settings."""
    import vegas

    grids = []
    k = len(integrand.channels)
    random = np.random.default_rng([seed, 1])
    for c in range(k):

        @vegas.lbatchintegrand
        def batch(x: NDArray[np.float64], c: int = c) -> NDArray[np.float64]:
            return weighted(integrand, x, c)

        integrator = vegas.Integrator(
            [[0.0, 1.0]] * integrand.n_dim, ran_array_generator=random.random
        )
        integrator(batch, nitn=ITERATIONS, neval=evaluations // (ITERATIONS * k))
        grids.append(integrator.map)
    return Grids(grids, integrand.n_dim)


def train_grids(integrand: Counted, evaluations: int, seed: int, bins: int = 128) -> Grids:
    """`vegas.AdaptiveMap`s of 128 bins on independent points, ten iterations a channel."""
    import vegas

    random = np.random.default_rng([seed, 1])
    k = len(integrand.channels)
    grids = [vegas.AdaptiveMap([[0, 1]] * integrand.n_dim, ninc=bins) for _ in range(k)]
    each = evaluations // (ITERATIONS * k)
    for c, grid in enumerate(grids):
        for _ in range(ITERATIONS):
            y = random.random((each, integrand.n_dim))
            x, jacobian = mapped(grid, y)
            grid.add_training_data(y, (jacobian * weighted(integrand, x, c)) ** 2)
            grid.adapt(alpha=0.7)
    return Grids(grids, integrand.n_dim)
