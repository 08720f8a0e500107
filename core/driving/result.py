"""Figures of a run with a program: its weighted events as an integration, the kept ones as events."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core import random
from crosshook.core.assemble import events_histogram
from crosshook.core.driving.files import ROUNDING
from crosshook.core.driving.normalisation import combined
from crosshook.core.generation_result import GenerationResult, ProcessResult
from crosshook.core.histograms import finished
from crosshook.core.results import ChannelResult, IntegrationResult
from crosshook.core.statistics import Rule, chi_squared, efficiency
from crosshook.core.summarise import weight_spectrum
from crosshook.core.training_result import TrainingResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.config import HistogramSpec
    from crosshook.core.driving.files import Written
    from crosshook.core.driving.tally import Tally
    from crosshook.core.generation_result import FileResult, ProgramBatch
    from crosshook.core.histograms import Histogram
    from crosshook.core.statistics import Efficiency

REPORTED: tuple[tuple[Rule, float], ...] = (
    ("excess-share", 1e-3),
    ("carried-share", 1e-3),
    ("maximum", 0.0),
)
NOTHING_TRAINED = TrainingResult(0, (), 0.0, 0, True, ("the program samples by itself",), 0.0)


def run_cross_section(batches: Sequence[ProgramBatch]) -> tuple[float, float]:
    """σ of all batches and its error in pb."""
    return combined([(b.points, b.cross_section, b.error) for b in batches])


def shares(tallies: Sequence[Tally]) -> dict[int, float]:
    """Parts of the processes in Σ w, by process id."""
    weight = np.concatenate([t.weight for t in tallies])
    ids = np.concatenate([t.process_id for t in tallies])
    total = float(weight.sum())
    return {n: float(weight[ids == n].sum()) / total for n in np.unique(ids).tolist()}


def integration_of(
    batches: Sequence[ProgramBatch],
    tallies: Sequence[Tally],
    histograms: tuple[HistogramSpec, ...],
    name: str,
    seed: int,
    seconds: float,
) -> IntegrationResult:
    """The weighted events as an integration: points are what the program tried.

    Args:
        batches: of events.
        tallies: what was counted of them.
        histograms: that were filled.
        name: of the program.
        seed: for bootstrap errors.
        seconds: wall time.
    """
    weight = np.concatenate([t.weight for t in tallies])
    size = np.abs(weight)
    points = sum(b.points for b in batches)
    sigma, error = run_cross_section(batches)
    share = len(weight) / points
    # Relative error of the share of points that are events, a binomial number.
    scatter = math.sqrt(max(1.0 - share, 0.0) / len(weight))
    kish = float(weight.sum()) ** 2 / (points * float((size**2).sum()))
    values = np.array([b.cross_section for b in batches])
    chi2, dof = chi_squared(values, np.array([b.error for b in batches]))
    rng = random.stream(seed, "bootstrap", 0)
    found = [efficiency([weight], rule, parameter, rng=rng) for rule, parameter in REPORTED]
    zeros = int(np.count_nonzero(size == 0))
    running = tuple(
        (int(sum(b.points for b in batches[:i])), *run_cross_section(batches[:i]))
        for i in range(1, len(batches) + 1)
    )
    largest = float(size.max())
    return IntegrationResult(
        cross_section=sigma,
        error=error,
        evaluations=int(points),
        chi_squared=chi2,
        degrees_of_freedom=dof,
        channels=(ChannelResult(name, 1.0, int(points), sigma, error, largest, zeros),),
        cut_efficiency=(len(weight) - zeros) / points,
        invalid=0,
        negative_share=float(size[weight < 0].sum() / size.sum()),
        # The program's points without an event have weight 0, wherever they were left out.
        efficiencies=tuple(
            replace(
                e,
                value=e.value * share,
                error=share * math.hypot(_beyond_rounding(e), e.value * scatter),
                after_cuts=e.after_cuts,
                points=int(points),
            )
            for e in found
        ),
        mean_over_max=float(size.mean()) * share / largest,
        kish=kish,
        relative_deviation=math.sqrt(max(1 / kish - 1.0, 0.0)),
        histograms=_weighted(tallies, histograms, points),
        spectrum=weight_spectrum([weight], np.ones(1)),
        seconds=seconds,
        running=running,
    )


def _beyond_rounding(found: Efficiency) -> float:
    """The error, 0 for equal weights."""
    return found.error if found.error > ROUNDING * found.value else 0.0


def _weighted(
    tallies: Sequence[Tally], histograms: tuple[HistogramSpec, ...], points: float
) -> tuple[Histogram, ...]:
    made = []
    for i, spec in enumerate(histograms):
        totals, squares = np.sum([t.histograms[i][0] for t in tallies], axis=0)
        variance = (squares / points - (totals / points) ** 2) / max(points - 1, 1)
        made.append(finished(spec, totals / points, variance))
    return tuple(made)


def generation_of(
    batches: Sequence[ProgramBatch],
    written: Written,
    histograms: tuple[HistogramSpec, ...],
    parts: dict[int, float],
    rule: tuple[str, ...],
    files: tuple[FileResult, ...],
    seconds: float,
    notes: tuple[str, ...],
) -> GenerationResult:
    """The events that were written.

    Args:
        batches: of the program's events.
        written: the files' content.
        histograms: that were filled.
        parts: of the processes in σ.
        rule: what the unweighter said.
        files: written.
        seconds: wall time.
        notes: what a reader must know.
    """
    sigma, error = run_cross_section(batches)
    kept, points = sum(b.kept for b in batches), sum(b.points for b in batches)
    return GenerationResult(
        events=written.events,
        surplus=kept - written.events,
        evaluations=int(points),
        pilot=batches[0].events,
        efficiency=kept / points,
        rule=rule,
        overweights=written.overweights,
        overweight_share=written.overweight_share,
        kish=written.kish,
        cross_section=sigma,
        error=error,
        processes=tuple(
            ProcessResult(n, "", sigma * share, error * math.sqrt(abs(share)))
            for n, share in sorted(parts.items())
        ),
        variations=(),
        histograms=tuple(
            events_histogram(h, sums, written.total, written.squares, written.events)
            for h, sums in zip(histograms, written.histograms, strict=True)
        ),
        files=files,
        seconds=seconds,
        notes=notes,
    )
