"""Estimators as methods of `crosshook infer`: trained first, then asked for log-ratios of events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core import random
from crosshook.core.errors import ConfigurationError
from crosshook.core.inference.estimators.alices import train_alices
from crosshook.core.inference.estimators.joint import joint_events
from crosshook.core.inference.estimators.sally import train_score
from crosshook.core.inference.estimators.templates import Templates, column_of_events
from crosshook.core.inference.estimators.weighted_file import events_of_file
from crosshook.core.inference.fiducial import FiducialCrossSection
from crosshook.core.inference.likelihood import estimated
from crosshook.core.inference.model import reference_theta

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from crosshook.core.inference.config import InferenceConfig
    from crosshook.core.inference.estimators.joint import JointEvents
    from crosshook.core.inference.grid import ParameterGrid
    from crosshook.core.inference.likelihood import EventLikelihoods
    from crosshook.core.inference.prepared import PreparedProcess
    from crosshook.core.interfaces.features import Features
    from crosshook.core.progress import Progress


@dataclass(frozen=True)
class EstimatorMethod:
    """Log-ratios by an estimator.

    Attributes:
        grid: of the parameters.
        log_ratio: of events by each network, `(m, n, t)`.
        fiducial: σ_fid on the grid.
        deviations: of events by parts of the templates' simulation, `(n, r, t)`; None where there
            are no templates.
    """

    grid: ParameterGrid
    log_ratio: Callable[[Features], Tensor]
    fiducial: FiducialCrossSection
    deviations: Callable[[Features], Tensor] | None = None

    def likelihoods(self, reco: Features, stage: str, *, keep: bool) -> EventLikelihoods:
        """See `LikelihoodMethod.likelihoods`; what is kept is the error of templates."""
        found = estimated(self.grid, self.log_ratio(reco), self.fiducial)
        if not keep or self.deviations is None:
            return found
        return replace(found, deviations=self.deviations(reco).to(torch.float32))


def train_estimator(
    config: InferenceConfig,
    processes: tuple[PreparedProcess, ...],
    grid: ParameterGrid,
    progress: Progress,
) -> EstimatorMethod:
    """Simulates events and trains the estimator of the run file.

    Raises:
        ConfigurationError: if it cannot treat what the run file asks for.
    """
    settings, name = config.estimator, config.method
    (process, *more) = processes
    if more or isinstance(process.settings.rate, str):
        message = f"method: {name} knows one process of a fixed rate; use mem for several"
        raise ConfigurationError(message)
    if name == "sally" and len(grid.axes) != 1:
        message = f"method: sally has one parameter; {len(grid.axes)} are given, use alices or mem"
        raise ConfigurationError(message)
    if name == "histogram" and settings.observable is None:
        message = (
            "method: histogram needs estimator.observable, the name of a column of the events"
        )
        raise ConfigurationError(message)
    rng = random.torch_generator(config.seed, f"estimator/{name}")
    if settings.weights_from is not None:
        if name == "sally" or (name == "alices" and settings.score_weight > 0):
            message = (
                f"method: {name} learns from scores, which weights of a file do not give; "
                "use alices with estimator.score_weight 0, or histogram"
            )
            raise ConfigurationError(message)
        events = events_of_file(settings.weights_from, process, grid, rng, progress)
        return fit_estimator(config, process, grid, events, rng, progress)
    scores = name == "sally" or (name == "alices" and settings.score_weight > 0)
    events = joint_events(process, grid, settings.events, rng, progress, scores=scores)
    return fit_estimator(config, process, grid, events, rng, progress)


def fit_estimator(
    config: InferenceConfig,
    process: PreparedProcess,
    grid: ParameterGrid,
    events: JointEvents,
    rng: torch.Generator,
    progress: Progress,
) -> EstimatorMethod:
    """Trains the estimator of the run file on events that are there.

    Args:
        config: names the method, and how it learns.
        process: of the events.
        grid: of its parameters.
        events: simulated.
        rng: of starts and batches.
        progress: told how far it is.
    """
    settings, name = config.estimator, config.method
    if name == "alices":
        found = train_alices(events, grid, settings, rng, progress)
        return EstimatorMethod(grid, found.log_ratio, _fiducial(process))
    if name == "histogram":
        chosen = cast("str", settings.observable)
        return _templates(
            events, [lambda reco: column_of_events(reco, chosen)], settings.bins, grid, process
        )
    half = len(events) // 2  # templates are made of events the network has not seen
    networks = [
        train_score(
            events.select(slice(0, half)),
            _reference(process, grid),
            settings,
            rng,
            progress,
            f"train the score {number + 1}",
        )
        for number in range(settings.networks)
    ]
    return _templates(events.select(slice(half, None)), networks, settings.bins, grid, process)


def _templates(
    events: JointEvents,
    observables: Sequence[Callable[[Features], Tensor]],
    bins: int,
    grid: ParameterGrid,
    process: PreparedProcess,
) -> EstimatorMethod:
    made = [Templates.of(value(events.reco), events.log_ratio, bins) for value in observables]

    def log_ratio(reco: Features) -> Tensor:
        both = zip(made, observables, strict=True)
        return torch.stack([each.log_ratio(value(reco)) for each, value in both])

    def deviations(reco: Features) -> Tensor:
        return made[0].deviations_of(observables[0](reco))

    return EstimatorMethod(grid, log_ratio, _fiducial(process), deviations)


def _fiducial(process: PreparedProcess) -> FiducialCrossSection:
    """σ_fid with the fixed rate of the process."""
    rate = cast("float", process.settings.rate)
    return FiducialCrossSection(rate * process.fiducial.value, rate * process.fiducial.nets)


def _reference(process: PreparedProcess, grid: ParameterGrid) -> int:
    """The grid point of the scores: where the process itself stands."""
    values = dict(
        zip(
            (parameter.name for parameter in process.model.parameters),
            reference_theta(process.model).tolist(),
            strict=True,
        )
    )
    return grid.nearest(values)
