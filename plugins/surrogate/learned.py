"""What a training leaves: the networks of |M|² and of its error, with what goes with them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from crosshook.core.learning.dense import Dense
from crosshook.core.surrogates.calibration import Recalibration
from crosshook.plugins.surrogate.region import Region

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.plugins.surrogate.point_form import Known, PointForm

NARROWEST, WIDEST = -20.0, 5.0
"""Limits of log σ."""
SAMPLES = ("samples", "sample_process", "sample_alpha_s")


@dataclass(frozen=True)
class Learned:
    """A trained surrogate of |M|²/α_s^k of some subprocesses. f inputs, p subprocesses.

    Attributes:
        form: turns momenta into inputs.
        pdg: of the legs of each subprocess.
        qcd_order: power k of α_s of each.
        n_incoming: 1 or 2.
        centre: of the inputs in the training, `(f,)`.
        width: standard deviations of the inputs, 1 where there is none, `(f,)`.
        offset: median of log|M|²/ansatz of each subprocess, `(p,)` float64.
        spread: scale of the network's output, `()` float64.
        sign: of |M|² of each subprocess, `(p,)` float64.
        amplitude: network of (log|M|²/ansatz - offset)/spread.
        error: network of log σ on the last hidden layer of the other.
        base: added to its output, `()` float64.
        recalibration: correction of log σ.
        region: where the training's points are.
        samples: momenta of some of them, `(j, m, 4)` in GeV.
        sample_process: their subprocesses, `(j,)` int64.
        sample_alpha_s: their couplings, `(j,)`.
    """

    form: PointForm
    pdg: tuple[tuple[int, ...], ...]
    qcd_order: tuple[int, ...]
    n_incoming: int
    centre: Tensor
    width: Tensor
    offset: Tensor
    spread: Tensor
    sign: Tensor
    amplitude: Dense
    error: Dense
    base: Tensor
    recalibration: Recalibration
    region: Region
    samples: Tensor
    sample_process: Tensor
    sample_alpha_s: Tensor

    def predict(
        self, momenta: Tensor, process: Tensor, alpha_s: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """log| |M|² |, its sign and log σ, `(n,)` each."""
        known = self.form(momenta, process)
        hidden = self.amplitude.hidden(self.scaled(known))
        output = self.amplitude.output(hidden)[:, 0].to(alpha_s.dtype)
        power = alpha_s.new_tensor(self.qcd_order)
        if len(self.pdg) == 1:
            offset, sign = self.offset.expand_as(alpha_s), self.sign.expand_as(alpha_s)
        else:
            offset, sign, power = self.offset[process], self.sign[process], power[process]
        log_abs = known.log_ansatz + offset + self.spread * output + power * alpha_s.log()
        return log_abs, sign, self.recalibration(self.log_std(hidden))

    def scaled(self, known: Known) -> Tensor:
        """Inputs in units of their spread in the training, `(n, f)`."""
        return (known.inputs - self.centre) / self.width

    def log_std(self, hidden: Tensor) -> Tensor:
        """log σ before recalibration, `(n,)`."""
        return (self.base + self.error(hidden)[:, 0].to(self.base.dtype)).clamp(NARROWEST, WIDEST)

    def distance(self, momenta: Tensor, process: Tensor) -> Tensor:
        """How far points are from the training, `(n,)`; see `Region.distance`."""
        return self.region.distance(self.scaled(self.form(momenta, process)))

    def state(self) -> dict[str, Tensor]:
        """All tensors by name."""
        names = ("centre", "width", "offset", "spread", "sign", "base", *SAMPLES)
        found: dict[str, Tensor] = {name: getattr(self, name) for name in names}
        found |= {f"region.{name}": tensor for name, tensor in vars(self.region).items()}
        found["knots"], found["shift"] = self.recalibration.knots, self.recalibration.shift
        return found | self.amplitude.state("amplitude") | self.error.state("error")

    @classmethod
    def from_state(
        cls,
        tensors: dict[str, Tensor],
        form: PointForm,
        pdg: tuple[tuple[int, ...], ...],
        qcd_order: tuple[int, ...],
        n_incoming: int,
    ) -> Learned:
        """Takes back what `state` gave."""
        return cls(
            form,
            pdg,
            qcd_order,
            n_incoming,
            tensors["centre"],
            tensors["width"],
            tensors["offset"],
            tensors["spread"],
            tensors["sign"],
            Dense.from_state(tensors, "amplitude"),
            Dense.from_state(tensors, "error"),
            tensors["base"],
            Recalibration(tensors["knots"], tensors["shift"]),
            Region(*(tensors[f"region.{f.name}"] for f in fields(Region))),
            *(tensors[name] for name in SAMPLES),
        )
