"""A function of the unit cube with parameters as a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.inference.drawing import Drawer
from crosshook.core.inference.model import CrossSection, DensityTally, TruthPoints
from crosshook.core.interfaces.features import Features

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.process.cube import CubeFunction
    from crosshook.core.sampling.latents import Latents


class CubeModel:
    """What `ParametricModel` says, of a `CubeFunction`."""

    def __init__(self, function: CubeFunction, seed: int) -> None:
        """Takes the function.

        Args:
            function: with parameters.
            seed: of the grid that points are drawn with.

        Raises:
            ConfigurationError: if it has no parameters.
        """
        if not function.parameters:
            message = f"process: {function.name} has no parameters to infer"
            raise ConfigurationError(message)
        self._function = function
        self.name, self.parameters = function.name, function.parameters
        self.n_dim = function.n_dim
        truth = function.truth
        self.truth_names = truth.names if truth else tuple(f"u{i}" for i in range(function.n_dim))
        self.truth_units = truth.units if truth else ("",) * function.n_dim
        self.differentiable = function.backend == "torch"
        self.tally = DensityTally()  # a negative value is an error here
        self._drawer = Drawer(self, seed)

    def points(self, u: Tensor) -> TruthPoints:
        """See `ParametricModel.points`."""
        columns = self._function.truth_features(u)
        inside = torch.ones_like(u[:, 0], dtype=torch.bool)
        return TruthPoints(u, Features(columns, self.truth_names, self.truth_units), inside)

    def log_density(self, points: TruthPoints, theta: Tensor) -> Tensor:
        """See `ParametricModel.log_density`.

        Raises:
            NumericalError: if a value is negative or no number: it is no density.
        """
        value, _ = self._function.density(points.u, theta)
        if not bool((value >= 0).all()):
            row, column = (int(i) for i in torch.nonzero(~(value >= 0))[0])
            message = (
                f"{self.name}: dσ/du = {float(value[row, column]):g} at "
                f"u = {points.u[row].tolist()}, θ = {theta[column].tolist()}; "
                "a density is not negative"
            )
            raise NumericalError(message)
        return torch.log(value)

    def draw(self, n: int, rng: torch.Generator, latents: Latents) -> tuple[TruthPoints, Tensor]:
        """See `ParametricModel.draw`."""
        return self._drawer.draw(n, rng, latents)

    def sample(self, n: int, theta: Tensor, rng: torch.Generator) -> tuple[TruthPoints, Tensor]:
        """See `ParametricModel.sample`."""
        return self._drawer.sample(n, theta, rng)

    def cross_section(self, theta: Tensor) -> CrossSection:
        """See `ParametricModel.cross_section`."""
        return self._drawer.cross_section(theta)
