"""Amplitude surrogate `invariants`: a network on log-invariants, of |M|² over an ansatz.

|M|²/α_s^k = ansatz · exp(network), with the poles in the ansatz and the symmetries in the choice of
labels; a second network on what the first one made of a point gives the error, learned and
recalibrated on points that the first one has not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.amplitude_surrogate import Prediction
from crosshook.core.interfaces.training import FitReport
from crosshook.plugins.surrogate.c_source import c_source
from crosshook.plugins.surrogate.exported import ExportedSurrogate
from crosshook.plugins.surrogate.fitting import (
    BLOCK,
    Settings,
    calibrated,
    known_points,
    learn,
    usable,
)
from crosshook.plugins.surrogate.learned import Learned
from crosshook.plugins.surrogate.point_form import PointForm

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget
    from crosshook.core.surrogates.c_library import CSource
    from crosshook.core.surrogates.training_set import AmplitudeSource
    from crosshook.plugins.surrogate.ansatz import Name

DTYPES = {"float32": torch.float32, "float64": torch.float64}


class InvariantsSurrogate:
    """See the module; before a training it predicts 1 for every |M|², within a factor e."""

    def __init__(self, context: BuildContext, settings: Settings) -> None:
        """A surrogate that knows nothing yet.

        Args:
            context: for the number of legs and the device.
            settings: how it is built and trained.
        """
        self._settings = settings
        self._device = context.torch_device
        self._legs = context.legs
        self.learned: Learned | None = None

    @torch.no_grad()
    def predict(
        self, momenta: Tensor, process: Tensor, alpha_s: Tensor, condition: Tensor | None = None
    ) -> Prediction:
        """|M|² of points; see `AmplitudeSurrogate.predict`.

        Raises:
            InputError: if the points have another number of legs than the training.
        """
        self._check_legs(momenta)
        if self.learned is None:
            nothing = torch.zeros_like(alpha_s)
            return Prediction(nothing, torch.ones_like(alpha_s), nothing.clone())
        columns = (momenta, process, alpha_s)
        parts = [
            self.learned.predict(*rows)
            for rows in zip(*(torch.split(column, BLOCK) for column in columns), strict=True)
        ]
        log_abs, sign, log_std = (torch.cat(column) for column in zip(*parts, strict=True))
        return Prediction(log_abs, sign, log_std)

    @torch.no_grad()
    def distance(self, momenta: Tensor, process: Tensor) -> Tensor:
        """How far points are from those of the training; see `Extrapolating.distance`."""
        self._check_legs(momenta)
        if self.learned is None:
            return momenta.new_full((len(momenta),), torch.inf)
        return self.learned.distance(momenta, process)

    def exportable(self) -> ExportedSurrogate:
        """As one torch module; see `Exportable`.

        Raises:
            ConfigurationError: if it is not trained.
        """
        return ExportedSurrogate(self._trained())

    def c_source(self) -> CSource:
        """As a C library behind UMAMI; see `WrittenInC`.

        Raises:
            ConfigurationError: if it is not trained.
        """
        return c_source(self._trained())

    def samples(self) -> tuple[Tensor, Tensor, Tensor]:
        """Some points of the training: momenta, process and α_s; see `Exportable`."""
        learned = self._trained()
        return learned.samples, learned.sample_process, learned.sample_alpha_s

    def _trained(self) -> Learned:
        if self.learned is None:
            message = "invariants: there is nothing to export before a training"
            raise ConfigurationError(message)
        return self.learned

    def _check_legs(self, momenta: Tensor) -> None:
        legs = self._legs if self.learned is None else len(self.learned.pdg[0])
        if legs and momenta.shape[1] != legs:
            message = (
                f"invariants: momenta of {momenta.shape[1]} legs, the surrogate is for {legs}"
            )
            raise InputError(message)

    def fit(self, source: AmplitudeSource, budget: Budget, context: BuildContext) -> FitReport:
        """Trains in place; see `TrainableSurrogate.fit`.

        Raises:
            InputError: if there are too few points.
            NumericalError: if an |M|² is no number.
            ConfigurationError: if there is no random generator, or the ansatz does not fit.
        """
        if context.rng is None:
            message = "invariants: a training needs a random generator in its context"
            raise ConfigurationError(message)
        before = source.evaluations
        table, notes = usable(source.draw(budget.evaluations))
        spent = source.evaluations - before
        table = table.select(torch.randperm(len(table), generator=context.rng, device="cpu"))
        points = table.to(self._device)
        form = self._form(table.pdg, table.qcd_order, table.n_incoming)
        known = known_points(form, points)
        held = max(1, round(self._settings.calibration * len(table)))
        learned, losses = learn(form, known, points, held, self._settings, context)
        self.learned = calibrated(learned, known, points, held, self._settings, context)
        return FitReport(spent, losses=tuple(losses), notes=notes)

    def _form(
        self, pdg: tuple[tuple[int, ...], ...], qcd_order: tuple[int, ...], n_incoming: int
    ) -> PointForm:
        if self._legs and len(pdg[0]) != self._legs:
            message = f"invariants: {len(pdg[0])} legs in the training, {self._legs} expected"
            raise InputError(message)
        dtype = DTYPES[self._settings.precision]
        return PointForm(pdg, qcd_order, n_incoming, self._settings.ansatz, dtype, self._device)

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The networks with what goes with them, and the subprocesses they are for."""
        if self.learned is None:
            return {}, {}
        values: dict[str, object] = {
            "pdg": [list(legs) for legs in self.learned.pdg],
            "qcd_order": list(self.learned.qcd_order),
            "n_incoming": self.learned.n_incoming,
        }
        return self.learned.state(), values

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back what `state` gave."""
        if not values:
            self.learned = None
            return
        pdg = tuple(tuple(legs) for legs in cast("list[list[int]]", values["pdg"]))
        qcd_order = tuple(cast("list[int]", values["qcd_order"]))
        n_incoming = cast("int", values["n_incoming"])
        form = self._form(pdg, qcd_order, n_incoming)
        self.learned = Learned.from_state(tensors, form, pdg, qcd_order, n_incoming)


def make(
    context: BuildContext,
    *,
    ansatz: Name,
    hidden: int,
    depth: int,
    epochs: float,
    batch: int,
    learning_rate: float,
    boost: float,
    calibration: float,
    precision: str,
) -> InvariantsSurrogate:
    """The component's factory."""
    settings = Settings(
        ansatz, hidden, depth, epochs, batch, learning_rate, boost, calibration, precision
    )
    return InvariantsSurrogate(context, settings)
