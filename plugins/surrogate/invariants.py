"""Amplitude surrogate `invariants`: a network on log-invariants, of |M|² over an ansatz.

|M|²/α_s^k = ansatz · exp(network), with the poles in the ansatz and the symmetries in the choice of
labels; a second network on what the first one made of a point gives the error, learned and
recalibrated on points that the first one has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional

from crosshook.core.errors import ConfigurationError, InputError, NumericalError
from crosshook.core.interfaces.amplitude_surrogate import Prediction
from crosshook.core.interfaces.training import FitReport
from crosshook.core.surrogates.calibration import Recalibration, recalibration
from crosshook.plugins.surrogate.exported import ExportedSurrogate
from crosshook.plugins.surrogate.learned import Learned
from crosshook.plugins.surrogate.network import Dense
from crosshook.plugins.surrogate.point_form import Known, PointForm
from crosshook.plugins.surrogate.region import Region
from crosshook.plugins.surrogate.training import Lesson, in_blocks, train

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget
    from crosshook.core.surrogates.training_set import AmplitudeSource, AmplitudeTable
    from crosshook.plugins.surrogate.ansatz import Name

DTYPES = {"float32": torch.float32, "float64": torch.float64}
FEWEST = 20
"""Points with |M|² ≠ 0 below which there is nothing to learn from."""
CORNER = 0.02
"""Deviation of log|M|² beyond which the loss is linear: outliers must not lead."""
ERROR_WIDTH, ERROR_EPOCHS, ERROR_BATCH = 32, 40, 512
N_SAMPLES = 64
"""Points kept with the model, to try it on."""
BLOCK = 4096
"""Points at once: what they need stays near the processor."""


@dataclass(frozen=True)
class Settings:
    """Options; meaning and defaults are in schemas/v1/components/invariants.json."""

    ansatz: Name
    hidden: int
    depth: int
    epochs: float
    batch: int
    learning_rate: float
    boost: float
    calibration: float
    precision: str


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
        table, notes = _usable(source.draw(budget.evaluations))
        spent = source.evaluations - before
        table = table.select(torch.randperm(len(table), generator=context.rng, device="cpu"))
        points = table.to(self._device)
        form = self._form(table.pdg, table.qcd_order, table.n_incoming)
        known = _known(form, points)
        held = max(1, round(self._settings.calibration * len(table)))
        learned, losses = self._train(form, known, points, held, context)
        self.learned = self._calibrated(learned, known, points, held, context)
        return FitReport(spent, losses=tuple(losses), notes=notes)

    def _form(
        self, pdg: tuple[tuple[int, ...], ...], qcd_order: tuple[int, ...], n_incoming: int
    ) -> PointForm:
        if self._legs and len(pdg[0]) != self._legs:
            message = f"invariants: {len(pdg[0])} legs in the training, {self._legs} expected"
            raise InputError(message)
        dtype = DTYPES[self._settings.precision]
        return PointForm(pdg, qcd_order, n_incoming, self._settings.ansatz, dtype, self._device)

    def _train(
        self,
        form: PointForm,
        known: Known,
        points: AmplitudeTable,
        held: int,
        context: BuildContext,
    ) -> tuple[Learned, list[float]]:
        """Everything but the error, from all rows but the first `held`."""
        chosen = self._settings
        rng = cast("torch.Generator", context.rng)
        inputs = known.inputs[held:]
        target = (points.log_reduced() - known.log_ansatz)[held:]
        process = points.process[held:]
        numbers = range(len(points.pdg))
        offset = torch.stack([_median(target[process == p]) for p in numbers])
        spread = (target - offset[process]).std().clamp(min=1e-6)
        centre, width = inputs.mean(dim=0), inputs.std(dim=0)
        # A column that does not vary, up to rounding, is none.
        width = torch.where(width > 1e-5 * (1 + centre.abs()), width, torch.ones_like(width))
        dtype = inputs.dtype
        sizes = (inputs.shape[1], *[chosen.hidden] * chosen.depth)
        network = Dense.random((*sizes, 1), rng, dtype, self._device)
        error = Dense.random((sizes[-1], ERROR_WIDTH, 1), rng, dtype, self._device)
        scaled = (inputs - centre) / width
        corner = float(CORNER / spread)
        losses = train(
            network,
            scaled,
            ((target - offset[process]) / spread).to(dtype),
            partial(functional.huber_loss, delta=corner),
            Lesson(chosen.epochs, chosen.batch, chosen.learning_rate, chosen.boost, "learning"),
            rng,
            context.progress,
        )
        nothing = torch.zeros(1, dtype=torch.float64, device=self._device)
        learned = Learned(
            form,
            points.pdg,
            points.qcd_order,
            points.n_incoming,
            centre,
            width,
            offset,
            spread,
            torch.stack([_majority(points.amplitude[points.process == p]) for p in numbers]),
            network,
            error,
            nothing[0],
            Recalibration(nothing, nothing),
            Region.of(scaled),
            points.momenta[:N_SAMPLES].clone(),
            points.process[:N_SAMPLES].clone(),
            points.alpha_s[:N_SAMPLES].clone(),
        )
        return learned, losses

    def _calibrated(
        self,
        learned: Learned,
        known: Known,
        points: AmplitudeTable,
        held: int,
        context: BuildContext,
    ) -> Learned:
        """The same with its error: learned from one half of the first `held` rows, recalibrated
        on the other.
        """
        scaled = learned.scaled(Known(known.inputs[:held], known.log_ansatz[:held]))
        hidden = in_blocks(learned.amplitude.hidden, scaled)
        log_abs = in_blocks(lambda x: learned.amplitude.output(x)[:, 0], hidden).double()
        log_abs = log_abs * learned.spread + learned.offset[points.process[:held]]
        residual = log_abs - (points.log_reduced() - known.log_ansatz)[:held]
        half = (held + 1) // 2
        base = residual[:half].abs().mean().clamp(min=1e-9).log()
        train(
            learned.error,
            hidden[:half],
            (residual[:half].abs() / base.exp()).to(hidden.dtype),
            _laplace,
            Lesson(ERROR_EPOCHS, ERROR_BATCH, self._settings.learning_rate, 0.0, "errors"),
            cast("torch.Generator", context.rng),
            context.progress,
        )
        learned = replace(learned, base=base)
        rest = slice(half, held) if held > 1 else slice(0, held)
        log_std = in_blocks(learned.log_std, hidden[rest])
        return replace(learned, recalibration=recalibration(residual[rest], log_std))

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


def _usable(table: AmplitudeTable) -> tuple[AmplitudeTable, tuple[str, ...]]:
    """Rows that have a logarithm, and what is to be said of the others."""
    if not bool(torch.isfinite(table.amplitude).all()):
        message = "invariants: an |M|² of the training set is no finite number"
        raise NumericalError(message)
    fine = table.amplitude != 0
    notes = []
    if not bool(fine.all()):
        notes.append(f"{int((~fine).sum())} points with |M|² = 0 were left out")
    kept = table.select(torch.nonzero(fine)[:, 0])
    if len(kept) < FEWEST:
        message = f"invariants: {len(kept)} points with |M|² ≠ 0, at least {FEWEST} are needed"
        raise InputError(message)
    negative = int((kept.amplitude < 0).sum())
    if 0 < negative < len(kept):
        notes.append(
            f"{negative} of {len(kept)} |M|² are negative: the surrogate knows their size, and of "
            "signs only that of the majority of a subprocess"
        )
    return kept, tuple(notes)


def _known(form: PointForm, points: AmplitudeTable) -> Known:
    with torch.no_grad():
        parts = [
            form(momenta, process)
            for momenta, process in zip(
                torch.split(points.momenta, BLOCK), torch.split(points.process, BLOCK), strict=True
            )
        ]
    return Known(torch.cat([p.inputs for p in parts]), torch.cat([p.log_ansatz for p in parts]))


def _laplace(log_std: Tensor, size: Tensor) -> Tensor:
    """-log likelihood of deviations of these sizes, distributed as exp(-|x|/σ)/σ."""
    return (log_std + size * torch.exp(-log_std)).mean()


def _median(values: Tensor) -> Tensor:
    """The median; 0 of nothing: a subprocess without points."""
    return values.median() if len(values) else values.new_zeros(())


def _majority(values: Tensor) -> Tensor:
    """The sign most values have."""
    return torch.where(values.sign().sum() < 0, -1.0, 1.0).to(values.dtype)


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
