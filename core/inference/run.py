"""`crosshook infer`: parameters from reconstructed events, as a run file says."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core import random
from crosshook.core.execute import one_thread, opened
from crosshook.core.inference.cache import Cache
from crosshook.core.inference.directory import InferenceDirectory
from crosshook.core.inference.estimators.method import train_estimator
from crosshook.core.inference.event_table import read_events
from crosshook.core.inference.integral_tasks import Workers
from crosshook.core.inference.integrals import IntegralSettings, integrate_events
from crosshook.core.inference.interval_notes import interval_notes
from crosshook.core.inference.likelihood import log_likelihood
from crosshook.core.inference.method import MatrixElementMethod, simulate_data
from crosshook.core.inference.prepared import build_model, check_axes, parameter_grid, prepare
from crosshook.core.inference.proposal import EventProposal
from crosshook.core.inference.pseudo_experiments import drawn_rows, pseudo_experiments
from crosshook.core.inference.result import FORMAT, InferenceReport, JudgedDetector, ToyResult
from crosshook.core.inference.run_file import load_inference_file
from crosshook.core.inference.summary import (
    cross_section_results,
    integrals_result,
    parameter_result,
    toy_result,
    true_values,
)
from crosshook.core.progress import Silent
from crosshook.core.provenance import versions
from crosshook.core.results import as_json
from crosshook.core.transfer.evaluation import evaluation_notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.execute import Executor
    from crosshook.core.inference.config import InferenceConfig
    from crosshook.core.inference.likelihood import EventLikelihoods, LogLikelihood
    from crosshook.core.inference.method import LikelihoodMethod
    from crosshook.core.inference.model import ParametricModel
    from crosshook.core.inference.prepared import PreparedProcess
    from crosshook.core.interfaces.features import Features
    from crosshook.core.progress import Progress

COMPARED = 20
"""Events whose integrals are also tried with uniform points."""
LOW_SHARE = 0.1
"""Effective share of an event's points below which its integral is said to be poor."""
OVERWEIGHT = 1e-3
"""Share of overweight events above which a simulation is pointed at."""
LARGE_PART = 0.5
"""Share of a pool in one pseudo-experiment above which that is said."""
LARGE_ERROR = 0.3
"""Error of −2 Δlog L inside of the first interval above which more points are asked for."""


def infer(
    path: Path | str,
    *,
    settings: Sequence[str] = (),
    output: Path | str | None = None,
    seed: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
) -> InferenceReport:
    """Infers parameters and writes likelihoods and report.

    Args:
        path: of the run file; see schemas/v1/infer.json.
        settings: `key=value` pairs that replace keys of the file.
        output: the directory, instead of the file's.
        seed: instead of the file's.
        overwrite: replace an inference that is there already.
        progress: told how far it is.
        workers: processes that integrate, instead of the file's.
        executor: integrates, and is left open; that of the file if None.

    Raises:
        CrosshookError: whatever a user can cause, in one line.
    """
    config = load_inference_file(
        Path(path),
        settings=settings,
        output=None if output is None else Path(output),
        seed=seed,
        workers=workers,
    )
    return infer_from(config, overwrite=overwrite, progress=progress, executor=executor)


def infer_from(
    config: InferenceConfig,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> InferenceReport:
    """Infers as a run file says that is read already; see `infer`."""
    directory = InferenceDirectory(config.directory)
    directory.check_free(overwrite)
    shown = progress if progress is not None else Silent()
    alone = executor is None and (config.executor.use == "serial" or config.method != "mem")
    with ExitStack() as stack:
        stack.enter_context(one_thread())
        workers = None
        if not alone:
            made = opened(executor, config.executor, config.registry, config.cache.absolute())
            workers = Workers(stack.enter_context(made), config)
        report, events = _Run(config, shown, workers).report()
    directory.write_run_file(config.document)
    directory.write_likelihoods(events)
    directory.write_json(directory.report, as_json(report))
    if config.html:
        from crosshook.core.report.inference import write_inference_html

        write_inference_html(report, directory.page)
    return report


def negative_densities(models: Mapping[str, ParametricModel]) -> list[str]:
    """A note for each model that had any."""
    return [
        f"{model.name}: {model.tally.share:.2g} of the values of dσ were negative, as parton "
        "densities can be; they count as 0"
        for model in models.values()
        if model.tally.negative
    ]


@dataclass
class _Run:
    """One inference on its way.

    Attributes:
        config: what to do.
        progress: told how far it is.
        workers: who integrates, if not this process.
        overweight: largest share of overweight events in a simulation so far.
    """

    config: InferenceConfig
    progress: Progress
    workers: Workers | None
    overweight: float = 0.0

    def report(self) -> tuple[InferenceReport, EventLikelihoods]:
        config = self.config
        start, began = time.perf_counter(), time.process_time()
        models = {process.name: build_model(process, config) for process in config.processes}
        check_axes(models, config)
        grid = parameter_grid(models, config)
        cache = Cache(config.cache)
        processes = tuple(
            prepare(process, grid, config, cache, self.progress) for process in config.processes
        )
        settings = IntegralSettings(
            config.points,
            config.replicas,
            config.sequence,
            config.seed,
            config.threads,
        )
        integrated = config.method == "mem"
        method: LikelihoodMethod = (
            MatrixElementMethod(processes, grid, settings, cache, self.progress, self.workers)
            if integrated
            else train_estimator(config, processes, grid, self.progress)
        )
        reco = self._events(processes)
        before, known = time.process_time(), cache.found
        events = method.likelihoods(reco, "integrate events", keep=True)
        milliseconds = 1e3 * (time.process_time() - before) / len(reco)
        if cache.found > known or self.workers is not None:
            milliseconds = math.nan
        found = log_likelihood(events, config.luminosity)
        toys = self._toys(method, processes, found, len(reco))
        truth = config.simulate_at if config.simulate is not None else {}
        parameters = tuple(
            parameter_result(
                found,
                axis.name,
                config.levels,
                truth.get(axis.name),
                [toy for toy in toys if toy.parameter == axis.name],
            )
            for axis in grid.axes
        )
        integrals = None
        if integrated:
            uniform = self._uniform(processes, reco)
            integrals = integrals_result(
                events,
                reco,
                found.best,
                settings.points // settings.replicas * settings.replicas,
                milliseconds,
                uniform,
            )
        judged = tuple(
            JudgedDetector(
                process.settings.name, detector.name, detector.judgement, detector.own_events
            )
            for process in processes
            for detector in process.detectors
            if detector.judgement is not None
        )
        report = InferenceReport(
            format=FORMAT,
            title=" + ".join(process.model.name for process in processes),
            method=config.method,
            data=self._source(),
            events=len(reco),
            detectors={
                process.name: ", ".join(transfer.slot.use for transfer in process.transfers)
                for process in config.processes
            },
            judged=judged,
            ensemble=len(events.log_p),
            levels=config.levels,
            parameters=parameters,
            integrals=integrals,
            cross_sections=cross_section_results(processes, found),
            toys=toys,
            notes=(
                *self._notes(events, found),
                *interval_notes(parameters, toys, config.levels),
                *(
                    f"{part.name} of {part.process}: {note}"
                    for part in judged
                    for note in evaluation_notes(part.judgement)
                ),
                *negative_densities(models),
            ),
            seconds=time.perf_counter() - start,
            processor_seconds=time.process_time() - began,
            seed=config.seed,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=versions(),
            configuration=dict(config.document),
        )
        return report, events

    def _events(self, processes: tuple[PreparedProcess, ...]) -> Features:
        config = self.config
        if config.simulate is not None:
            rng = random.torch_generator(config.seed, "data")
            return self._simulated(processes, config.simulate_at, config.simulate, rng)
        first = processes[0]
        rng = random.torch_generator(config.seed, "columns")
        points = first.model.points(torch.full((1, first.model.n_dim), 0.5, dtype=torch.float64))
        like = first.transfers[0].sample(points.features, 1, rng)
        return read_events(config.files, like)

    def _simulated(
        self,
        processes: tuple[PreparedProcess, ...],
        values: Mapping[str, float],
        n: int,
        rng: torch.Generator,
    ) -> Features:
        reco, overweight = simulate_data(processes, values, self.config.fixed, n, rng)
        self.overweight = max(self.overweight, overweight)
        return reco

    def _source(self) -> str:
        config = self.config
        if config.simulate is None:
            return ", ".join(str(path) for path in config.files)
        at = ", ".join(f"{name} = {value:g}" for name, value in config.simulate_at.items())
        return f"simulated{' at ' if at else ''}{at}"

    def _uniform(self, processes: tuple[PreparedProcess, ...], reco: Features) -> float:
        """Mean effective share of uniform points for some events of the first process."""
        first, config = processes[0], self.config
        settings = IntegralSettings(
            max(config.points, 1024), config.replicas, "random", config.seed
        )
        found = integrate_events(
            first.model,
            first.transfers[:1],
            EventProposal(None, None),
            reco.select(slice(0, COMPARED)),
            first.theta,
            settings,
            Silent(),
            keep=False,
            stage="uniform points",
        )
        return float(found.effective.mean())

    def _toys(
        self,
        method: LikelihoodMethod,
        processes: tuple[PreparedProcess, ...],
        found: LogLikelihood,
        n: int,
    ) -> tuple[ToyResult, ...]:
        config = self.config
        if config.toys is None:
            return ()
        results = []
        for axis in found.grid.axes:
            if axis.nuisance:
                continue
            count = len(axis.values)
            tried = min(config.toys.values, count)
            places = [round(i * count / tried) for i in range(tried)]
            if not axis.closed:
                places = [round(i * (count - 1) / max(tried - 1, 1)) for i in range(tried)]
            for place in places:
                values = true_values(found, {axis.name: float(axis.values[place])})
                stage = f"toys/{axis.name}/{place}"
                rng = random.torch_generator(config.seed, stage)
                reco = self._simulated(processes, values, config.toys.pool, rng)
                pool = method.likelihoods(reco, stage, keep=False)
                toys = pseudo_experiments(
                    pool,
                    axis.name,
                    place,
                    self._rows(pool, found.grid.nearest(values), n, rng),
                    rng,
                    luminosity=config.luminosity,
                    constrained_at=list(values.values()),
                )
                results.append(toy_result(toys, config.levels))
        return tuple(results)

    def _rows(
        self, pool: EventLikelihoods, truth: int, n: int, rng: torch.Generator
    ) -> torch.Tensor | list[torch.Tensor]:
        """Which events of the pool each data set has; as many as Poisson says if numbers count."""
        toys = self.config.toys
        assert toys is not None
        if self.config.luminosity is None:
            return drawn_rows(len(pool), n, toys.experiments, rng)
        assert pool.cross_section is not None
        mean = self.config.luminosity * float(pool.cross_section[:, truth].mean())
        rates = torch.full((toys.experiments,), mean, dtype=torch.float64, device="cpu")
        counts = cast("list[float]", torch.poisson(rates, generator=rng).tolist())
        whole = drawn_rows(len(pool), int(max(counts)) + 1, toys.experiments, rng)
        return [rows[: int(count)] for rows, count in zip(whole, counts, strict=True)]

    def _notes(self, events: EventLikelihoods, found: LogLikelihood) -> list[str]:
        notes = []
        poor = int((events.effective.mean(dim=1) < LOW_SHARE).sum())
        if poor:
            notes.append(
                f"{poor} of {len(events)} events have integrals with less than "
                f"{LOW_SHARE:.0%} of their points effective; see the worst events"
            )
        if self.overweight > OVERWEIGHT:
            notes.append(
                f"up to {self.overweight:.1%} of the simulated events were overweight: they count "
                "as one event each, and should be more"
            )
        toys = self.config.toys
        if toys is not None and len(events) > LARGE_PART * toys.pool:
            notes.append(
                f"pseudo-experiments of {len(events)} events out of pools of {toys.pool} are much "
                "alike: intervals.toys.pool should be larger"
            )
        near = found.nominal > found.nominal.max() - 2.0
        error = 2 * float(found.integral_error[near].max())
        if error > LARGE_ERROR:
            integrated = self.config.method == "mem"
            source = "integrals" if integrated else "templates"
            more = "points" if integrated else "estimator.events"
            notes.append(
                f"the {source} leave an error of {error:.2g} on −2 Δlog L inside of two standard "
                f"deviations: take more {more}"
            )
        error = 2 * float(found.cross_section_error[near].max())
        if error > LARGE_ERROR:
            notes.append(f"σ_fid leaves an error of {error:.2g} on −2 Δlog L")
        return notes
