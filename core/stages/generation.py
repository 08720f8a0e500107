"""The third stage of a run: events are generated and their files written."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from crosshook.core.generation_result import GenerationResult, SurrogateResult
from crosshook.core.produce import Production, produce
from crosshook.core.report.reading import read_record
from crosshook.core.sampling.build import SURROGATE, SamplerSpec
from crosshook.core.stages.settling import settle
from crosshook.core.surrogate_stage import train_surrogate
from crosshook.core.surrogates.block_tasks import BlockWorkers

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.stages.integration import Integrated
    from crosshook.core.stages.staged_run import StagedRun
    from crosshook.core.stages.training import Trained


def generate_stage(run: StagedRun, trained: Trained, integrated: Integrated) -> GenerationResult:
    """Generates events and writes their files."""
    found = run.records.find("generate")
    if found is not None:
        result = read_record(found["result"], GenerationResult, "generate")
        run.directory.keep_registered([f.name for f in result.files])
        return result
    run.directory.keep_registered(())
    models = dict(trained.models)
    surrogate = _surrogate(run, trained, models)
    start = time.perf_counter()
    frozen = replace(settle(run, trained, integrated.sums, models), surrogate=surrogate)
    result = produce(
        Production(
            run.directory,
            run.config,
            SamplerSpec.of(run.config, models, trained.composition),
            run.process,
            frozen,
            run.outputs,
        ),
        run.executor,
        run.reporter,
        run.registry,
        seed=run.config.seed,
        events=run.config.events,
        start=start,
    )
    run.note(f"generate: {result.events} events")
    run.records.keep("generate", {"result": asdict(result)})
    return result


def _surrogate(
    run: StagedRun, trained: Trained, models: dict[str, Path]
) -> SurrogateResult | None:
    """The trained amplitude surrogate, if there is one; it joins the models."""
    if run.config.surrogate is None:
        return None
    found = run.records.find("surrogate")
    if found is None:
        spec = SamplerSpec.of(run.config, trained.models, trained.composition)
        result, saved = train_surrogate(
            run.config,
            spec.sampler(),
            trained.shares,
            run.registry,
            run.reporter,
            run.directory.model(SURROGATE),
            BlockWorkers(run.executor, spec, run.directory.drawing),
        )
        run.note(f"surrogate: {result.evaluations} evaluations")
        found = {"result": asdict(result), "saved": saved}
        run.records.keep("surrogate", found)
        run.directory.clear_drawing()
    if found["saved"]:
        models[SURROGATE] = run.directory.model(SURROGATE)
    return read_record(found["result"], SurrogateResult, "surrogate")
