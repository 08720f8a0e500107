"""How `invariants` learns: |M|² over the ansatz from most points, its error from the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional

from crosshook.core.errors import InputError, NumericalError
from crosshook.core.learning.dense import Dense
from crosshook.core.surrogates.calibration import Recalibration, recalibration
from crosshook.plugins.surrogate.learned import Learned
from crosshook.plugins.surrogate.point_form import Known, PointForm
from crosshook.plugins.surrogate.region import Region
from crosshook.plugins.surrogate.training import in_blocks, train, usual_lesson

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.surrogates.training_set import AmplitudeTable
    from crosshook.plugins.surrogate.ansatz import Name

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


def usable(table: AmplitudeTable) -> tuple[AmplitudeTable, tuple[str, ...]]:
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


def known_points(form: PointForm, points: AmplitudeTable) -> Known:
    """What a form makes of all points, some at a time."""
    with torch.no_grad():
        parts = [
            form(momenta, process)
            for momenta, process in zip(
                torch.split(points.momenta, BLOCK), torch.split(points.process, BLOCK), strict=True
            )
        ]
    return Known(torch.cat([p.inputs for p in parts]), torch.cat([p.log_ansatz for p in parts]))


def learn(
    form: PointForm,
    known: Known,
    points: AmplitudeTable,
    held: int,
    settings: Settings,
    context: BuildContext,
) -> tuple[Learned, list[float]]:
    """Learns everything but the error, from all rows but the first `held`.

    Args:
        form: of the points.
        known: what it makes of them.
        points: in random order.
        held: rows kept for the error.
        settings: of the component.
        context: with a random generator.

    Returns:
        What was learned, and the loss by stretches of steps.
    """
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
    sizes = (inputs.shape[1], *[settings.hidden] * settings.depth)
    network = Dense.random((*sizes, 1), rng, dtype, points.momenta.device)
    error = Dense.random((sizes[-1], ERROR_WIDTH, 1), rng, dtype, points.momenta.device)
    scaled = (inputs - centre) / width
    corner = float(CORNER / spread)
    losses = train(
        network,
        scaled,
        ((target - offset[process]) / spread).to(dtype),
        partial(functional.huber_loss, delta=corner),
        usual_lesson(settings.epochs, settings.batch, settings.learning_rate, "learning"),
        rng,
        context.progress,
        boost=settings.boost,
        store=context.store,
    )
    nothing = torch.zeros(1, dtype=torch.float64, device=points.momenta.device)
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


def calibrated(
    learned: Learned,
    known: Known,
    points: AmplitudeTable,
    held: int,
    settings: Settings,
    context: BuildContext,
) -> Learned:
    """The same with its error: learned from one half of the first `held` rows, recalibrated on the
    other.
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
        usual_lesson(ERROR_EPOCHS, ERROR_BATCH, settings.learning_rate, "errors"),
        cast("torch.Generator", context.rng),
        context.progress,
    )
    learned = replace(learned, base=base)
    rest = slice(half, held) if held > 1 else slice(0, held)
    log_std = in_blocks(learned.log_std, hidden[rest])
    return replace(learned, recalibration=recalibration(residual[rest], log_std))


def _laplace(log_std: Tensor, size: Tensor) -> Tensor:
    """-log likelihood of deviations of these sizes, distributed as exp(-|x|/σ)/σ."""
    return (log_std + size * torch.exp(-log_std)).mean()


def _median(values: Tensor) -> Tensor:
    """The median; 0 of nothing: a subprocess without points."""
    return values.median() if len(values) else values.new_zeros(())


def _majority(values: Tensor) -> Tensor:
    """The sign most values have."""
    return torch.where(values.sign().sum() < 0, -1.0, 1.0).to(values.dtype)
