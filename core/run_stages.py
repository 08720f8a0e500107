"""The stages of a run: train, integrate, generate. Each takes up its results if they are there.

A stage writes its results down as its last act (`crosshook.core.stage_records`); until then a
resumed run computes it again, the training from its latest checkpoint and the generation with the
blocks that are whole.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from crosshook.core import random
from crosshook.core.config import HistogramSpec
from crosshook.core.errors import NumericalError
from crosshook.core.execute import one_thread
from crosshook.core.generation_result import GenerationResult, SurrogateResult
from crosshook.core.histograms import standard_set
from crosshook.core.integrate import integrate
from crosshook.core.interfaces.unweighter import Pilot
from crosshook.core.learning.checkpoint import CheckpointFolder
from crosshook.core.pilot import points_count, run_pilot
from crosshook.core.produce import Frozen, Production, produce
from crosshook.core.quantity import quantity_of
from crosshook.core.report.reading import read_record
from crosshook.core.results import IntegrationResult
from crosshook.core.sampling.build import (
    SURROGATE,
    UNWEIGHTER,
    SamplerSpec,
    build_context,
)
from crosshook.core.sampling.composition import Composition
from crosshook.core.sampling.invalid import invalid_notes
from crosshook.core.sampling.sampler import shares_from
from crosshook.core.sampling.saved_components import save_component, save_components
from crosshook.core.sampling.sums import Sums
from crosshook.core.statistics import efficiency
from crosshook.core.summarise import integration_result
from crosshook.core.surrogate_stage import train_surrogate
from crosshook.core.surrogates.block_tasks import BlockWorkers
from crosshook.core.train import TrainingPlan, train
from crosshook.core.training_result import TrainingResult

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.config import RunConfig
    from crosshook.core.execute import Executor
    from crosshook.core.interfaces.unweighter import TwoStageUnweighter, Unweighter
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.registry import Registry
    from crosshook.core.run import Reporter
    from crosshook.core.run_directory import RunDirectory
    from crosshook.core.sampling.sampler import Sampler
    from crosshook.core.stage_records import StageRecords

SURVEY_POINTS = 4096
SHARE_FLOOR = 1e-3
"""No channel is drawn with less than a thousandth of an even share."""


@dataclass(frozen=True)
class Trained:
    """What the training leaves.

    Attributes:
        result: for the report.
        shares: p_c for the integration, `(k,)`.
        histograms: to fill.
        models: directories of what was saved, by name.
        composition: how they make a proposal.
    """

    result: TrainingResult
    shares: Tensor
    histograms: tuple[HistogramSpec, ...]
    models: dict[str, Path]
    composition: Composition


@dataclass(frozen=True)
class Integrated:
    """What the integration leaves.

    Attributes:
        result: for the report.
        sums: over its points.
        notes: what a reader must know.
    """

    result: IntegrationResult
    sums: Sums
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Stages:
    """The stages of one run.

    Attributes:
        config: the run.
        registry: of the plugins it uses.
        process: its process.
        sampler: untrained.
        plan: of the training.
        outputs: endings of the event files with their components.
        directory: of the run.
        records: of the stages that are finished.
        executor: runs blocks.
        reporter: shows progress.
    """

    config: RunConfig
    registry: Registry
    process: ScatteringProcess
    sampler: Sampler
    plan: TrainingPlan
    outputs: tuple[tuple[str, Slot], ...]
    directory: RunDirectory
    records: StageRecords
    executor: Executor
    reporter: Reporter

    def train(self) -> Trained:
        """Trains the sampler and saves it."""
        found = self.records.find("train")
        if found is not None:
            return self._trained(found)
        checkpoints = CheckpointFolder(self.directory.training, self.records.run)
        with one_thread():
            context = build_context(self.config, self.process, self.reporter)
            result, shares = train(
                self.plan,
                self.sampler,
                context,
                self.registry,
                self.reporter.iteration,
                checkpoints,
            )
        models = save_components(
            self.sampler, self.config, context, self.registry, self.directory.model
        )
        composition = self.sampler.composition
        self.directory.write_json(self.directory.composition, composition.as_json())
        histograms = self._histograms(shares)
        self.note(f"train: {result.evaluations} evaluations")
        values = {
            "result": asdict(result),
            "shares": shares.tolist(),
            "histograms": [asdict(h) for h in histograms],
            "models": list(models),
        }
        self.records.keep("train", values)
        self.directory.clear_training()
        return Trained(result, shares, histograms, models, composition)

    def _trained(self, found: dict[str, object]) -> Trained:
        """What an earlier training left."""
        histograms = cast("list[dict[str, Any]]", found["histograms"])
        return Trained(
            read_record(found["result"], TrainingResult, "train"),
            torch.tensor(found["shares"], dtype=torch.float64, device="cpu"),
            tuple(HistogramSpec(**h) for h in histograms),
            {name: self.directory.model(name) for name in cast("list[str]", found["models"])},
            Composition.from_json(self.directory.read_json(self.directory.composition)),
        )

    def _histograms(self, shares: Tensor) -> tuple[HistogramSpec, ...]:
        if self.config.histograms:
            return self.config.histograms
        with one_thread(), torch.no_grad():
            survey = self.sampler.draw(self.config.seed, "survey", 0, SURVEY_POINTS, shares)
        return tuple(standard_set(self.process, survey))

    def integrate(self, trained: Trained) -> Integrated:
        """Integrates the frozen sampler."""
        found = self.records.find("integrate")
        if found is not None:
            return Integrated(
                read_record(found["result"], IntegrationResult, "integrate"),
                Sums.from_json(cast("dict[str, list[float]]", found["sums"])),
                tuple(cast("list[str]", found["notes"])),
            )
        start = time.perf_counter()
        weighted = integrate(
            SamplerSpec.of(self.config, trained.models, trained.composition),
            self.executor,
            self.reporter,
            seed=self.config.seed,
            stage="integrate",
            evaluations=self.config.integrate_evaluations,
            shares=trained.shares,
            relative_error=self.config.relative_error,
            histograms=trained.histograms,
            latents=self.config.latents,
        )
        result = integration_result(
            weighted,
            self.process.channels,
            trained.shares,
            random.stream(self.config.seed, "bootstrap", 0),
            time.perf_counter() - start,
            trained.result.iterations,
        )
        notes = invalid_notes(weighted.sums, weighted.invalid)
        if result.agreement is not None:
            notes += result.agreement.notes
        unit = quantity_of(self.process.beams.pdg).unit
        self.note(f"integrate: {result.cross_section} +- {result.error} {unit}")
        values = {"result": asdict(result), "sums": weighted.sums.as_json(), "notes": list(notes)}
        self.records.keep("integrate", values)
        return Integrated(result, weighted.sums, notes)

    def generate(self, trained: Trained, integrated: Integrated) -> GenerationResult:
        """Generates events and writes their files."""
        found = self.records.find("generate")
        if found is not None:
            result = read_record(found["result"], GenerationResult, "generate")
            self.directory.keep_registered([f.name for f in result.files])
            return result
        self.directory.keep_registered(())
        models = dict(trained.models)
        surrogate = self._surrogate(trained, models)
        start = time.perf_counter()
        frozen = replace(self._settle(trained, integrated.sums, models), surrogate=surrogate)
        result = produce(
            Production(
                self.directory,
                self.config,
                SamplerSpec.of(self.config, models, trained.composition),
                self.process,
                frozen,
                self.outputs,
            ),
            self.executor,
            self.reporter,
            self.registry,
            seed=self.config.seed,
            events=self.config.events,
            start=start,
        )
        self.note(f"generate: {result.events} events")
        self.records.keep("generate", {"result": asdict(result)})
        return result

    def _surrogate(self, trained: Trained, models: dict[str, Path]) -> SurrogateResult | None:
        """The trained amplitude surrogate, if there is one; it joins the models."""
        if self.config.surrogate is None:
            return None
        found = self.records.find("surrogate")
        if found is None:
            spec = SamplerSpec.of(self.config, trained.models, trained.composition)
            result, saved = train_surrogate(
                self.config,
                spec.sampler(),
                trained.shares,
                self.registry,
                self.reporter,
                self.directory.model(SURROGATE),
                BlockWorkers(self.executor, spec, self.directory.drawing),
            )
            self.note(f"surrogate: {result.evaluations} evaluations")
            found = {"result": asdict(result), "saved": saved}
            self.records.keep("surrogate", found)
            self.directory.clear_drawing()
        if found["saved"]:
            models[SURROGATE] = self.directory.model(SURROGATE)
        return read_record(found["result"], SurrogateResult, "surrogate")

    def _settle(self, trained: Trained, integrated: Sums, models: dict[str, Path]) -> Frozen:
        """The pilot, and what follows from it; the unweighter joins the models."""
        slot = self.config.unweighter
        found = self.records.find("pilot")
        if found is not None:
            if self.registry.get(UNWEIGHTER, slot.use).component.capabilities.stateful:
                models[UNWEIGHTER] = self.directory.model(UNWEIGHTER)
            return Frozen.from_json(found)
        pilot, sums = self._pilot(trained, models)
        unweighter, notes = self._fit_unweighter(pilot, models)
        maxima = unweighter.maxima().cpu().numpy()
        frozen = Frozen(
            maxima,
            shares_from(maxima, SHARE_FLOOR),
            integrated + sums,
            trained.histograms,
            notes,
            sums.n,
            None
            if self.config.surrogate is None
            else cast("TwoStageUnweighter", unweighter).expectation(),
            pilot.costs,
            counted=self.config.surrogate is None or points_count(pilot, unweighter),
        )
        # A surrogate's losses may be no numbers; the state is read by crosshook alone.
        self.directory.write_json(self.directory.state, frozen.as_json(), finite=False)
        self.records.keep("pilot", frozen.as_json())
        return frozen

    def _pilot(self, trained: Trained, models: dict[str, Path]) -> tuple[Pilot, Sums]:
        """Weights to choose the maxima from, with a surrogate's estimates if there is one."""
        spec = SamplerSpec.of(self.config, models, trained.composition)
        if self.config.surrogate is not None:
            return run_pilot(
                spec,
                self.executor,
                self.reporter,
                seed=self.config.seed,
                evaluations=self.config.pilot,
                shares=trained.shares,
            )
        found = integrate(
            spec,
            self.executor,
            self.reporter,
            seed=self.config.seed,
            stage="pilot",
            evaluations=self.config.pilot,
            shares=trained.shares,
            biased=self.config.bias is not None,
        )
        channel = np.concatenate([np.full(w.size, c) for c, w in enumerate(found.weights)])
        pilot = Pilot(
            torch.from_numpy(np.concatenate(found.weights)).to(self.process.device),
            torch.from_numpy(channel).to(self.process.device),
            self.sampler.n_channels,
        )
        return pilot, found.sums

    def _fit_unweighter(
        self, pilot: Pilot, models: dict[str, Path]
    ) -> tuple[Unweighter, tuple[str, ...]]:
        context = build_context(self.config, self.process, None)
        slot = self.config.unweighter
        unweighter = cast(
            "Unweighter",
            self.registry.build("unweighter", slot, context, "generate.unweighter"),
        )
        if slot.model is not None:
            notes: tuple[str, ...] = ("saved model",)
        else:
            notes = unweighter.fit(pilot, random.torch_generator(self.config.seed, "unweighter"))
        if self.config.bias is not None:
            weight, channel = pilot.weight.cpu().numpy(), pilot.channel.cpu().numpy()
            weights = [weight[channel == c] for c in range(pilot.n_channels)]
            notes += (f"ε(0.1 %) of |w|·b in the pilot: {efficiency(weights).value:.1%}",)
        if not bool((unweighter.maxima() > 0).any()):
            message = "every point of the pilot has weight 0; nothing can be generated"
            raise NumericalError(message)
        folder = self.directory.model(UNWEIGHTER)
        if save_component(UNWEIGHTER, slot, unweighter, context, self.registry, folder):
            models[UNWEIGHTER] = folder
        return unweighter, notes

    def note(self, line: str) -> None:
        """Appends a line to the log."""
        self.directory.note(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}")
