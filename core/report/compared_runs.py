"""Runs of one process side by side: results, samplers, distributions and settings that differ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.errors import InputError
from crosshook.core.quantity import quantity_of
from crosshook.core.report.differences import ABSENT, settings_table
from crosshook.core.report.figures import BarsFigure, Figure, OverlayFigure, Series, SpectrumFigure
from crosshook.core.report.integration import chosen_efficiency, rule_name
from crosshook.core.report.numbers import count, duration, measured, percent, plain
from crosshook.core.report.run import cross_section
from crosshook.core.report.sections import Fact, Headline, Section, Table
from crosshook.core.statistics import chi_squared_probability

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crosshook.core.histograms import Histogram
    from crosshook.core.results import RunResult

    Row = tuple[str, Callable[[RunResult], str]]

PHYSICS = ("process", "beams", "scales", "cuts", "alpha_s", "particles", "variations")
"""Parts of a run file that say what is computed; the others say how."""
ASIDE = frozenset({"output.directory", "output.formats", "output.report"})
MILLION = 1_000_000


def check_comparable(names: Sequence[str], results: Sequence[RunResult]) -> None:
    """Runs of one process between the same beams.

    Raises:
        InputError: if they are of several.
    """
    for what, values in (
        ("processes", [result.process for result in results]),
        ("beams", ["{} {}".format(*result.beams) for result in results]),
    ):
        if len(set(values)) > 1:
            told = ", ".join(f"{n} has {v}" for n, v in zip(names, values, strict=True))
            message = f"runs of different {what} cannot be compared: {told}"
            raise InputError(message)


def runs_headline(names: Sequence[str], results: Sequence[RunResult]) -> Headline:
    """How well the cross sections agree."""
    quantity = quantity_of(results[0].beams)
    found = [cross_section(result) for result in results]
    chi_squared = _chi_squared_about_mean(found)
    probability = chi_squared_probability(chi_squared, len(found) - 1)
    if len(results) == 2:
        value = f"{plain(abs(_pull(found[1], found[0])), 3)} standard errors"
        label = f"difference of the {quantity.name}s"
    else:
        value = f"{plain(chi_squared, 3)} / {len(found) - 1}"
        label = f"χ²/dof of the {quantity.name}s about their mean"
    facts = [
        Fact(name, measured(*pair, quantity.unit), quantity.name)
        for name, pair in zip(names, found, strict=True)
    ]
    facts.append(Fact("probability", plain(probability, 2), "of a larger difference by chance"))
    table = settings_table(names, [_physics(result) for result in results])
    notes: tuple[str, ...] = ()
    if table is not None:
        keys = ", ".join(row[0] for row in table.rows)
        notes = (f"the runs do not compute the same: {keys} differ",)
    return Headline(
        results[0].process, f"{len(results)} runs side by side", value, label, tuple(facts), notes
    )


def runs_sections(names: Sequence[str], results: Sequence[RunResult]) -> list[Section]:
    """Every section of the comparison, in the order people ask."""
    sections = [_results(names, results)]
    figures = [
        figure
        for h in results[0].integration.histograms
        if (figure := _overlay(h.name, names, results)) is not None
    ]
    if figures:
        lead = (
            "Weighted integrations, errors as bands; below, ratios to the first. Samples are "
            "independent unless two runs share seed and sampler."
        )
        sections.append(Section("kinematics", "Kinematics", lead, figures=tuple(figures)))
    sections.append(_samplers(names, results))
    table = settings_table(names, [result.configuration for result in results], ASIDE)
    lead = "" if table else "The runs have the same settings."
    sections.append(Section("settings", "Settings", lead, tables=(table,) if table else ()))
    return sections


def _physics(result: RunResult) -> dict[str, object]:
    return {key: value for key, value in result.configuration.items() if key in PHYSICS}


def _results(names: Sequence[str], results: Sequence[RunResult]) -> Section:
    quantity = quantity_of(results[0].beams)
    first = cross_section(results[0])

    def events(show: Callable[..., str]) -> Callable[[RunResult], str]:
        return lambda r: ABSENT if r.generation is None else show(r.generation)

    rows: list[Row] = [
        (f"{quantity.name} [{quantity.unit}]", lambda r: measured(*cross_section(r))),
        (
            f"from {names[0]}, in standard errors",
            lambda r: ABSENT if r is results[0] else plain(_pull(cross_section(r), first), 3),
        ),
        ("relative error", lambda r: percent(_relative(r))),
        *(_efficiency_row(rule, results) for rule in _rules(results)),
        ("Kish fraction", lambda r: percent(r.integration.kish)),
        (
            "relative deviation of the weights",
            lambda r: plain(r.integration.relative_deviation, 3),
        ),
        ("cut efficiency", lambda r: percent(r.integration.cut_efficiency)),
        ("points of the training", lambda r: count(r.training.evaluations)),
        ("points of the integration", lambda r: count(r.integration.evaluations)),
        ("events", events(lambda g: count(g.events))),
        ("points drawn for them", events(lambda g: count(g.evaluations))),
        ("overweight share", events(lambda g: percent(g.overweight_share))),
        ("time of the training", lambda r: duration(r.training.seconds)),
        ("time of the integration", lambda r: duration(r.integration.seconds)),
        ("time of the events", events(lambda g: duration(g.seconds))),
        ("wall time of the run", lambda r: duration(r.seconds)),
        ("seed", lambda r: str(r.seed)),
        ("crosshook", lambda r: r.versions.get("crosshook", ABSENT)),
    ]
    table = Table(
        "Figures of the runs",
        ("quantity", *names),
        tuple((label, *(show(result) for result in results)) for label, show in rows),
        frozenset(range(1, len(names) + 1)),
    )
    return Section("results", "Results", "", tables=(table,))


def _rules(results: Sequence[RunResult]) -> list[str]:
    """Rules of unweighting efficiencies, in order."""
    named = (rule_name(e) for r in results for e in r.integration.efficiencies)
    return list(dict.fromkeys(named))


def _efficiency_row(rule: str, results: Sequence[RunResult]) -> Row:
    def show(result: RunResult) -> str:
        found = (e for e in result.integration.efficiencies if rule_name(e) == rule)
        item = next(found, None)
        return ABSENT if item is None else percent(item.value, item.error)

    return f"ε, {rule}", show


def _overlay(
    name: str, names: Sequence[str], results: Sequence[RunResult]
) -> OverlayFigure | None:
    """An observable in all runs that have it in the bins of the first."""
    quantity = quantity_of(results[0].beams)
    found: list[tuple[str, Histogram]] = []
    for run, result in zip(names, results, strict=True):
        same = (h for h in result.integration.histograms if h.name == name)
        histogram = next(same, None)
        if histogram is not None and (not found or histogram.edges == found[0][1].edges):
            found.append((run, histogram))
    if len(found) < 2:
        return None
    first = found[0][1]
    agreements = [(run, *_agreement(first, other)) for run, other in found[1:]]
    words = "; ".join(
        f"{run}: χ² / bins = {plain(chi, 3)} / {bins}, probability "
        f"{plain(chi_squared_probability(chi, bins), 2)}"
        for run, chi, bins in agreements
    )
    per = f"/{first.unit}" if first.unit else ""
    label = first.label if first.label.startswith("$") else "x"
    return OverlayFigure(
        f"overlay-{name}",
        first.observable,
        f"Against {found[0][0]}, {words}.",
        f"Distributions of {first.observable} in {len(found)} runs. {words}.",
        first.label,
        first.unit,
        f"d{quantity.symbol}/d{label} [{quantity.unit}{per}]",
        first.edges,
        tuple(Series(run, h.values, h.errors) for run, h in found),
    )


def _agreement(first: Histogram, second: Histogram) -> tuple[float, int]:
    """χ² of two independent histograms and the bins in it."""
    columns = zip(first.values, first.errors, second.values, second.errors, strict=True)
    terms = [
        (a - b) ** 2 / (s * s + t * t)
        for a, s, b, t in columns
        if math.isfinite(a - b) and 0 < s * s + t * t < math.inf
    ]
    return sum(terms), len(terms)


def _samplers(names: Sequence[str], results: Sequence[RunResult]) -> Section:
    best = [chosen_efficiency(result.integration) for result in results]
    shown = next((e for e in best if e is not None), None)
    rule = rule_name(shown) if shown else "unweighting"
    nan = math.nan
    panels = (
        Series(
            f"ε, {rule} [%]",
            tuple(100 * e.value if e else nan for e in best),
            tuple(100 * e.error if e else nan for e in best),
        ),
        Series(
            "error × √points / mean",
            tuple(_relative_of_a_point(result) for result in results),
            (nan,) * len(results),
        ),
    )
    bars = BarsFigure(
        "samplers",
        "Samplers",
        "Unweighting efficiency, and the relative error of the integral that one point would "
        "leave: the smaller, the fewer points a precision takes.",
        "; ".join(
            f"{n}: efficiency {percent(e.value, e.error) if e else 'not known'}"
            for n, e in zip(names, best, strict=True)
        ),
        tuple(names),
        panels,
    )
    spectrum = _spectra(names, results)
    figures: tuple[Figure, ...] = (bars, spectrum) if spectrum else (bars,)
    return Section("samplers", "Weights and efficiency", figures=figures)


def _spectra(names: Sequence[str], results: Sequence[RunResult]) -> SpectrumFigure | None:
    """Spectra of the weights of all channels, in points per million."""
    first = results[0].integration.spectrum
    lines = []
    for name, result in zip(names, results, strict=True):
        spectrum = result.integration.spectrum
        total = sum(map(sum, spectrum.channels))
        if spectrum.edges != first.edges or not total:
            return None
        columns = zip(*spectrum.channels, strict=True)
        lines.append((name, tuple(MILLION * sum(c) / total for c in columns)))
    return SpectrumFigure(
        "weight-spectra",
        "Spectra of weights",
        "Weights over their mean, all channels, points with w ≠ 0. A short tail to the right is a "
        "good sampler.",
        f"Spectra of {len(lines)} runs.",
        r"$|w|\,/\,\langle|w|\rangle$",
        first.edges,
        tuple(lines),
        "points per million",
        summed=False,
    )


def _pull(one: tuple[float, float], other: tuple[float, float]) -> float:
    error = math.hypot(one[1], other[1])
    return (one[0] - other[0]) / error if error > 0 else math.nan


def _chi_squared_about_mean(found: Sequence[tuple[float, float]]) -> float:
    weights = [1 / e**2 if e > 0 else math.nan for _, e in found]
    mean = sum(w * v for w, (v, _) in zip(weights, found, strict=True)) / sum(weights)
    return sum(w * (v - mean) ** 2 for w, (v, _) in zip(weights, found, strict=True))


def _relative(result: RunResult) -> float:
    value, error = cross_section(result)
    return error / abs(value) if value else math.nan


def _relative_of_a_point(result: RunResult) -> float:
    found = result.integration
    if not found.cross_section:
        return math.nan
    return found.error / abs(found.cross_section) * math.sqrt(found.evaluations)
