"""Production: events from a frozen sampler to finished files, for a run and for more of it later."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
import torch

from crosshook.core.assemble import assemble, run_info
from crosshook.core.config import HistogramSpec
from crosshook.core.generate import common_weight, generate_events
from crosshook.core.generation_result import (
    FileResult,
    GenerationResult,
    ProcessResult,
    SurrogateResult,
    TwoStageResult,
    VariationResult,
)
from crosshook.core.interfaces.unweighter import Costs, TwoStageExpectation
from crosshook.core.part_ledger import PartLedger, part_key
from crosshook.core.process.variations import plan_variations
from crosshook.core.report.reading import read_record
from crosshook.core.sampling.candidates import costs_of
from crosshook.core.sampling.invalid import invalid_notes
from crosshook.core.sampling.sums import Sums

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from _typeshed import DataclassInstance
    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.config import RunConfig
    from crosshook.core.execute import Executor
    from crosshook.core.generate import Generated
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.progress import Progress
    from crosshook.core.registry import Registry
    from crosshook.core.run_directory import RunDirectory
    from crosshook.core.sampling.build import SamplerSpec


T = TypeVar("T")


@dataclass(frozen=True)
class Frozen:
    """What was settled before generation began, besides the models.

    Attributes:
        maxima: M_c, `(k,)` in pb.
        shares: p_c for generation, `(k,)`.
        sums: over all points of integration and pilot.
        histograms: to fill.
        notes: what the unweighter said.
        pilot: points of the pilot.
        stages: what two stages of unweighting promise, None in a run without a surrogate.
        costs: what points cost in the pilot, None likewise.
        surrogate: its training, None likewise.
        counted: whether points of the generation enter the cross section.
    """

    maxima: np.ndarray
    shares: Tensor
    sums: Sums
    histograms: tuple[HistogramSpec, ...]
    notes: tuple[str, ...]
    pilot: int
    stages: TwoStageExpectation | None = None
    costs: Costs | None = None
    surrogate: SurrogateResult | None = None
    counted: bool = True

    def as_json(self) -> dict[str, object]:
        """The same as values JSON can hold."""
        return {
            "maxima": self.maxima.tolist(),
            "shares": self.shares.tolist(),
            "sums": self.sums.as_json(),
            "histograms": [asdict(h) for h in self.histograms],
            "notes": list(self.notes),
            "pilot": self.pilot,
            "counted": self.counted,
            **{name: None if part is None else asdict(part) for name, part in self._two()},
        }

    def _two(self) -> tuple[tuple[str, DataclassInstance | None], ...]:
        return ("stages", self.stages), ("costs", self.costs), ("surrogate", self.surrogate)

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> Frozen:
        """Takes back what `as_json` gave."""
        sums = cast("dict[str, list[float]]", values["sums"])
        histograms = cast("list[dict[str, object]]", values["histograms"])
        return cls(
            np.array(values["maxima"]),
            torch.tensor(values["shares"], dtype=torch.float64, device="cpu"),
            Sums.from_json(sums),
            tuple(HistogramSpec(**h) for h in histograms),  # type: ignore[arg-type]
            tuple(cast("list[str]", values["notes"])),
            cast("int", values["pilot"]),
            _optional(values["stages"], TwoStageExpectation),
            _optional(values["costs"], Costs),
            _optional(values["surrogate"], SurrogateResult),
            cast("bool", values["counted"]),
        )


def _optional(value: object, kind: type[T]) -> T | None:
    return None if value is None else read_record(value, kind, "state")


@dataclass(frozen=True)
class Production:
    """What to produce and where.

    Attributes:
        directory: gets the events.
        config: the run.
        spec: trained sampler and fitted unweighter.
        process: the process.
        frozen: what was settled before.
        outputs: endings of the files with their event_format components.
    """

    directory: RunDirectory
    config: RunConfig
    spec: SamplerSpec
    process: ScatteringProcess
    frozen: Frozen
    outputs: tuple[tuple[str, Slot], ...]


def produce(
    production: Production,
    executor: Executor,
    progress: Progress,
    registry: Registry,
    *,
    seed: int,
    events: int,
    start: float,
) -> GenerationResult:
    """Generates events and puts their files together.

    Args:
        production: what to produce.
        executor: runs the blocks.
        progress: told after every block.
        registry: knows the event formats.
        seed: of the random streams.
        events: how many.
        start: when the stage began, by `time.perf_counter`.
    """
    directory, config, frozen = production.directory, production.config, production.frozen
    process = production.process
    generated = generate_events(
        production.spec,
        executor,
        progress,
        seed=seed,
        events=events,
        shares=frozen.shares,
        folder=directory.parts,
        ledger=PartLedger(
            directory.parts, part_key(production.spec, seed, config.block_size, frozen.shares)
        ),
    )
    directory.clear_outputs()
    sums = frozen.sums + generated.sums if frozen.counted else frozen.sums
    estimate = sums.estimate()
    written = assemble(
        production.spec,
        executor,
        progress,
        generated,
        run_info(config, process, sums),
        estimate.value,
        frozen.histograms,
        [(directory.events(ending), slot) for ending, slot in production.outputs],
        registry,
        common=common_weight(frozen.maxima, frozen.shares),
    )
    directory.clear_parts()
    plan = plan_variations(process, config.scale_variations, config.pdf_variations)
    parts = sums.part_estimates()
    return GenerationResult(
        events=events,
        surplus=generated.kept - events,
        evaluations=generated.sums.n,
        pilot=frozen.pilot,
        efficiency=generated.kept / generated.sums.n,
        rule=frozen.notes,
        overweights=written.overweights,
        overweight_share=written.overweight_share,
        kish=written.kish,
        cross_section=estimate.value,
        error=estimate.error,
        processes=tuple(
            ProcessResult(number, _label(process, number), part.value, part.error)
            for number, part in zip(process.process_ids, parts, strict=True)
        ),
        variations=tuple(
            VariationResult(v.weight.id, v.weight.group, v.weight.text, float(mean))
            for v, mean in zip(plan, written.variations, strict=True)
        ),
        histograms=written.histograms,
        files=tuple(_file(directory, path) for path in written.paths),
        seconds=time.perf_counter() - start,
        notes=(*invalid_notes(generated.sums, generated.invalid), *_left_out(frozen)),
        bias=config.bias or "",
        surrogate=frozen.surrogate,
        stages=_two_stages(frozen, generated, written.kish),
    )


def _left_out(frozen: Frozen) -> tuple[str, ...]:
    note = (
        "the surrogate is so far off that points of the generation were left out of the cross "
        "section, which is that of integration and pilot"
    )
    return () if frozen.counted else (note,)


def _two_stages(frozen: Frozen, generated: Generated, kish: float) -> TwoStageResult | None:
    """How unweighting in two stages went: promised by the pilot, found in the generation.

    The time of a single stage takes the exact weights of the pilot, which come in whole blocks and
    are the cheaper for it; those of the second stage come in few at a time.
    """
    expected, costs, spent = frozen.stages, frozen.costs, generated.spent
    if expected is None or costs is None or spent is None:
        return None
    found = costs_of([b.spent for b in generated.blocks if b.spent is not None])
    first, second = spent.looked / spent.points, generated.kept / spent.looked
    alone = found.point + expected.inside * costs.exact
    seconds = found.point + found.surrogate + first * found.exact
    # A single stage asks for no estimates.
    surrogate = found.surrogate if expected.two_stages else costs.surrogate
    return TwoStageResult(
        two_stages=expected.two_stages,
        rule=expected.rule,
        pilot=expected.points,
        exact=spent.looked,
        first=first,
        second=second,
        kish=kish,
        single=expected.single,
        single_kish=expected.single_kish,
        inside=expected.inside,
        point_seconds=found.point,
        surrogate_seconds=surrogate,
        exact_seconds=found.exact,
        gain=alone / (expected.single * expected.single_kish) / seconds * (first * second * kish),
        expected_gain=expected.gain(costs),
        ceiling=expected.ceiling(Costs(found.point, surrogate, costs.exact)),
    )


def _label(process: ScatteringProcess, process_id: int) -> str:
    labels = [s.label for s in process.matrix_element.subprocesses if s.process_id == process_id]
    return ", ".join(labels)


def _file(directory: RunDirectory, path: Path) -> FileResult:
    return FileResult(*directory.register(path))
