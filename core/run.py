"""A run: train, integrate, generate, report. What `crosshook run` does, as a function."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from crosshook.core.assemble import output_files
from crosshook.core.driving.config import DrivenConfig
from crosshook.core.driving.run import DrivenRun
from crosshook.core.errors import ConfigurationError
from crosshook.core.execute import SerialExecutor, one_thread, opened
from crosshook.core.histograms import expression
from crosshook.core.memory import peak_memory
from crosshook.core.observed import Observed
from crosshook.core.process.bias import Bias
from crosshook.core.process.variations import plan_variations
from crosshook.core.progress import Silent
from crosshook.core.provenance import versions
from crosshook.core.quantity import quantity_of
from crosshook.core.registry import default_registry
from crosshook.core.results import MemoryResult, RunResult, as_json
from crosshook.core.run_directory import RunDirectory
from crosshook.core.run_file import RunFile, load_run_file, read_resolved
from crosshook.core.sampling.build import (
    MAPPING,
    UNWEIGHTER,
    WEIGHTS,
    build_process,
    build_sampler,
)
from crosshook.core.sampling.groups import check_groups
from crosshook.core.stage_records import StageRecords
from crosshook.core.stages.generation import generate_stage
from crosshook.core.stages.integration import integrate_stage
from crosshook.core.stages.staged_run import StagedRun
from crosshook.core.stages.training import train_stage
from crosshook.core.surrogate_stage import check_surrogate
from crosshook.core.train import TrainingPlan, check_keeps, plan_training

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.config import RunConfig
    from crosshook.core.execute import Executor
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.process.variations import Variation
    from crosshook.core.quantity import Quantity
    from crosshook.core.training_result import IterationResult


class Reporter(Protocol):
    """Shows a run to whoever waits for it; a `Progress` that also takes lines."""

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        """See `Progress.update`."""
        ...

    def measures(self, quantity: Quantity) -> None:
        """Told before the first stage what the estimates to come are."""
        ...

    def iteration(self, iteration: IterationResult) -> None:
        """An iteration of the training is done."""
        ...


class SilentReporter(Silent):
    """Shows nothing."""

    def measures(self, quantity: Quantity) -> None:
        """Does nothing."""

    def iteration(self, iteration: IterationResult) -> None:
        """Does nothing."""


@dataclass(frozen=True)
class Plan:
    """What listeners of `crosshook_run_started` are told.

    Attributes:
        configuration: the resolved run file.
        directory: of the run.
    """

    configuration: dict[str, object]
    directory: Path


def run(
    run_file: Path | str,
    *,
    settings: Sequence[str] = (),
    output: Path | str | None = None,
    seed: int | None = None,
    device: str | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    max_time: float | None = None,
    reporter: Reporter | None = None,
    executor: Executor | None = None,
) -> RunResult:
    """Runs a run file.

    Args:
        run_file: a YAML file; see schemas/v1/run.json.
        settings: `key=value` pairs that replace keys of the file.
        output: the run directory, instead of the file's.
        seed: instead of the file's.
        device: instead of the file's.
        overwrite: replace a run that is there already.
        workers: processes that compute, instead of the file's.
        max_time: seconds after which the run stops, to be resumed.
        reporter: shows progress.
        executor: runs blocks, and is left open; that of the run file if None.

    Returns:
        The results, as report.json holds them.

    Raises:
        CrosshookError: whatever a user can cause, in one line.
    """
    loaded = load_run_file(
        run_file,
        settings=settings,
        output=output,
        seed=seed,
        device=device,
        overwrite=overwrite,
    ).computed_by((), workers)
    return start_run(
        loaded, overwrite=overwrite, max_time=max_time, reporter=reporter, executor=executor
    )


def resume(
    directory: Path | str,
    *,
    settings: Sequence[str] = (),
    workers: int | None = None,
    max_time: float | None = None,
    reporter: Reporter | None = None,
    executor: Executor | None = None,
) -> RunResult:
    """Goes on with a run that was stopped, to the results it would have had, bit by bit.

    Args:
        directory: of the run.
        settings: `executor=NAME` and options of it, instead of the run file's; nothing else.
        workers: processes that compute, instead of the run file's.
        max_time: seconds after which the run stops again.
        reporter: shows progress.
        executor: runs blocks, and is left open; that of the run file if None.

    Returns:
        The results, as report.json holds them.

    Raises:
        InputError: if there is no unfinished run, or what is left of it is damaged.
    """
    run_file, _ = unfinished_run(Path(directory))
    return start_run(
        run_file.computed_by(settings, workers),
        resumed=True,
        max_time=max_time,
        reporter=reporter,
        executor=executor,
    )


def unfinished_run(directory: Path) -> tuple[RunFile, tuple[str, ...]]:
    """The run file of a run that was stopped.

    Args:
        directory: of the run.

    Returns:
        The run file, and what is not as it was when the run was started, in sentences.

    Raises:
        InputError: if there is no unfinished run, or what is left of it is damaged.
    """
    place = RunDirectory.unfinished(directory)
    document = place.read_json(place.resolved)
    config = read_resolved(document)
    device = "cpu" if isinstance(config, DrivenConfig) else config.device
    changes = StageRecords(place, config.document).changes(device)
    return RunFile(document, config, default_registry(config.disable), directory), changes


def start_run(
    run_file: RunFile,
    *,
    overwrite: bool = False,
    resumed: bool = False,
    max_time: float | None = None,
    reporter: Reporter | None = None,
    executor: Executor | None = None,
) -> RunResult:
    """Runs a run file that is read already; see `run` and `resume`.

    Raises:
        Cancelled: when `max_time` is over, besides whatever they raise.
    """
    until = None if max_time is None else time.monotonic() + max_time
    config = run_file.config
    job: _Run | DrivenRun
    if isinstance(config, DrivenConfig):
        if executor is not None:
            message = "executor: a run with generator is computed by its program"
            raise ConfigurationError(message)
        shown = Observed(reporter or SilentReporter(), SerialExecutor(), until)
        job = DrivenRun(config, run_file, overwrite, resumed, shown)
    else:
        job = _Run(config, run_file, overwrite, resumed, reporter)
    with job.directory.alone():
        if isinstance(job, DrivenRun):
            return job.whole()
        with opened(executor, job.config.executor, job.registry, job.directory.path) as engine:
            return job.whole(engine, until)


class _Run:
    """One run on its way."""

    def __init__(
        self,
        config: RunConfig,
        run_file: RunFile,
        overwrite: bool,
        resumed: bool,
        reporter: Reporter | None,
    ) -> None:
        self.began = time.perf_counter()
        registry = run_file.registry
        self.config, self.registry = config, registry
        self.reporter: Reporter = reporter if reporter is not None else SilentReporter()
        # Everything that can be wrong with the run file shows before a directory is made.
        plan = TrainingPlan(
            {MAPPING: config.channel_mapping, WEIGHTS: config.channel_weights},
            config.train_evaluations,
            config.training,
            config.groups,
            config.seed,
            config.max_invalid_fraction,
        )
        plan_training(plan, registry)
        composition = plan.composition(registry)
        outputs = output_files(config.formats, registry) if config.events else []
        if config.events:
            check_keeps(registry, UNWEIGHTER, config.unweighter.use)
        with one_thread():
            self.process = build_process(config, registry)
            variations = plan_variations(
                self.process, config.scale_variations, config.pdf_variations
            )
            _check_members(self.process, variations)
            for histogram in config.histograms:
                expression(histogram, self.process)
            Bias(config.bias, self.process)
            check_groups(config.groups, self.process.channels, "sampling.groups")
            if config.events:
                check_surrogate(config, self.process, registry)
            sampler = build_sampler(config, self.process, registry, {}, composition, self.reporter)
        if resumed:
            self.directory = RunDirectory.unfinished(run_file.directory)
        else:
            self.directory = RunDirectory.create(run_file.directory, overwrite)
        records = StageRecords(self.directory, config.document)
        self.resumed = resumed
        self.notes: tuple[str, ...] = ()
        self._staged = partial(
            StagedRun,
            config,
            registry,
            self.process,
            sampler,
            plan,
            tuple(outputs),
            self.directory,
            records,
        )
        if resumed:
            self.notes = records.changes(config.device)
        else:
            resolved = {**config.document, "executor": config.executor.as_dict()}
            self.directory.keep_run_file(resolved, run_file.document)
            records.start(config.device)

    def whole(self, executor: Executor, until: float | None) -> RunResult:
        """Every stage in turn.

        Args:
            executor: runs the blocks.
            until: when to stop by `time.monotonic`, or None.
        """
        tell = self.registry.tell
        staged = self._staged(executor, Observed(self.reporter, executor, until))
        if self.resumed:
            self.directory.parts.mkdir(exist_ok=True)
            staged.note("resumed")
        self.reporter.measures(quantity_of(self.process.beams.pdg))
        tell("crosshook_run_started", plan=Plan(dict(self.config.document), self.directory.path))
        trained = train_stage(staged)
        tell("crosshook_stage_finished", stage="train", report=trained.result)
        integrated = integrate_stage(staged, trained)
        tell("crosshook_stage_finished", stage="integrate", report=integrated.result)
        generation = None
        if self.config.events:
            generation = generate_stage(staged, trained, integrated)
            tell("crosshook_stage_finished", stage="generate", report=generation)
        result = RunResult(
            format="crosshook-report/1",
            process=self.process.process.name,
            beams=self.process.beams.pdg,
            energy=self.process.beams.energy,
            parton_density=self.process.density.name if self.process.density else "",
            seed=self.config.seed,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=versions(),
            configuration=dict(self.config.document),
            training=trained.result,
            integration=integrated.result,
            generation=generation,
            seconds=time.perf_counter() - self.began,
            notes=(
                *self.notes,
                *integrated.notes,
                *(generation.notes if generation is not None else ()),
            ),
            memory=_memory(executor),
        )
        self._write_report(result)
        self.directory.clear_checkpoints()
        return replace(result, seconds=time.perf_counter() - self.began)

    def _write_report(self, result: RunResult) -> None:
        names = [] if result.generation is None else [f.name for f in result.generation.files]
        self.directory.keep_registered(names)
        self.directory.write_json(self.directory.report, as_json(result))
        self.directory.register(self.directory.report)
        if self.config.html:
            from crosshook.core.report.html import write_html

            write_html(self.directory.read_json(self.directory.report), self.directory.page)
            self.directory.register(self.directory.page)


def _memory(executor: Executor) -> MemoryResult | None:
    own = peak_memory()
    return MemoryResult(own, executor.load().memory) if own else None


def _check_members(process: ScatteringProcess, plan: tuple[Variation, ...]) -> None:
    """Asks for the last member planned: sets often lie on disk with the central one alone."""
    members = [v.member for v in plan if v.member is not None]
    if process.density is not None and members:
        x, q = (torch.tensor([v], dtype=torch.float64) for v in (0.1, process.density.q_max))
        process.density.xf(x.to(process.device), q.to(process.device), max(members))
