"""Event reweighter `matrix-element`: |M|² of a process at other parameters over |M|² at its own.

The factor of an event is |M(p; θ')|²/|M(p; θ)|² for its momenta and flavours, which is exact for
parameters that enter the matrix element alone: couplings, masses and widths of intermediate
particles. Parameters that move external masses would move the momenta; they are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import numpy as np
import torch

from crosshook.core.component import Slot
from crosshook.core.errors import ConfigurationError
from crosshook.core.events.batch import momentum_block
from crosshook.core.events.run_info import WeightInfo
from crosshook.core.process.matched_events import matched_events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.context import BuildContext
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.matrix_element import MatrixElement
    from crosshook.core.interfaces.process import Process

ALPHA_S: Final = 0.118
"""For files that do not give the coupling; it cancels in the ratio of one power of it."""


class MatrixElementReweighter:
    """Ratios of squared matrix elements of one process."""

    def __init__(
        self, name: str, nominal: MatrixElement, others: Mapping[str, MatrixElement]
    ) -> None:
        """Takes the matrix element the events were made with, and others by the weight's id.

        Raises:
            ConfigurationError: if another one has other legs or external masses.
        """
        for weight, other in others.items():
            legs = [sub.pdg for sub in other.subprocesses]
            if legs != [sub.pdg for sub in nominal.subprocesses]:
                message = f"alternatives.{weight}: has other subprocesses than {name}"
                raise ConfigurationError(message)
            if other.masses != nominal.masses:
                message = (
                    f"alternatives.{weight}: external masses {other.masses} GeV instead of "
                    f"{nominal.masses}; momenta of events are on their mass shells and stay there"
                )
                raise ConfigurationError(message)
        self._name = name
        self._nominal = nominal
        self._others = dict(others)

    def declare(self, info: RunInfo) -> tuple[WeightInfo, ...]:
        """One weight for each set of parameters."""
        return tuple(WeightInfo(name, text=self._difference(name)) for name in self._others)

    def _difference(self, name: str) -> str:
        other, own = self._others[name].parameters, self._nominal.parameters
        changed = (f"{k} = {v}" for k, v in other.items() if v != own[k])
        return f"{self._name}, {', '.join(changed)}"

    def factors(self, batch: EventBatch) -> FloatArray:
        """Ratios of |M|², `(n, v)`."""
        factors = np.ones((len(batch), len(self._others)))
        momenta = torch.from_numpy(momentum_block(batch.particle_columns))
        coupling = np.asarray(batch.event["alpha_qcd"], np.float64)
        alpha_s = torch.from_numpy(np.where(coupling > 0, coupling, ALPHA_S))
        for rows, legs, subprocess in matched_events(
            batch, self._nominal.subprocesses, self._name
        ):
            p = momenta[torch.from_numpy(legs)]
            a = alpha_s[torch.from_numpy(rows)]
            own = self._nominal.squared(p, subprocess, a).value
            for column, other in enumerate(self._others.values()):
                ratio = other.squared(p, subprocess, a).value / own
                factors[rows, column] = ratio.detach().cpu().numpy()
        return factors


def make(
    context: BuildContext,
    *,
    process: str | Mapping[str, object],
    alternatives: Mapping[str, Mapping[str, object]],
) -> MatrixElementReweighter:
    """Builds the reweighter; see schemas/v1/components/matrix-element.json for the options."""
    slot = Slot.parse(process)

    def amplitudes(changed: Mapping[str, object]) -> MatrixElement:
        options = {**slot.options, **changed}
        built = context.build("process", {"use": slot.use, "options": options})
        return cast("Process", built).matrix_element()

    others = {name: amplitudes(changed) for name, changed in alternatives.items()}
    return MatrixElementReweighter(slot.use, amplitudes({}), others)
