"""The report of a trained surrogate: how far off it is, and whether its errors say so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import yaml

from crosshook.core.report.figures import BarsFigure, CurveFigure, Figure, Series, SpectrumFigure
from crosshook.core.report.html import render_page, write_page
from crosshook.core.report.numbers import count, duration, moment, percent, plain
from crosshook.core.report.sections import Fact, Headline, Section, Table, Text

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.surrogates.evaluation import Deviations, Evaluation
    from crosshook.core.surrogates.result import SurrogateReport


def write_surrogate_html(report: SurrogateReport, path: Path) -> None:
    """Draws the report.

    Raises:
        OutputError: if the file cannot be written.
    """
    version = report.versions.get("crosshook", "")
    write_page(render_page(headline(report), sections(report), version), path)


def headline(report: SurrogateReport) -> Headline:
    """The median deviation and the numbers that matter."""
    judged = report.evaluation
    facts = [
        Fact("99 % of |Δ|", percent(judged.deviations.q99), "of the points held out"),
        Fact(
            "second stage",
            percent(judged.efficiency, judged.efficiency_error),
            "of events kept, 0.1 % of the sum of weights above either maximum",
        ),
    ]
    if judged.pull_width is not None:
        facts.append(Fact("pull width", plain(judged.pull_width, 3), "1 if errors are right"))
    facts.append(Fact("a prediction", f"{plain(judged.microseconds, 3)} µs", "batches of 2000"))
    return Headline(
        report.title,
        f"{report.component} · {count(report.points)} points {report.source} · "
        f"seed {report.seed} · {moment(report.created)}",
        percent(judged.deviations.median),
        "median of |predicted/true − 1| of |M|²",
        tuple(facts),
        report.notes,
    )


def sections(report: SurrogateReport) -> list[Section]:
    """Every section, in the order people ask."""
    made = [_accuracy(report.evaluation)]
    if report.evaluation.pull_width is not None:
        made.append(_calibration(report.evaluation))
    return [*made, _training(report), _provenance(report)]


def _accuracy(judged: Evaluation) -> Section:
    rows = tuple(
        (name, *(percent(v) for v in (d.median, d.q90, d.q99, d.largest)))
        for name, d in (("alike", judged.deviations), ("by weight", judged.weighted))
    )
    facts = [
        Fact("points", count(judged.n), "held out, with |M|² ≠ 0"),
        Fact("Kish's fraction", percent(judged.kish), "of the events two stages keep"),
    ]
    if judged.zeros:
        facts.append(Fact("zeros", count(judged.zeros), "points with |M|² = 0, not judged"))
    if judged.negative:
        facts.append(Fact("negative", percent(judged.negative), "of the points"))
        facts.append(Fact("wrong sign", percent(judged.wrong_sign), "of the points"))
    if judged.extrapolated is not None:
        middle = judged.extrapolated_median
        there = "" if middle is None else f"; median |Δ| there {percent(middle)}"
        facts.append(
            Fact("beyond the training", percent(judged.extrapolated), f"of the points{there}")
        )
    table = Table(
        "|Δ| = |predicted/true − 1|, points counted alike or in proportion to their weights in pb",
        ("points", "50 %", "90 %", "99 %", "largest"),
        rows,
        frozenset({1, 2, 3, 4}),
    )
    figure = SpectrumFigure(
        id="deviations",
        title="Deviations",
        caption="How far predictions are off, point by point.",
        alternative=_in_words(judged.deviations),
        axis=r"$|\Delta|$",
        edges=judged.spectrum_edges,
        lines=(("points held out", judged.spectrum),),
    )
    lead = "Points the training has not seen. What decides the gain is the tail, not the median."
    return Section("accuracy", "Accuracy", lead, tuple(facts), (table,), (figure,))


def _in_words(found: Deviations) -> str:
    return (
        f"Half of the points deviate by less than {percent(found.median)}, "
        f"99 % by less than {percent(found.q99)}."
    )


def _calibration(judged: Evaluation) -> Section:
    assert judged.pull_width is not None
    assert judged.pull_rms is not None
    names = tuple(f"±{plain(width, 3)} σ" for width, _, _ in judged.coverage)
    sizes = [math.sqrt(max(f * (1 - f), 0.0) / judged.n) for _, _, f in judged.coverage]
    table = Table(
        "Points whose deviation is within so many predicted σ",
        ("within", "expected", "found"),
        tuple(
            (name, percent(expected), percent(found, error))
            for name, (_, expected, found), error in zip(
                names, judged.coverage, sizes, strict=True
            )
        ),
        frozenset({1, 2}),
    )
    by_size = Table(
        "Pulls by predicted error, a tenth of the points each",
        ("σ predicted", "width", "rms"),
        tuple((percent(r.predicted), plain(r.width, 3), plain(r.rms, 3)) for r in judged.ranges),
        frozenset({0, 1, 2}),
    )
    nothing = math.nan
    bars = BarsFigure(
        id="coverage",
        title="Coverage",
        caption="Share of points within so many predicted σ, less what a Gaussian has.",
        alternative=(
            "Found less expected: "
            + ", ".join(
                f"{n} {percent(f - e)}"
                for n, (_, e, f) in zip(names, judged.coverage, strict=True)
            )
        ),
        names=names,
        panels=(
            Series(
                "found − expected [%]",
                tuple(100 * (f - e) for _, e, f in judged.coverage),
                tuple(100 * size for size in sizes),
            ),
        ),
    )
    widths = BarsFigure(
        id="pull-widths",
        title="Pulls by predicted error",
        caption="Width (68 % of the points) and rms of the pulls, a tenth of the points a row.",
        alternative=(
            f"Widths between {plain(min(r.width for r in judged.ranges), 3)} and "
            f"{plain(max(r.width for r in judged.ranges), 3)}."
        ),
        names=tuple(f"σ = {percent(r.predicted)}" for r in judged.ranges),
        panels=(
            Series(
                "width", tuple(r.width for r in judged.ranges), (nothing,) * len(judged.ranges)
            ),
            Series("rms", tuple(r.rms for r in judged.ranges), (nothing,) * len(judged.ranges)),
        ),
    )
    facts = (
        Fact("width", plain(judged.pull_width, 3), "half the interval with 68.27 % of the pulls"),
        Fact("rms", plain(judged.pull_rms, 3), "of all pulls: the tails lead"),
    )
    lead = (
        "A pull is the deviation of log|M|² over its predicted error: of width 1 if that is right."
    )
    return Section(
        "calibration", "Predicted errors", lead, facts, (table, by_size), (bars, widths)
    )


def _training(report: SurrogateReport) -> Section:
    facts = (
        Fact("points", count(report.points), report.source),
        Fact("gathering them", duration(report.point_seconds), "wall time"),
        Fact(
            "training",
            duration(report.training_seconds),
            f"wall time; {duration(report.training_processor_seconds)} of one processor",
        ),
    )
    figures: tuple[Figure, ...] = ()
    if report.losses:
        figures = (
            CurveFigure(
                id="loss",
                title="Loss",
                caption="Mean loss of stretches of steps.",
                alternative=f"From {plain(report.losses[0], 3)} to {plain(report.losses[-1], 3)}.",
                axis="stretch",
                name="loss",
                values=report.losses,
            ),
        )
    return Section("training", "Training", "", facts, (), figures)


def _provenance(report: SurrogateReport) -> Section:
    facts = (
        *(Fact(name, version) for name, version in report.versions.items()),
        Fact("seed", str(report.seed)),
        Fact("subprocesses", "; ".join(" ".join(map(str, pdg)) for pdg in report.pdg), "PDG ids"),
    )
    text = yaml.safe_dump(report.configuration, sort_keys=False, allow_unicode=True)
    return Section("provenance", "Provenance", "", facts, texts=(Text("resolved run file", text),))
