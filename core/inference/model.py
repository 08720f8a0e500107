"""A model with parameters: dσ/du(θ) over the unit cube, and what the detector is told of each point.

This is all that inference needs to know of a process. The measure is that of the cube, so that a
closed form and a scattering process with its phase space are the same to everyone else: the truth
features are functions of u, as many as the transfer function wants, and need not be coordinates.
p parameters, t parameter points, n events, d dimensions, f features.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.interfaces.features import Features
    from crosshook.core.sampling.latents import Latents


@dataclass(frozen=True)
class Parameter:
    """One parameter of a model.

    Attributes:
        name: as run files have it.
        reference: its value where nothing else is said.
        low: smallest allowed value.
        high: largest allowed value.
        period: values that differ by this are the same; None if there is no such thing.
    """

    name: str
    reference: float
    low: float = -math.inf
    high: float = math.inf
    period: float | None = None


@dataclass(frozen=True)
class TruthPoints:
    """Points of a model.

    Attributes:
        u: in the unit cube, `(n, d)` float64.
        features: what the transfer function is told, n rows.
        inside: False where the model has no such event, e.g. outside of cuts, `(n,)` bool; the
            features of such rows are finite, but mean nothing.
        own: what the model needs to evaluate its density, e.g. momenta; one row a point.
    """

    u: Tensor
    features: Features
    inside: Tensor
    own: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.u.shape[0])


@dataclass(frozen=True)
class CrossSection:
    """σ(θ) at t parameter points.

    Attributes:
        value: in pb, `(t,)`.
        error: standard error in pb, `(t,)`; errors of different θ may be correlated.
    """

    value: Tensor
    error: Tensor


@dataclass
class DensityTally:
    """How often a density was asked for.

    Attributes:
        evaluated: values so far.
        negative: those that were negative, which parton densities can be, and were taken to be 0.
    """

    evaluated: int = 0
    negative: int = 0

    @property
    def share(self) -> float:
        """Of negative values."""
        return self.negative / max(self.evaluated, 1)


class ParametricModel(Protocol):
    """A process whose density depends on parameters.

    Attributes:
        name: for people.
        parameters: in the order of the columns of θ.
        n_dim: dimensions d of the unit cube.
        truth_names: names of the truth features.
        truth_units: their units; `rad` for angles.
        differentiable: `log_density` carries gradients to θ.
        tally: of the values of dσ so far.
    """

    name: str
    parameters: tuple[Parameter, ...]
    n_dim: int
    truth_names: tuple[str, ...]
    truth_units: tuple[str, ...]
    differentiable: bool
    tally: DensityTally

    def points(self, u: Tensor) -> TruthPoints:
        """The points at u `(n, d)` in [0, 1]."""
        ...

    def log_density(self, points: TruthPoints, theta: Tensor) -> Tensor:
        """log dσ/du in pb for every point and parameter point.

        Args:
            points: of this model.
            theta: `(t, p)`.

        Returns:
            `(n, t)`; -inf where the density is 0.
        """
        ...

    def draw(self, n: int, rng: torch.Generator, latents: Latents) -> tuple[TruthPoints, Tensor]:
        """Draws points for integrals over all of the model, at any θ.

        Args:
            n: how many.
            rng: seeds them.
            latents: `random`, or `sobol` for one scrambled net.

        Returns:
            n points, and the log of the density in u they were drawn with, `(n,)`.
        """
        ...

    def sample(self, n: int, theta: Tensor, rng: torch.Generator) -> tuple[TruthPoints, Tensor]:
        """Draws points at one θ `(p,)`.

        Returns:
            n points, and their weights in pb, whose mean is σ(θ), `(n,)`; 0 outside of cuts.
        """
        ...

    def cross_section(self, theta: Tensor) -> CrossSection:
        """σ at parameter points `(t, p)`, before any detector."""
        ...


def reference_theta(model: ParametricModel) -> Tensor:
    """The values of the parameters where nothing else is said, `(p,)` float64."""
    values = [parameter.reference for parameter in model.parameters]
    return torch.tensor(values, dtype=torch.float64, device="cpu")


def check_theta(model: ParametricModel, theta: Tensor, where: str) -> None:
    """Refuses parameter points that the model does not have.

    Args:
        model: whose parameters they are.
        theta: `(t, p)`.
        where: path in the run file, for messages.

    Raises:
        ConfigurationError: if a value is outside of its parameter's range or no number.
    """
    if theta.shape[1] != len(model.parameters):
        names = ", ".join(p.name for p in model.parameters)
        message = f"{where}: {theta.shape[1]} values; {model.name} has the parameters {names}"
        raise ConfigurationError(message)
    for column, parameter in zip(theta.T, model.parameters, strict=True):
        wrong = ~((column >= parameter.low) & (column <= parameter.high))
        if bool(wrong.any()):
            value = float(column[wrong][0])
            message = (
                f"{where}: {parameter.name} = {value:g} is outside of {model.name}, "
                f"which has it from {parameter.low:g} to {parameter.high:g}"
            )
            raise ConfigurationError(message)


def theta_of(model: ParametricModel, values: Mapping[str, float], where: str) -> Tensor:
    """One parameter point from values by name; others have their reference, `(p,)`.

    Raises:
        ConfigurationError: if the model has no such parameter, or not with this value.
    """
    theta = reference_theta(model)
    for name, value in values.items():
        theta[column_of(model.parameters, name, f"{where}.{name}", model.name)] = value
    check_theta(model, theta[None], where)
    return theta


def column_of(parameters: Sequence[Parameter], name: str, where: str, model: str) -> int:
    """Position of a parameter by its name.

    Raises:
        ConfigurationError: if there is none of this name.
    """
    names = [parameter.name for parameter in parameters]
    if name not in names:
        has = f"has {', '.join(names)}" if names else "has no parameters"
        message = f"{where}: {model} has no parameter {name!r}; it {has}"
        raise ConfigurationError(message)
    return names.index(name)
