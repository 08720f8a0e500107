"""Transfer function `gaussian`: a parametric response, column by column: the classical baseline.

A column answers to one true column, which has its name unless an option says otherwise:

    energies and momenta (GeV)   mean linear in z and the other columns, σ² = a² + b² |z| + c² z²
    angles                       mean z and a linear shift, wrapped, log σ linear in the columns
    everything else              mean and log σ linear in the columns

Linear means in what networks see at degree 2: values, their squares, cosines and sines. Columns are
independent given the truth, and the acceptance is logistic in the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.plugins.transfer.learned import DenseTransfer, Density, Teaching
from crosshook.plugins.transfer.marginal import TURN
from crosshook.plugins.transfer.wrapped import draw_normal, log_normal, log_wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.plugins.transfer.columns import Columns
    from crosshook.plugins.transfer.learning import Loss

ENERGY = "GeV"
SMALLEST = 1e-6
"""Smallest width, in standard deviations of a column."""


@dataclass(frozen=True)
class Response:
    """How one column answers. g true columns, seen as s numbers.

    Attributes:
        kind: `energy`, `angle` or `other`.
        partner: the true column it answers to; -1 for none.
        mean: coefficients of what is seen, with a constant and the partner's, `(s + 2,)`.
        spread: coefficients of the width: a, b, c of an energy, `(3,)`; else of log σ, `(s + 1,)`.
        unit: of both sides: the column's standard deviation, 1 rad for an angle.
        origin: the column's mean, 0 for an angle.
    """

    kind: str
    partner: int
    mean: Tensor
    spread: Tensor
    unit: float
    origin: float

    def moments(self, truth: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and σ of rows, in the column's own unit, `(n,)`."""
        own = truth[:, self.partner] if self.partner >= 0 else torch.zeros_like(truth[:, 0])
        scaled = own if self.kind == "angle" else (own - self.origin) / self.unit
        shift = self.mean[0] + seen @ self.mean[2:]
        size = own.abs() / self.unit
        if self.kind == "angle" and self.partner >= 0:
            mean = scaled + shift
        else:
            mean = shift + (self.mean[1] * scaled if self.partner >= 0 else 0.0)
        if self.kind == "energy":
            a, b, c = self.spread.square()
            width = torch.sqrt(a + b * size + c * size.square() + SMALLEST**2)
        else:
            width = torch.exp(self.spread[0] + seen @ self.spread[1:]).clamp(min=SMALLEST)
        if self.kind == "angle":
            return mean, width.clamp(max=math.pi)
        return self.origin + self.unit * mean, self.unit * width


@dataclass(frozen=True)
class GaussianDensity(Density):
    """Independent responses of f columns."""

    responses: tuple[Response, ...]

    def parameters(self) -> Sequence[Tensor]:
        """Coefficients of all columns."""
        return [t for r in self.responses for t in (r.mean, r.spread)]

    def lesson(self, x: Tensor, truth: Tensor, seen: Tensor) -> Loss:
        """−log T; see `Density.lesson`."""

        def loss(rows: Tensor) -> Tensor:
            return -self.log_prob(x[rows], truth[rows], seen[rows])

        return loss

    def log_prob(self, x: Tensor, truth: Tensor, seen: Tensor) -> Tensor:
        """log T(x|z); see `Density.log_prob`."""
        total = torch.zeros_like(x[:, 0])
        for i, response in enumerate(self.responses):
            mean, width = response.moments(truth, seen.double())
            log_of = log_wrapped if response.kind == "angle" else log_normal
            total = total + log_of(x[:, i], mean, width.log())
        return total

    def sample(self, truth: Tensor, seen: Tensor, rng: torch.Generator) -> Tensor:
        """One draw a row; see `Density.sample`."""
        normal = draw_normal((len(truth), len(self.responses)), rng, truth.device)
        columns = []
        for i, response in enumerate(self.responses):
            mean, width = response.moments(truth, seen.double())
            x = mean + width * normal[:, i]
            if response.kind == "angle":
                x = torch.remainder(x + math.pi, TURN) - math.pi
            columns.append(x)
        return torch.stack(columns, dim=1)

    def state(self) -> dict[str, Tensor]:
        """Coefficients, units and origins."""
        found = {}
        for i, r in enumerate(self.responses):
            found[f"response.{i}.mean"], found[f"response.{i}.spread"] = r.mean, r.spread
            found[f"response.{i}.scale"] = r.mean.new_tensor([r.unit, r.origin])
        return found


class GaussianTransfer(DenseTransfer):
    """See the module."""

    name = "gaussian"

    def __init__(
        self,
        context: BuildContext,
        teaching: Teaching,
        periodic: Sequence[str] | None,
        response: Mapping[str, str],
    ) -> None:
        """A response that knows nothing yet; options as in schemas/v1/components/gaussian.json."""
        super().__init__(context, teaching, periodic, 2, (0, 0))
        self._response = dict(response)

    def _kind(self, reco: Columns, i: int, partner: int) -> str:
        if reco.periodic[i]:
            return "angle"
        return "energy" if reco.units[i] == ENERGY and partner >= 0 else "other"

    def _partner(self, reco: Columns, truth: Columns, i: int) -> int:
        wanted = self._response.get(reco.names[i], reco.names[i])
        if wanted in truth.names:
            return truth.names.index(wanted)
        if reco.names[i] in self._response:
            message = (
                f"gaussian: response: no true column {wanted!r}; there are "
                f"{', '.join(truth.names)}"
            )
            raise ConfigurationError(message)
        return -1

    def _start(
        self,
        reco: Columns,
        truth: Columns,
        x: Tensor,
        rows: Tensor,
        seen: Tensor,
        rng: torch.Generator,
    ) -> Density:
        unknown = [name for name in self._response if name not in reco.names]
        if unknown:
            message = (
                f"gaussian: response: no column {unknown[0]!r} in the reconstruction; there are "
                f"{', '.join(reco.names)}"
            )
            raise ConfigurationError(message)
        found = []
        for i in range(len(reco)):
            partner = self._partner(reco, truth, i)
            kind = self._kind(reco, i, partner)
            mean = x.new_zeros(seen.shape[1] + 2)
            unit = 1.0 if kind == "angle" else float(x[:, i].std())
            origin = 0.0 if kind == "angle" else float(x[:, i].mean())
            if not unit > 0:
                message = (
                    f"reco column {reco.names[i]!r}: all {len(x)} values are "
                    f"{float(x[0, i]):g}: leave it out"
                )
                raise InputError(message)
            if partner >= 0:
                mean[1] = 1.0
            if kind == "energy":
                spread = x.new_tensor([0.2, 0.2, 0.2])
            else:
                spread = x.new_zeros(seen.shape[1] + 1)
            found.append(Response(kind, partner, mean, spread, unit, origin))
        return GaussianDensity(tuple(found))

    def _restored(self, tensors: dict[str, Tensor], reco: Columns, truth: Columns) -> Density:
        found = []
        for i in range(len(reco)):
            partner = self._partner(reco, truth, i)
            unit, origin = tensors[f"response.{i}.scale"].tolist()
            mean, spread = tensors[f"response.{i}.mean"], tensors[f"response.{i}.spread"]
            found.append(
                Response(self._kind(reco, i, partner), partner, mean, spread, unit, origin)
            )
        return GaussianDensity(tuple(found))


def make(
    context: BuildContext,
    *,
    response: Mapping[str, str],
    periodic: Sequence[str] | None,
    epochs: float,
    batch: int,
    learning_rate: float,
    held_out: float,
    acceptance_epochs: float,
) -> GaussianTransfer:
    """The component's factory."""
    teaching = Teaching(epochs, batch, learning_rate, held_out, acceptance_epochs, "float64")
    return GaussianTransfer(context, teaching, periodic, response)
