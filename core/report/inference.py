"""The report of an inference: likelihoods, intervals, integrals, σ_fid, pseudo-experiments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import yaml

from crosshook.core.report.figures import BarsFigure, Figure, Series
from crosshook.core.report.html import render_page, write_page
from crosshook.core.report.inference_detectors import detector_sections
from crosshook.core.report.inference_figures import Line, LinesFigure
from crosshook.core.report.numbers import count, duration, measured, moment, percent, plain
from crosshook.core.report.sections import Fact, Headline, Section, Table, Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.core.inference.result import (
        CrossSectionResult,
        InferenceReport,
        IntegralsResult,
        IntervalResult,
        ParameterResult,
        ToyResult,
    )

HIGHEST = 12.0
"""−2 Δlog L at which curves end."""
METHODS = {"mem": "matrix-element method"}


def write_inference_html(report: InferenceReport, path: Path) -> None:
    """Draws the report.

    Raises:
        OutputError: if the file cannot be written.
    """
    version = report.versions.get("crosshook", "")
    write_page(render_page(headline(report), sections(report), version), path)


def headline(report: InferenceReport) -> Headline:
    """The first parameter and the numbers that matter."""
    first = next(p for p in report.parameters if not p.nuisance)
    facts = []
    if report.integrals is not None:
        integrals = report.integrals
        facts.append(
            Fact("effective points", percent(integrals.effective), f"of {integrals.points}")
        )
        if math.isfinite(integrals.milliseconds):
            facts.append(
                Fact("an event", f"{plain(integrals.milliseconds, 3)} ms", "all parameter points")
            )
    tested = [toy for toy in report.toys if toy.parameter == first.name]
    if tested:
        mean = sum(toy.coverage[0][0] for toy in tested) / len(tested)
        facts.append(
            Fact("coverage", percent(mean), f"of {report.levels[0]:.1%} intervals by Wilks")
        )
    method = METHODS.get(report.method, report.method)
    return Headline(
        report.title,
        f"{method} · {count(report.events)} events, {report.data} · seed {report.seed} · "
        f"{moment(report.created)}",
        f"{first.name} = {with_interval(first)}",
        f"best fit with its {interval_name(first)}",
        tuple(facts),
        report.notes,
    )


def sections(report: InferenceReport) -> list[Section]:
    """Every section, in the order people ask."""
    made = [_likelihood(report)]
    if report.toys:
        made.append(_pseudo_experiments(report))
    if report.integrals is not None:
        made.append(_integrals(report.integrals))
    if report.cross_sections:
        made.append(_cross_sections(report.cross_sections))
    made += detector_sections(report.judged)
    return [*made, _provenance(report)]


def quoted(found: ParameterResult) -> IntervalResult:
    """The interval at the first level: Neyman's if there is one, which covers where Wilks' may not."""
    level = found.intervals[0].level
    return next(
        (i for i in found.intervals if i.method == "neyman" and i.level == level and i.segments),
        found.intervals[0],
    )


def interval_name(found: ParameterResult) -> str:
    """What the quoted interval is, e.g. `68.3% interval (Neyman)`."""
    interval = quoted(found)
    return f"{interval.level:.1%} interval" + (" (Neyman)" if interval.method == "neyman" else "")


def with_interval(found: ParameterResult) -> str:
    """The best fit with its quoted interval, e.g. `0.471 (+0.082, −0.084)`."""
    parts = quoted(found).segments
    low, high = parts[0]
    period = found.period or 0.0
    turned = (found.best, found.best - period, found.best + period)
    best = next((value for value in turned if low <= value <= high), None)
    if len(parts) == 1 and best is not None:
        up, down = high - best, best - low
        digits = max(0, 1 - math.floor(math.log10(max(up, down, 1e-300))))
        return f"{best:.{digits}f} (+{up:.{digits}f}, −{down:.{digits}f})"
    return plain(found.best, 4)


def segments_text(interval: IntervalResult) -> str:
    """Its parts, e.g. `[0.387, 0.553]`."""
    return " and ".join(f"[{plain(low, 4)}, {plain(high, 4)}]" for low, high in interval.segments)


def intervals_table(report: InferenceReport) -> Table:
    """Best fits with their intervals at every level."""
    rows = tuple(
        (
            found.name,
            plain(found.best, 5),
            f"{interval.level:.2%}",
            interval.method.capitalize(),
            segments_text(interval),
        )
        for found in report.parameters
        for interval in found.intervals
    )
    return Table(
        "Confidence intervals, other parameters profiled",
        ("parameter", "best fit", "level", "method", "interval"),
        rows,
        frozenset({1, 2}),
    )


def _likelihood(report: InferenceReport) -> Section:
    facts = [Fact("events", count(report.events), report.data)]
    facts += [
        Fact(f"transfer function of {name}" if len(report.detectors) > 1 else "detector", words)
        for name, words in report.detectors.items()
    ]
    for found in report.parameters:
        if report.ensemble > 1:
            facts.append(
                Fact(
                    f"{found.name}: networks",
                    plain(found.ensemble_deviation, 2),
                    f"standard deviation of the best fit among {report.ensemble}",
                )
            )
        if found.at_edge:
            facts.append(Fact(f"{found.name}: best fit", "at the edge", "of the scanned range"))
    figures = tuple(_curve(report, found) for found in report.parameters)
    lead = (
        "−2 Δlog L of the data. The band is the standard error that the integrals of the events "
        "and σ_fid leave; thin lines are the networks of an ensemble."
    )
    return Section(
        "likelihood", "Likelihood", lead, tuple(facts), (intervals_table(report),), figures
    )


def _curve(report: InferenceReport, found: ParameterResult) -> LinesFigure:
    errors = [
        math.hypot(a, b)
        for a, b in zip(found.integral_error, found.cross_section_error, strict=True)
    ]
    band = zip(found.statistic, errors, strict=True)
    low, high = zip(*((max(s - e, 0.0), s + e) for s, e in band), strict=True)
    levels = tuple((f"{level:.1%}", threshold_of(level)) for level in report.levels)
    marks = [("best fit", found.best)]
    if found.truth is not None:
        marks.append(("truth", found.truth))
    return LinesFigure(
        id=f"likelihood-{found.name}",
        title=f"Likelihood of {found.name}",
        caption=f"Profile of {found.name}; dotted: Wilks' thresholds.",
        alternative=(
            f"Lowest at {plain(found.best, 4)}; "
            + "; ".join(
                f"{i.level:.1%} by {i.method}: {segments_text(i)}" for i in found.intervals
            )
        ),
        axis=found.name,
        ordinate=r"$-2\,\Delta\ln L$",
        lines=(Line("likelihood", found.values, found.statistic, low, high),),
        faint=tuple(Line("", found.values, member) for member in found.members),
        levels=levels,
        marks=tuple(marks),
        highest=HIGHEST,
        from_zero=True,
    )


def threshold_of(level: float) -> float:
    """Wilks' threshold; see `crosshook.core.inference.profile.threshold`."""
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + level) / 2) ** 2


def _pseudo_experiments(report: InferenceReport) -> Section:
    tables: list[Table] = []
    figures: list[Figure] = []
    for name in dict.fromkeys(toy.parameter for toy in report.toys):
        toys = [toy for toy in report.toys if toy.parameter == name]
        tables.append(_toy_table(name, toys, report.levels))
        figures += [_coverage(name, toys, report.levels), _ranks(name, toys)]
    lead = (
        "Data sets of simulated events, as many as there are data, fitted like the data: how often "
        "Wilks' intervals hold the truth, and how far estimates are from it. Neyman's intervals "
        "have the right coverage at these true values by construction, within the errors of the "
        "coverage shown, and are what is quoted above."
    )
    return Section(
        "pseudo-experiments", "Pseudo-experiments", lead, (), tuple(tables), tuple(figures)
    )


def _toy_table(name: str, toys: Sequence[ToyResult], levels: Sequence[float]) -> Table:
    columns = ("truth", *(f"in {level:.1%}" for level in levels), "bias", "half width", "pulls")
    rows = tuple(
        (
            plain(toy.truth, 4),
            *(percent(value, error) for value, error in toy.coverage),
            measured(toy.bias, toy.bias_error),
            plain(toy.width, 3),
            f"{plain(toy.pull_mean, 2)} ± {plain(toy.pull_deviation, 3)}",
        )
        for toy in toys
    )
    caption = (
        f"{name}: {count(toys[0].experiments)} data sets of {toys[0].events:.0f} events each; "
        "pulls as mean ± standard deviation"
    )
    return Table(caption, columns, rows, frozenset(range(len(columns))))


def _coverage(name: str, toys: Sequence[ToyResult], levels: Sequence[float]) -> LinesFigure:
    lines = []
    for i, level in enumerate(levels):
        value = tuple(100 * toy.coverage[i][0] for toy in toys)
        low = tuple(100 * (toy.coverage[i][0] - toy.coverage[i][1]) for toy in toys)
        high = tuple(100 * (toy.coverage[i][0] + toy.coverage[i][1]) for toy in toys)
        places = tuple(toy.truth for toy in toys)
        lines.append(Line(f"{level:.1%}", places, value, low, high, points=True))
    return LinesFigure(
        id=f"coverage-{name}",
        title=f"Coverage of {name}",
        caption=(
            "Share of Wilks' intervals that hold the truth; "
            "errors count events that data sets share."
        ),
        alternative="; ".join(
            f"at {plain(toy.truth, 3)}: " + ", ".join(percent(v) for v, _ in toy.coverage)
            for toy in toys
        ),
        axis=f"true {name}",
        ordinate="coverage [%]",
        lines=tuple(lines),
        levels=tuple(("", 100 * level) for level in levels),
    )


def _ranks(name: str, toys: Sequence[ToyResult]) -> BarsFigure:
    counts = [sum(toy.ranks[i] for toy in toys) for i in range(len(toys[0].ranks))]
    total = max(sum(counts), 1)
    share = 1 / len(counts)
    expected = 100 * math.sqrt(share * (1 - share) / total)
    return BarsFigure(
        id=f"ranks-{name}",
        title=f"Signed roots of {name}",
        caption="Φ(±√(−2 Δlog L)) of the truth in ten equal bins, 10 % each if Wilks is right.",
        alternative=", ".join(percent(n / total) for n in counts),
        names=tuple(f"{i / 10:.1f} to {(i + 1) / 10:.1f}" for i in range(len(counts))),
        panels=(
            Series(
                "data sets [%]",
                tuple(100 * n / total for n in counts),
                (expected,) * len(counts),
            ),
        ),
    )


def _integrals(found: IntegralsResult) -> Section:
    facts = [
        Fact("points", count(found.points), "of an event, shared by all parameter points"),
        Fact("effective", percent(found.effective), "(Σw)²/(N Σw²), mean"),
        Fact("smallest", percent(found.smallest), "of all events and parameter points"),
        Fact("uniform points", percent(found.uniform), "effective without a proposal"),
        Fact("error", percent(found.relative_error), "of p(x|θ), root mean square"),
    ]
    if math.isfinite(found.milliseconds):
        facts.append(
            Fact("time", f"{plain(found.milliseconds, 3)} ms", "of one processor, an event")
        )
    total = max(sum(found.counts), 1)
    middle = [(a + b) / 2 for a, b in zip(found.edges, found.edges[1:], strict=False)]
    figure = LinesFigure(
        id="effective",
        title="Effective points",
        caption="Effective share of an event's points, mean over parameter points.",
        alternative=f"Mean {percent(found.effective)}, smallest {percent(found.smallest)}.",
        axis="effective share of points",
        ordinate="events [%]",
        lines=(Line("events", tuple(middle), tuple(100 * n / total for n in found.counts)),),
        from_zero=True,
    )
    names = tuple(found.worst[0].values) if found.worst else ()
    table = Table(
        "Events with the least certain integrals",
        ("event", "error of p", "smallest effective", "ln p", *names),
        tuple(
            (
                str(event.number),
                percent(event.relative_error),
                percent(event.effective),
                plain(event.log_p, 4),
                *(plain(value, 4) for value in event.values.values()),
            )
            for event in found.worst
        ),
        frozenset(range(4 + len(names))),
    )
    lead = "Each event's integral over what may have happened, by importance sampling."
    return Section("integrals", "Integrals", lead, tuple(facts), (table,), (figure,))


def _cross_sections(found: Sequence[CrossSectionResult]) -> Section:
    figures = tuple(
        LinesFigure(
            id=f"cross-section-{each.process}-{each.parameter}",
            title=f"σ_fid of {each.process}",
            caption=f"Accepted cross section of {each.process} against {each.parameter}.",
            alternative=(
                f"Between {plain(min(each.cross_section), 4)} and "
                f"{plain(max(each.cross_section), 4)} pb."
            ),
            axis=each.parameter,
            ordinate=r"$\sigma_{\mathrm{fid}}$ [pb]",
            lines=(
                Line(
                    each.process,
                    each.values,
                    each.cross_section,
                    tuple(v - e for v, e in zip(each.cross_section, each.error, strict=True)),
                    tuple(v + e for v, e in zip(each.cross_section, each.error, strict=True)),
                ),
            ),
        )
        for each in found
    )
    largest = max(
        e / v for each in found for v, e in zip(each.cross_section, each.error, strict=True)
    )
    facts = (Fact("largest error", percent(largest), "relative, from independent nets"),)
    lead = "∫ dσ(θ) ε(z): what makes densities of accepted events integrate to 1."
    return Section("cross-sections", "Accepted cross sections", lead, facts, (), figures)


def _provenance(report: InferenceReport) -> Section:
    facts = (
        *(Fact(name, version) for name, version in report.versions.items()),
        Fact("seed", str(report.seed)),
        Fact("wall time", duration(report.seconds)),
        Fact("processor time", duration(report.processor_seconds)),
    )
    text = yaml.safe_dump(report.configuration, sort_keys=False, allow_unicode=True)
    return Section("provenance", "Provenance", "", facts, texts=(Text("resolved run file", text),))
