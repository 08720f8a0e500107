"""The grid of parameter points that a likelihood is known on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.inference.model import check_theta, reference_theta

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.inference.model import ParametricModel

LARGEST = 100_000
"""Points of a grid at most."""


@dataclass(frozen=True)
class Axis:
    """Values of one parameter.

    Attributes:
        name: of the parameter, or of the rate of a process.
        values: increasing and evenly spaced, `(m,)`.
        period: values that differ by this are the same; None if there is no such thing. The end of
            a whole period is not among the values.
        nuisance: the parameter is profiled, and not asked for.
        constraint: mean and standard deviation of an independent measurement, or None.
    """

    name: str
    values: Tensor
    period: float | None = None
    nuisance: bool = False
    constraint: tuple[float, float] | None = None

    @property
    def step(self) -> float:
        """Distance of neighbouring values."""
        return float(self.values[1] - self.values[0])

    @property
    def closed(self) -> bool:
        """Whether the values go once around the period."""
        return self.period is not None and math.isclose(
            self.step * len(self.values), self.period, rel_tol=1e-9
        )


def make_axis(
    name: str,
    low: float,
    high: float,
    points: int,
    period: float | None,
    *,
    nuisance: bool,
    constraint: tuple[float, float] | None,
    where: str,
) -> Axis:
    """Evenly spaced values; a whole period loses its end, which is its beginning.

    Raises:
        ConfigurationError: if the range is empty or longer than the period.
    """
    if not low < high:
        message = f"{where}: the range [{low:g}, {high:g}] is empty"
        raise ConfigurationError(message)
    whole = period is not None and math.isclose(high - low, period, rel_tol=1e-6)
    if period is not None and high - low > period and not whole:
        message = f"{where}: the range [{low:g}, {high:g}] is longer than the period {period:g}"
        raise ConfigurationError(message)
    steps = torch.arange(points, dtype=torch.float64, device="cpu")
    step = (period if whole and period is not None else high - low) / (points - (not whole))
    return Axis(name, low + step * steps, period, nuisance, constraint)


@dataclass(frozen=True)
class ParameterGrid:
    """Every combination of the values of the axes; the last axis runs fastest.

    Attributes:
        axes: one a parameter.
    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        if len(self) > LARGEST:
            message = f"parameters: a grid of {len(self)} points; at most {LARGEST} are allowed"
            raise ConfigurationError(message)

    def __len__(self) -> int:
        return math.prod(self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    @cached_property
    def points(self) -> Tensor:
        """All combinations, `(t, a)`."""
        return torch.cartesian_prod(*(axis.values for axis in self.axes)).reshape(len(self), -1)

    @cached_property
    def log_constraints(self) -> Tensor:
        """Σ −½((θ − mean)/sd)² of the constrained axes, `(t,)`."""
        total = torch.zeros(len(self), dtype=torch.float64, device="cpu")
        for axis, column in zip(self.axes, self.points.T, strict=True):
            if axis.constraint is not None:
                mean, deviation = axis.constraint
                total = total - 0.5 * ((column - mean) / deviation) ** 2
        return total

    def of(self, names: Sequence[str]) -> tuple[ParameterGrid, Tensor]:
        """The grid of some of the axes, and which of its points each point of this grid has."""
        chosen = tuple(axis for axis in self.axes if axis.name in names)
        index = torch.zeros(self.shape, dtype=torch.int64, device="cpu")
        for position, axis in enumerate(self.axes):
            if axis.name in names:
                steps = torch.arange(len(axis.values), device="cpu")
                view = [1] * len(self.axes)
                view[position] = len(steps)
                index = index * len(steps) + steps.reshape(view)
        return ParameterGrid(chosen), index.reshape(-1)

    def nearest(self, values: Mapping[str, float]) -> int:
        """The point closest to given values of all axes, in steps."""
        distance = torch.zeros(len(self), dtype=torch.float64, device="cpu")
        for axis, column in zip(self.axes, self.points.T, strict=True):
            away = column - values[axis.name]
            if axis.period is not None:
                away = torch.remainder(away + axis.period / 2, axis.period) - axis.period / 2
            distance = distance + (away / axis.step) ** 2
        return int(distance.argmin())


def model_points(
    model: ParametricModel, grid: ParameterGrid, fixed: Mapping[str, float]
) -> Tensor:
    """θ of a model at the points of a grid of some of its parameters, `(t, p)`.

    Args:
        model: whose parameters.
        grid: axes that are parameters of the model.
        fixed: values of others; those left have their reference.

    Raises:
        ConfigurationError: if a value is outside of the model.
    """
    theta = (
        reference_theta(model).repeat(len(grid), 1) if grid.axes else reference_theta(model)[None]
    )
    names = [parameter.name for parameter in model.parameters]
    for name, value in fixed.items():
        if name in names:
            theta[:, names.index(name)] = value
    for column, axis in enumerate(grid.axes):
        theta[:, names.index(axis.name)] = grid.points[:, column]
    check_theta(model, theta, "parameters")
    return theta
