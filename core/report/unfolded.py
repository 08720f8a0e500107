"""The report of an unfolding: the result, its distributions, and whether to trust it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import yaml

from crosshook.core.report.figures import CurveFigure, Figure, Series
from crosshook.core.report.html import render_page, write_page
from crosshook.core.report.numbers import count, duration, measured, moment, percent, plain
from crosshook.core.report.sections import Fact, Headline, Section, Table, Text
from crosshook.core.report.unfolding import unfolding_facts, unfolding_sections
from crosshook.core.report.unfolding_figures import BandsFigure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.core.unfolding.result import UnfoldedHistogram, UnfoldReport


def write_unfold_html(report: UnfoldReport, path: Path) -> None:
    """Draws the report.

    Raises:
        OutputError: if the file cannot be written.
    """
    version = report.versions.get("crosshook", "")
    write_page(render_page(headline(report), sections(report), version), path)


def headline(report: UnfoldReport) -> Headline:
    """The number of true events and what it was made from."""
    counts = report.counts
    facts = (
        Fact("measured", plain(counts.measured_sum, 6), f"{count(counts.measured)} events"),
        Fact("simulated", count(counts.simulated), "events with truth or reconstruction"),
        Fact(
            "efficiency",
            percent(counts.simulated_both / counts.simulated_truth),
            "of the simulated truth is reconstructed",
        ),
    )
    return Headline(
        report.title,
        f"{report.method} · {', '.join(report.truth)} · seed {report.seed} · {moment(report.created)}",
        total_of(report),
        "true events in the fiducial region",
        (*facts, *unfolding_facts(report.diagnostics)),
        (*report.diagnostics.warnings, *report.notes),
    )


def total_of(report: UnfoldReport) -> str:
    """The sum of weights with its error, if one is known."""
    if math.isfinite(report.total_error):
        return measured(report.total, report.total_error)
    return plain(report.total, 6)


def sections(report: UnfoldReport) -> list[Section]:
    """Every section, in the order people ask."""
    shown = {(spectra.name, spectra.edges) for spectra in report.diagnostics.spectra}
    others = [f for f in report.histograms if (f.observable, f.edges) not in shown]
    return [
        *([_distributions(others)] if others else []),
        *unfolding_sections(report.diagnostics),
        _inputs(report),
        _training(report),
        _provenance(report),
    ]


def histogram_figure(found: UnfoldedHistogram) -> BandsFigure:
    """The unfolded distribution with its bands, and the simulation over it."""
    nothing = (math.nan,) * len(found.values)
    bands = (("total", found.total_errors), ("statistical", statistical_errors(found)))
    known = any(math.isfinite(error) for error in found.total_errors)
    return BandsFigure(
        id="unfolded-" + re.sub(r"\W+", "-", found.name),
        title=found.name,
        caption="Unfolded." if known else "Unfolded. No replica tells its errors.",
        alternative=_in_words(found),
        axis=found.label,
        unit=found.unit,
        edges=found.edges,
        nominal=Series("unfolded", found.values, nothing),
        bands=bands if known else (),
        others=(Series("simulation", found.prior, nothing),) if found.prior else (),
    )


def statistical_errors(found: UnfoldedHistogram) -> tuple[float, ...]:
    """Errors from measured and simulated events together; NaN where neither is known."""
    made = []
    for data, simulation in zip(found.data_errors, found.simulation_errors, strict=True):
        parts = [error for error in (data, simulation) if math.isfinite(error)]
        made.append(math.hypot(*parts) if parts else math.nan)
    return tuple(made)


def _in_words(found: UnfoldedHistogram) -> str:
    total = sum(found.values)
    middle = sum(
        v * (a + b) / 2
        for v, a, b in zip(found.values, found.edges, found.edges[1:], strict=False)
    )
    mean = plain(middle / total, 4) if total else "unknown"
    return f"{plain(total, 6)} events on the axis, mean {mean} {found.unit}".rstrip() + "."


def _distributions(histograms: Sequence[UnfoldedHistogram]) -> Section:
    figures: tuple[Figure, ...] = tuple(histogram_figure(found) for found in histograms)
    lead = "What was not unfolded itself, or in other bins, weighted with the result."
    return Section("distributions", "Further distributions", lead, figures=figures)


def _inputs(report: UnfoldReport) -> Section:
    counts = report.counts
    rows = (
        ("simulated", count(counts.simulated), ""),
        ("… with truth", count(counts.with_truth), plain(counts.simulated_truth, 6)),
        ("… with both", count(counts.with_both), plain(counts.simulated_both, 6)),
        (
            "… fakes",
            count(counts.with_reco - counts.with_both),
            plain(counts.simulated_fakes, 6),
        ),
        ("measured", count(counts.measured), plain(counts.measured_sum, 6)),
        ("background", count(counts.background), plain(counts.background_sum, 6)),
    )
    table = Table(
        "Events that went in", ("events", "number", "sum of weights"), rows, frozenset({1, 2})
    )
    facts = (
        Fact("truth", ", ".join(report.truth), "columns that are unfolded"),
        Fact("reconstruction", ", ".join(report.reco), "columns that are used"),
    )
    return Section("inputs", "Events", "", facts, (table,))


def _training(report: UnfoldReport) -> Section:
    facts = [
        Fact(
            "fit",
            duration(report.fit_seconds),
            f"wall time; {duration(report.fit_processor_seconds)} of one processor",
        ),
        Fact("iterations", count(report.iterations), "all kept"),
    ]
    facts.extend(
        Fact(name.replace("_", " "), count(number), "columns of weights")
        for name, number in report.families.items()
        if name not in ("nominal", "iteration")
    )
    figures: tuple[Figure, ...] = ()
    if report.losses:
        figures = (
            CurveFigure(
                id="unfold-loss",
                title="Loss",
                caption="Loss of the nominal fit, as its method reports it.",
                alternative=f"From {plain(report.losses[0], 3)} to {plain(report.losses[-1], 3)}.",
                axis="step",
                name="loss",
                values=report.losses,
            ),
        )
    return Section("training", "Fits", "", tuple(facts), (), figures)


def _provenance(report: UnfoldReport) -> Section:
    facts = (
        *(Fact(name, version) for name, version in report.versions.items()),
        Fact("seed", str(report.seed)),
        *(
            Fact(name, digest[:16], "SHA-256, its beginning")
            for name, digest in report.files.items()
        ),
    )
    text = yaml.safe_dump(report.configuration, sort_keys=False, allow_unicode=True)
    return Section("provenance", "Provenance", "", facts, texts=(Text("resolved run file", text),))
