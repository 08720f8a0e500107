"""A run: train, integrate, generate, report. What `crosshook run` does, as a function."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import torch

from crosshook.core import random
from crosshook.core.assemble import output_files
from crosshook.core.errors import ConfigurationError, ModelError, NumericalError
from crosshook.core.execute import SerialExecutor, one_thread
from crosshook.core.histograms import expression, standard_set
from crosshook.core.integrate import integrate
from crosshook.core.interfaces.training import Stateful
from crosshook.core.interfaces.unweighter import Pilot
from crosshook.core.model import save_model
from crosshook.core.process.bias import Bias
from crosshook.core.process.variations import plan_variations
from crosshook.core.produce import Frozen, Production, produce
from crosshook.core.progress import Silent
from crosshook.core.quantity import quantity_of
from crosshook.core.results import (
    GenerationResult,
    IterationResult,
    RunResult,
    TrainingResult,
    as_json,
)
from crosshook.core.run_directory import RunDirectory
from crosshook.core.run_file import load_run_file
from crosshook.core.sampling.build import (
    MAPPING,
    UNWEIGHTER,
    WARM,
    WEIGHTS,
    SamplerSpec,
    build_context,
    build_process,
    build_sampler,
)
from crosshook.core.sampling.invalid import invalid_notes
from crosshook.core.sampling.sampler import shares_from
from crosshook.core.statistics import efficiency
from crosshook.core.summarise import integration_result
from crosshook.core.train import TrainingPlan, check_keeps, plan_training, train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.config import HistogramSpec
    from crosshook.core.context import BuildContext
    from crosshook.core.execute import Executor
    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.process.variations import Variation
    from crosshook.core.quantity import Quantity
    from crosshook.core.run_file import RunFile
    from crosshook.core.sampling.sums import Sums

SURVEY_POINTS = 4096
SHARE_FLOOR = 1e-3
"""No channel is drawn with less than a thousandth of an even share."""

LIBRARIES = ("torch", "numpy", "awkward", "uproot", "pluggy")


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
    run_file: Path,
    *,
    settings: Sequence[str] = (),
    output: Path | None = None,
    seed: int | None = None,
    device: str | None = None,
    overwrite: bool = False,
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
        reporter: shows progress.
        executor: runs blocks; in this process if None.

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
    )
    return start_run(loaded, overwrite=overwrite, reporter=reporter, executor=executor)


def start_run(
    run_file: RunFile,
    *,
    overwrite: bool = False,
    reporter: Reporter | None = None,
    executor: Executor | None = None,
) -> RunResult:
    """Runs a run file that is read already; see `run`."""
    job = _Run(run_file, overwrite, reporter, executor)
    try:
        return job.whole()
    finally:
        job.directory.clear_parts()  # an interrupt leaves none behind either


class _Run:
    """One run on its way."""

    def __init__(
        self,
        run_file: RunFile,
        overwrite: bool,
        reporter: Reporter | None,
        executor: Executor | None,
    ) -> None:
        self.began = time.perf_counter()
        config, registry = run_file.config, run_file.registry
        self.config, self.registry = config, registry
        self.reporter: Reporter = reporter if reporter is not None else SilentReporter()
        self.executor = executor if executor is not None else SerialExecutor()
        # Everything that can be wrong with the run file shows before a directory is made.
        self.plan = TrainingPlan(
            {MAPPING: config.channel_mapping, WEIGHTS: config.channel_weights},
            config.train_evaluations,
            config.training,
            config.groups,
            config.seed,
            config.max_invalid_fraction,
        )
        plan_training(self.plan, registry)
        composition = self.plan.composition(registry)
        self.outputs = output_files(config.formats, registry) if config.events else []
        if config.events:
            check_keeps(registry, UNWEIGHTER, config.unweighter.use)
        with one_thread():
            self.process = build_process(config, registry)
            plan = plan_variations(self.process, config.scale_variations, config.pdf_variations)
            _check_members(self.process, plan)
            for histogram in config.histograms:
                expression(histogram, self.process)
            Bias(config.bias, self.process)
            _check_groups(config.groups, self.process)
            self.sampler = build_sampler(
                config, self.process, registry, {}, composition, self.reporter
            )
        self.directory = RunDirectory.create(run_file.directory, overwrite)
        self._keep_run_file(run_file.document)

    def _keep_run_file(self, document: Mapping[str, object]) -> None:
        import yaml

        self.directory.write_text(
            self.directory.run_file,
            yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True),
        )
        self.directory.write_json(self.directory.resolved, self.config.document)

    def whole(self) -> RunResult:
        """Every stage in turn."""
        tell = self.registry.tell
        quantity = quantity_of(self.process.beams.pdg)
        self.reporter.measures(quantity)
        tell("crosshook_run_started", plan=Plan(dict(self.config.document), self.directory.path))
        training, shares = self._train()
        tell("crosshook_stage_finished", stage="train", report=training)
        histograms = self._histograms(shares)
        start = time.perf_counter()
        weighted = integrate(
            self.spec,
            self.executor,
            self.reporter,
            seed=self.config.seed,
            stage="integrate",
            evaluations=self.config.integrate_evaluations,
            shares=shares,
            relative_error=self.config.relative_error,
            histograms=histograms,
            latents=self.config.latents,
        )
        bootstrap = random.stream(self.config.seed, "bootstrap", 0)
        integration = integration_result(
            weighted,
            self.process.channels,
            shares,
            bootstrap,
            time.perf_counter() - start,
            training.iterations,
        )
        self._note(
            f"integrate: {integration.cross_section} +- {integration.error} {quantity.unit}"
        )
        tell("crosshook_stage_finished", stage="integrate", report=integration)
        notes = invalid_notes(weighted.sums, weighted.invalid)
        if integration.agreement is not None:
            notes += integration.agreement.notes
        generation = None
        if self.config.events:
            generation = self._generate(weighted.sums, shares, histograms)
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
            training=training,
            integration=integration,
            generation=generation,
            seconds=time.perf_counter() - self.began,
            notes=notes + (generation.notes if generation is not None else ()),
        )
        self._write_report(result)
        return replace(result, seconds=time.perf_counter() - self.began)

    def _train(self) -> tuple[TrainingResult, Tensor]:
        with one_thread():
            context = build_context(self.config, self.process, self.reporter)
            training, shares = train(
                self.plan, self.sampler, context, self.registry, self.reporter.iteration
            )
        self.models: dict[str, Path] = {}
        composition = self.sampler.composition
        mapping = composition.context(context)
        self._keep(MAPPING, self.config.channel_mapping, self.sampler.mapping, mapping)
        self._keep(WEIGHTS, self.config.channel_weights, self.sampler.weights, context)
        if composition.warm_start is not None and self.sampler.warm is not None:
            inner = context.with_(discrete=())
            self._keep(WARM, composition.warm_start, self.sampler.warm, inner, MAPPING)
        self.directory.write_json(self.directory.composition, composition.as_json())
        self.spec = SamplerSpec.of(self.config, self.models, composition)
        self._note(f"train: {training.evaluations} evaluations")
        return training, shares

    def _keep(
        self,
        name: str,
        slot: Slot,
        component: object,
        context: BuildContext,
        interface: str | None = None,
    ) -> None:
        """Saves a component that has a state; blocks are computed by copies of it."""
        interface = interface if interface is not None else name
        if not self.registry.get(interface, slot.use).component.capabilities.stateful:
            return
        if not isinstance(component, Stateful):
            message = (
                f"{interface} {slot.use!r} is declared stateful, but lacks state or load_state"
            )
            raise ModelError(message)
        folder = self.directory.model(name)
        save_model(component, folder, interface, slot, context)
        self.models[name] = folder

    def _histograms(self, shares: Tensor) -> tuple[HistogramSpec, ...]:
        if self.config.histograms:
            return self.config.histograms
        with one_thread(), torch.no_grad():
            survey = self.sampler.draw(self.config.seed, "survey", 0, SURVEY_POINTS, shares)
        return tuple(standard_set(self.process, survey))

    def _generate(
        self, integrated: Sums, shares: Tensor, histograms: tuple[HistogramSpec, ...]
    ) -> GenerationResult:
        start = time.perf_counter()
        pilot = integrate(
            self.spec,
            self.executor,
            self.reporter,
            seed=self.config.seed,
            stage="pilot",
            evaluations=self.config.pilot,
            shares=shares,
            biased=self.config.bias is not None,
        )
        maxima, notes = self._fit_unweighter(pilot.weights)
        own_shares = shares_from(maxima, SHARE_FLOOR)
        sums = integrated + pilot.sums
        frozen = Frozen(maxima, own_shares, sums, histograms, notes, pilot.sums.n)
        self.directory.write_json(self.directory.state, frozen.as_json())
        generation = produce(
            Production(
                self.directory,
                self.config,
                SamplerSpec.of(self.config, self.models, self.sampler.composition),
                self.process,
                frozen,
                tuple(self.outputs),
            ),
            self.executor,
            self.reporter,
            self.registry,
            seed=self.config.seed,
            events=self.config.events,
            start=start,
        )
        self._note(f"generate: {generation.events} events")
        return generation

    def _fit_unweighter(self, weights: list[np.ndarray]) -> tuple[np.ndarray, tuple[str, ...]]:
        context = build_context(self.config, self.process, None)
        slot = self.config.unweighter
        unweighter = cast(
            "Unweighter",
            self.registry.build("unweighter", slot, context, "generate.unweighter"),
        )
        k = self.sampler.n_channels
        channel = np.concatenate([np.full(w.size, c) for c, w in enumerate(weights)])
        pilot = Pilot(
            torch.from_numpy(np.concatenate(weights)).to(self.process.device),
            torch.from_numpy(channel).to(self.process.device),
            k,
        )
        if slot.model is not None:
            notes: tuple[str, ...] = ("saved model",)
        else:
            notes = unweighter.fit(pilot, random.torch_generator(self.config.seed, "unweighter"))
        if self.config.bias is not None:
            notes += (f"ε(0.1 %) of |w|·b in the pilot: {efficiency(weights).value:.1%}",)
        maxima = unweighter.maxima().cpu().numpy()
        if not (maxima > 0).any():
            message = "every point of the pilot has weight 0; nothing can be generated"
            raise NumericalError(message)
        self._keep(UNWEIGHTER, slot, unweighter, context)
        return maxima, notes

    def _write_report(self, result: RunResult) -> None:
        self.directory.write_json(self.directory.report, as_json(result))
        self.directory.register(self.directory.report)
        if self.config.html:
            from crosshook.core.report.html import write_html

            write_html(self.directory.read_json(self.directory.report), self.directory.page)
            self.directory.register(self.directory.page)

    def _note(self, line: str) -> None:
        self.directory.note(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}")


def _check_groups(groups: tuple[int, ...] | None, process: ScatteringProcess) -> None:
    """Every channel has its group."""
    if groups is not None and len(groups) != len(process.channels):
        message = (
            f"sampling.groups: {len(groups)} entries for {len(process.channels)} channels: "
            f"{', '.join(process.channels)}"
        )
        raise ConfigurationError(message)


def _check_members(process: ScatteringProcess, plan: tuple[Variation, ...]) -> None:
    """Asks for the last member planned: sets often lie on disk with the central one alone."""
    members = [v.member for v in plan if v.member is not None]
    if process.density is not None and members:
        x, q = (torch.tensor([v], dtype=torch.float64) for v in (0.1, process.density.q_max))
        process.density.xf(x.to(process.device), q.to(process.device), max(members))


def versions() -> dict[str, str]:
    """Versions of crosshook, Python and the libraries results depend on."""
    found = {"crosshook": metadata.version("crosshook"), "python": platform.python_version()}
    return found | {name: metadata.version(name) for name in LIBRARIES}
