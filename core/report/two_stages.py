"""The report's section on the amplitude surrogate: its training, both stages, what they gained."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from crosshook.core.report.figures import BarsFigure, CurveFigure, Figure, Series
from crosshook.core.report.numbers import count, duration, percent, plain
from crosshook.core.report.sections import Fact, Section

if TYPE_CHECKING:
    from crosshook.core.generation_result import (
        GenerationResult,
        SurrogateResult,
        TwoStageResult,
    )

SLOWER = (1.0, 10.0, 100.0, 1000.0)
"""Amplitudes so many times as slow as the surrogate, for the picture."""


def two_stage_section(generation: GenerationResult) -> Section:
    """How an amplitude surrogate was trained, and what it was good for."""
    facts: list[Fact] = []
    figures: list[Figure] = []
    if generation.surrogate is not None:
        facts += _training(generation.surrogate)
    if generation.stages is not None:
        facts += _stages(generation.stages)
        if generation.stages.two_stages:
            figures.append(_gains(generation.stages))
    if generation.surrogate is not None and generation.surrogate.losses:
        figures.append(_loss(generation.surrogate))
    lead = (
        "Points are thinned out by the surrogate's weight; the exact one is computed for those that "
        "are left, and decides. No distribution depends on how good the surrogate is."
    )
    return Section("surrogate", "Amplitude surrogate", lead, tuple(facts), (), tuple(figures))


def _training(surrogate: SurrogateResult) -> list[Fact]:
    trained = f"trained on {count(surrogate.evaluations)} evaluations of |M|²"
    return [
        Fact(
            "surrogate", surrogate.component, trained if surrogate.evaluations else "not trained"
        ),
        Fact("time of its training", duration(surrogate.seconds)),
        *(Fact("note", note) for note in surrogate.notes),
    ]


def _stages(stages: TwoStageResult) -> list[Fact]:
    at_once = "" if stages.two_stages else "; of all points inside the cuts, in a single stage"
    sample = f"by rule {stages.rule}, of N = {count(stages.pilot)} points of the pilot"
    times = (stages.point_seconds, stages.surrogate_seconds, stages.exact_seconds)
    point, surrogate, exact = (f"{plain(1e6 * t, 3)} µs" for t in times)
    return [
        Fact("exact weights", count(stages.exact), f"computed in the generation{at_once}"),
        Fact("ε1", percent(stages.first), "exact weights per point drawn"),
        Fact("ε2", percent(stages.second), "events kept per exact weight"),
        Fact("α", percent(stages.kish), "Kish's fraction of the events"),
        Fact("ε of a single stage", percent(stages.single), sample),
        Fact("α of a single stage", percent(stages.single_kish), sample),
        Fact("a point", point, "mapping, phase space, cuts, densities"),
        Fact("its estimate", surrogate, "by the surrogate"),
        Fact("an exact weight", exact, "as computed for the points that are left"),
        Fact(
            "gain f_eff",
            plain(stages.gain, 3),
            "time of a single stage over that of two, for as many effective events; the pilot "
            f"promised {plain(stages.expected_gain, 3)}, and a surrogate without error would have "
            f"{plain(stages.ceiling, 3)}",
        ),
    ]


def _gain(stages: TwoStageResult, exact: float) -> float:
    """f_eff with these efficiencies and times, if an exact weight took so many seconds."""
    alone = (stages.point_seconds + stages.inside * exact) / (stages.single * stages.single_kish)
    cheap = stages.point_seconds + stages.surrogate_seconds
    kept = stages.first * stages.second
    return alone * stages.kish / (cheap / kept + exact / stages.second)


def _gains(stages: TwoStageResult) -> BarsFigure:
    values = tuple(_gain(stages, ratio * stages.surrogate_seconds) for ratio in SLOWER)
    names = tuple(f"{ratio:,.0f}" for ratio in SLOWER)
    described = ", ".join(f"{plain(v, 3)} at {n}" for n, v in zip(names, values, strict=True))
    return BarsFigure(
        "surrogate-gain",
        "When the surrogate pays",
        "Gain in time over a single stage with the efficiencies of this run, if an exact weight "
        "took 1 to 1,000 times as long as its estimate. Below 1 the surrogate costs time.",
        f"Gain by the ratio of the times: {described}.",
        names,
        (Series("$f_{eff}$", values, (math.nan,) * len(values)),),
    )


def _loss(surrogate: SurrogateResult) -> CurveFigure:
    losses = surrogate.losses
    n = max(1, len(losses) // 10)
    first, last = median(losses[:n]), median(losses[-n:])
    return CurveFigure(
        "surrogate-loss",
        "Loss of the amplitude surrogate",
        "Of its training, step by step.",
        f"{count(len(losses))} steps; the loss goes from {plain(first, 3)} to {plain(last, 3)}.",
        "step",
        "loss",
        losses,
    )
