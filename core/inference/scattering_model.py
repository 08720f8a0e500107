"""A scattering process as a model: one channel of its phase space carries the unit cube.

What a detector is told are expressions in the final state's momenta, or all of these momenta.
Helicities are summed: a state that is sampled would be a coordinate without a density.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.inference.drawing import Drawer
from crosshook.core.inference.model import CrossSection, DensityTally, Parameter, TruthPoints
from crosshook.core.interfaces.features import Features
from crosshook.core.process.expression import Expression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import (
        MatrixElement,
        SquaredAmplitude,
        Subprocess,
    )
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.sampling.latents import Latents

MOMENTUM = ("e", "px", "py", "pz")
ANGLES = ("phi", "delta_phi")


class AtParameters:
    """Amplitudes with all their parameters set."""

    def __init__(self, element: MatrixElement, theta: Tensor) -> None:
        """Takes amplitudes and θ `(1, p)`."""
        self._element, self._theta = element, theta
        self.subprocesses: tuple[Subprocess, ...] = element.subprocesses
        self.masses, self.parameters = element.masses, element.parameters
        self.alpha_qed = element.alpha_qed

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """See `MatrixElement.squared`."""
        return self._element.squared(momenta, subprocess, alpha_s, self._theta, want)


class ScatteringModel:
    """What `ParametricModel` says, of a `ScatteringProcess`."""

    def __init__(
        self,
        process: ScatteringProcess,
        truth: Mapping[str, str],
        ranges: Mapping[str, tuple[float, float]],
        periods: Mapping[str, float],
        channel: int,
        seed: int,
    ) -> None:
        """Composes the model.

        Args:
            process: with amplitudes that have parameters.
            truth: names and expressions of what the detector is told; all momenta if empty.
            ranges: of parameters that have one.
            periods: of parameters that have one.
            channel: of the phase space, which carries the cube.
            seed: of the grid that points are drawn with.

        Raises:
            ConfigurationError: if the process cannot be such a model.
        """
        self.name = process.process.name
        element = process.matrix_element
        if not element.parameters:
            message = f"process: {self.name} has no parameters to infer"
            raise ConfigurationError(message)
        if process.helicities:
            message = f"process: {self.name} samples helicities; inference needs their sum"
            raise ConfigurationError(message)
        if not 0 <= channel < len(process.channels):
            message = f"channel: {channel}; {self.name} has {len(process.channels)}, from 0"
            raise ConfigurationError(message)
        self._process, self._channel = process, channel
        self.parameters = tuple(
            Parameter(n, float(v), *ranges.get(n, (-torch.inf, torch.inf)), periods.get(n))
            for n, v in element.parameters.items()
        )
        self.n_dim = process.n_dim
        self.differentiable = True
        pdg = process.final_pdg
        self._truth = {
            name: Expression.quantity(text, pdg, f"truth.{name}") for name, text in truth.items()
        }
        if truth:
            self.truth_names = tuple(truth)
            self.truth_units = tuple(
                "rad" if text.split("[")[0].strip() in ANGLES else "" for text in truth.values()
            )
        else:
            names = [f"{part}[{leg}]" for leg in range(len(pdg)) for part in MOMENTUM]
            self.truth_names, self.truth_units = tuple(names), ("GeV",) * len(names)
        self._drawer = Drawer(self, seed)
        self.tally = DensityTally()

    def points(self, u: Tensor) -> TruthPoints:
        """See `ParametricModel.points`."""
        n = u.shape[0]
        channel = torch.full((n,), self._channel, dtype=torch.int64, device=u.device)
        placed = self._process.place(u, channel)
        inside = torch.zeros(n, dtype=torch.bool, device=u.device)
        inside[placed.rows] = True
        bare = placed.points

        def spread(values: Tensor) -> Tensor:
            whole = values.new_zeros((n, *values.shape[1:]))
            return whole.index_copy(0, placed.rows, values)

        final = bare.momenta[:, self._process.phase_space.n_incoming :]
        own = {
            "momenta": spread(bare.momenta),
            "x1": spread(bare.x1),
            "x2": spread(bare.x2),
            "log_jacobian": spread(bare.log_jacobian),
        }
        return TruthPoints(u, self._features(spread(self._columns(final))), inside, own)

    def _columns(self, final: Tensor) -> Tensor:
        if not self._truth:
            return final.reshape(final.shape[0], 4 * final.shape[1])
        return torch.stack([value(final) for value in self._truth.values()], dim=1)

    def _features(self, columns: Tensor) -> Features:
        return Features(columns, self.truth_names, self.truth_units)

    def log_density(self, points: TruthPoints, theta: Tensor) -> Tensor:
        """See `ParametricModel.log_density`."""
        rows = torch.nonzero(points.inside)[:, 0]
        own = {name: column[rows] for name, column in points.own.items()}
        bare = self._process.bare_points(own["momenta"], own["x1"], own["x2"], own["log_jacobian"])
        columns = []
        for each in theta:
            element = AtParameters(self._process.matrix_element, each[None])
            value = self._process.with_amplitudes(bare, element).parts.sum(dim=1)
            self.tally.evaluated += len(value)
            self.tally.negative += int((value < 0).sum())
            columns.append(torch.log(value.clamp(min=0.0)) + own["log_jacobian"])
        whole = points.u.new_full((len(points), theta.shape[0]), -torch.inf)
        return whole.index_copy(0, rows, torch.stack(columns, dim=1))

    def draw(self, n: int, rng: torch.Generator, latents: Latents) -> tuple[TruthPoints, Tensor]:
        """See `ParametricModel.draw`."""
        return self._drawer.draw(n, rng, latents)

    def sample(self, n: int, theta: Tensor, rng: torch.Generator) -> tuple[TruthPoints, Tensor]:
        """See `ParametricModel.sample`."""
        return self._drawer.sample(n, theta, rng)

    def cross_section(self, theta: Tensor) -> CrossSection:
        """See `ParametricModel.cross_section`."""
        return self._drawer.cross_section(theta)
