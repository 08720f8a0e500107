"""The second stage of a run: the trained sampler is frozen and integrated."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

from crosshook.core import random
from crosshook.core.integrate import integrate
from crosshook.core.quantity import quantity_of
from crosshook.core.report.reading import read_record
from crosshook.core.results import IntegrationResult
from crosshook.core.sampling.build import SamplerSpec
from crosshook.core.sampling.invalid import invalid_notes
from crosshook.core.sampling.sums import Sums
from crosshook.core.summarise import integration_result

if TYPE_CHECKING:
    from crosshook.core.stages.staged_run import StagedRun
    from crosshook.core.stages.training import Trained


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


def integrate_stage(run: StagedRun, trained: Trained) -> Integrated:
    """Integrates the frozen sampler."""
    found = run.records.find("integrate")
    if found is not None:
        return Integrated(
            read_record(found["result"], IntegrationResult, "integrate"),
            Sums.from_json(cast("dict[str, list[float]]", found["sums"])),
            tuple(cast("list[str]", found["notes"])),
        )
    start = time.perf_counter()
    weighted = integrate(
        SamplerSpec.of(run.config, trained.models, trained.composition),
        run.executor,
        run.reporter,
        seed=run.config.seed,
        stage="integrate",
        evaluations=run.config.integrate_evaluations,
        shares=trained.shares,
        relative_error=run.config.relative_error,
        histograms=trained.histograms,
        latents=run.config.latents,
    )
    result = integration_result(
        weighted,
        run.process.channels,
        trained.shares,
        random.stream(run.config.seed, "bootstrap", 0),
        time.perf_counter() - start,
        trained.result.iterations,
    )
    notes = invalid_notes(weighted.sums, weighted.invalid)
    if result.agreement is not None:
        notes += result.agreement.notes
    unit = quantity_of(run.process.beams.pdg).unit
    run.note(f"integrate: {result.cross_section} +- {result.error} {unit}")
    values = {"result": asdict(result), "sums": weighted.sums.as_json(), "notes": list(notes)}
    run.records.keep("integrate", values)
    return Integrated(result, weighted.sums, notes)
