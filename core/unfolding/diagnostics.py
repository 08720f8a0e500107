"""Diagnoses an unfolding: spectra with errors, when to stop, stress tests, and when to distrust."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.unfolding.anova import components
from crosshook.core.unfolding.covariance import REPLICAS, standard_errors, uncertainty
from crosshook.core.unfolding.diagnostics_result import (
    DetectorClosure,
    Diagnostics,
    LevelSpectra,
    ShiftTest,
    VarianceSplit,
)
from crosshook.core.unfolding.distrust import warnings
from crosshook.core.unfolding.folding import (
    at_detector,
    folded,
    net,
    observed,
    refers_to,
    response,
)
from crosshook.core.unfolding.harm import harm_test
from crosshook.core.unfolding.inputs import Inputs
from crosshook.core.unfolding.replica_plan import ReplicaPlan, crossing
from crosshook.core.unfolding.replicas import parts_folder, run_parts
from crosshook.core.unfolding.shift import AS_UNFOLDED, judge, pseudo_data, tilted
from crosshook.core.unfolding.spectra import (
    Binning,
    column,
    equal_share_binnings,
    mean_and_deviation,
    spectrum,
)
from crosshook.core.unfolding.stopping import stopping, truth_noise
from crosshook.core.unfolding.weight_health import weight_health

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.execute import Executor
    from crosshook.core.interfaces.unfolder import Measured, Simulation, Unfolded
    from crosshook.core.progress import Progress
    from crosshook.core.unfolding.covariance import Uncertainty
    from crosshook.core.unfolding.replicas import Part
    from crosshook.core.unfolding.specification import Builder

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DiagnosticPlan:
    """What is tested beyond what costs nothing.

    Attributes:
        shifts: stress tests, a fit each: `as unfolded`, or names of observables to tilt.
        harm: observables that should stay where simulation and data agree; all if None.
    """

    shifts: tuple[str, ...] = (AS_UNFOLDED,)
    harm: tuple[str, ...] | None = None

    def check(self, inputs: Inputs) -> None:
        """Refuses names that are not observables of both levels, before anything is fitted.

        Raises:
            ConfigurationError: for such a name.
        """
        simulation = inputs.simulation
        known = [n for n in simulation.truth.names if n in simulation.reco.names]
        for key, names in (("shifts", self.shifts), ("harm", self.harm or ())):
            for name in names:
                if name not in known and not (key == "shifts" and name == AS_UNFOLDED):
                    allowed = ", ".join(known) or "none"
                    message = (
                        f"diagnostics.{key}: no observable {name!r} at both levels: {allowed}"
                    )
                    raise ConfigurationError(message)


def diagnose(
    build: Builder | Slot | str | Mapping[str, object],
    simulation: Simulation,
    measured: Measured,
    background: Measured | None,
    unfolded: Unfolded,
    plan: DiagnosticPlan,
    seed: int,
    progress: Progress | None = None,
    *,
    binnings: Sequence[Binning] | None = None,
    parts: Sequence[Part] = (),
    executor: Executor | None = None,
    folder: Path | None = None,
) -> Diagnostics:
    """Everything that can be said about a result.

    Args:
        build: the unfolder's slot, or what builds it; for the stress tests.
        simulation: what it was fitted to.
        measured: likewise.
        background: likewise.
        unfolded: the result with the families of its replicas.
        plan: what is tested.
        seed: of the run.
        progress: told how far the stress tests are.
        binnings: of observables that are columns at both levels; bins of equal shares of the
            truth if None.
        parts: files of the replicas, whose iterations tell the noise of each iteration.
        executor: runs the stress tests.
        folder: where their files stay; nowhere if None.

    Returns:
        Figures and warnings; no warning means that nothing was found.
    """
    inputs = Inputs(simulation, measured, background)
    plan.check(inputs)
    bins = tuple(binnings) if binnings is not None else default_binnings(inputs)
    reference = simulation.weight[simulation.has_truth]
    rows = reference if refers_to(unfolded, simulation) else None
    nominal = unfolded.families["nominal"].weights
    known = {b.name: _uncertainty(unfolded, b) for b in bins}
    data = unfolded.families.get("bootstrap_data")
    resampled = None if data is None else data.weights
    iterated = [p.iterations().to(nominal) for p in parts if p.kind == "bootstrap_data"]
    tests: tuple[ShiftTest, ...] = ()
    if bins and rows is not None:
        with parts_folder(folder) as place:
            tests = tuple(
                _shift(build, inputs, unfolded, name, bins, seed, executor, progress, place)
                for name in plan.shifts
            )
    result = Diagnostics(
        unfolded_sum=float(nominal.sum()),
        spectra=tuple(_spectra(inputs, unfolded, b, known[b.name], rows) for b in bins),
        stopping=stopping(inputs, unfolded, bins, iterated, rows),
        shifts=tests,
        harms=tuple(
            harm_test(inputs, unfolded, b, resampled)
            for b in bins
            if plan.harm is None or b.name in plan.harm
        ),
        weights=weight_health(nominal[:, 0], rows),
        closure=_closure(inputs, nominal, rows),
        splits=tuple(split for b in bins for split in _splits(unfolded, b.name)),
        fits={name: len(family.labels) for name, family in unfolded.families.items()},
        notes=tuple(unfolded.notes),
        warnings=(),
    )
    return warned(result)


def warned(result: Diagnostics) -> Diagnostics:
    """The diagnostics with the reasons for distrust that follow from their figures."""
    return replace(result, warnings=warnings(result))


def default_binnings(inputs: Inputs) -> tuple[Binning, ...]:
    """Bins of equal shares of the truth, for columns that are there at both levels."""
    simulation = inputs.simulation
    truth = simulation.truth.select(simulation.has_truth)
    return tuple(b for b in equal_share_binnings(truth) if b.name in simulation.reco.names)


def _uncertainty(unfolded: Unfolded, binning: Binning) -> Uncertainty:
    values = column(unfolded.truth, binning.name)
    return uncertainty(unfolded.families, lambda w: spectrum(values, w, binning))


def _spectra(
    inputs: Inputs,
    unfolded: Unfolded,
    binning: Binning,
    known: Uncertainty,
    rows: Tensor | None,
) -> LevelSpectra:
    simulation = inputs.simulation
    true = column(simulation.truth, binning.name)[simulation.has_truth]
    weight = simulation.weight[simulation.has_truth]
    nominal = unfolded.families["nominal"].weights
    prior = spectrum(true, weight, binning) * float(nominal.sum() / weight.sum())
    seen = observed(inputs, binning)
    plain = folded(simulation, weight[:, None], binning)
    total = net(inputs)[0] / float(simulation.weight[simulation.has_reco].sum())
    closed = None if rows is None else folded(simulation, nominal, binning)
    told = known.data is not None or known.simulation is not None
    errors = standard_errors(known.total if told else None, known.values)
    correlation: tuple[tuple[float, ...], ...] = ()
    if told:
        scale = np.where(errors > 0, errors, 1.0)
        matrix = known.total / np.outer(scale, scale)
        correlation = tuple(_floats(row) for row in matrix)
    return LevelSpectra(
        name=binning.name,
        unit=binning.unit,
        edges=binning.edges,
        prior=_floats(prior),
        unfolded=_floats(known.values),
        statistical=_floats(standard_errors(known.statistical if told else None, known.values)),
        network=_floats(standard_errors(known.network, known.values)),
        total=_floats(errors),
        correlation=correlation,
        measured=_floats(seen.values[0]),
        measured_error=_floats(np.sqrt(seen.variances[0])),
        folded=() if closed is None else _floats(closed.values[0]),
        folded_error=() if closed is None else _floats(np.sqrt(closed.variances[0])),
        simulated=_floats(plain.values[0] * total),
        response=tuple(_floats(row) for row in response(simulation, binning, binning)),
    )


def _splits(unfolded: Unfolded, name: str) -> Iterator[VarianceSplit]:
    values = column(unfolded.truth, name)
    for key, family in unfolded.families.items():
        if key not in REPLICAS or family.kind == "ensemble":
            continue
        resamples, seeds = crossing(family.labels, key)
        means = mean_and_deviation(values, family.weights)[:, :1]
        found = components(means.reshape(resamples, seeds, 1))
        yield VarianceSplit(
            name,
            key,
            resamples,
            seeds,
            float(found.statistical[0, 0]),
            float(found.statistical_error[0]),
            float(found.seed[0, 0]),
            float(found.interaction[0, 0]),
            float(found.network_error[0]),
        )


def _shift(
    build: Builder | Slot | str | Mapping[str, object],
    inputs: Inputs,
    unfolded: Unfolded,
    name: str,
    bins: Sequence[Binning],
    seed: int,
    executor: Executor | None,
    progress: Progress | None,
    folder: Path,
) -> ShiftTest:
    nominal = unfolded.families["nominal"].weights[:, 0]
    put_in = tilted(inputs.simulation, name) if name != AS_UNFOLDED else nominal
    # A truth below zero is none; where the generator's own weights are negative, they stay.
    given = inputs.simulation.weight[inputs.simulation.has_truth] >= 0
    put_in = torch.where(given, put_in.clamp(min=0.0), put_in)
    shifted, truth = pseudo_data(inputs, put_in)
    (part,) = run_parts(build, shifted, ReplicaPlan(), seed, executor, progress, folder=folder)
    data = unfolded.families.get("bootstrap_data")
    noises, errors = [], []
    for binning in bins:
        values = column(unfolded.truth, binning.name)
        resampled = None if data is None else spectrum(values, data.weights, binning)
        noises.append(truth_noise(inputs, spectrum(values, nominal, binning), resampled).mean)
        errors.append(_error_of_mean(inputs, unfolded, values))
    return judge(name, inputs, truth, part.nominal().to(truth), bins, noises, errors)


def _error_of_mean(inputs: Inputs, unfolded: Unfolded, values: Tensor) -> float:
    found = uncertainty(unfolded.families, lambda w: mean_and_deviation(values, w))
    if found.data is not None:
        return float(standard_errors(found.data, found.values)[0])
    weight = inputs.measured.weight
    effective = float(weight.sum()) ** 2 / float(weight.square().sum())
    return float(found.values[1]) / math.sqrt(effective)


def _closure(inputs: Inputs, nominal: Tensor, rows: Tensor | None) -> DetectorClosure:
    total, error = net(inputs)
    if rows is None:
        return DetectorClosure(total, error, math.nan, math.nan)
    found = float(at_detector(inputs.simulation, nominal).sum())
    return DetectorClosure(total, error, found, found / total - 1)


def _floats(values: Floats) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
