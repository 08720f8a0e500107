"""Unfoldings of one measurement side by side: spectra, totals and settings that differ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.errors import InputError
from crosshook.core.report.differences import ABSENT, settings_table
from crosshook.core.report.figures import Figure, OverlayFigure, Series
from crosshook.core.report.numbers import count, duration, plain
from crosshook.core.report.sections import Fact, Headline, Section, Table
from crosshook.core.report.unfolded import total_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.unfolding.result import UnfoldedHistogram, UnfoldReport

ASIDE = frozenset({"output.directory"})


def unfoldings_headline(names: Sequence[str], reports: Sequence[UnfoldReport]) -> Headline:
    """The numbers of true events."""
    facts = tuple(
        Fact(name, total_of(report), report.method)
        for name, report in zip(names[1:], reports[1:], strict=True)
    )
    return Headline(
        reports[0].title,
        f"{len(reports)} unfoldings side by side",
        total_of(reports[0]),
        f"true events in the fiducial region by {names[0]} ({reports[0].method})",
        facts,
    )


def unfoldings_sections(names: Sequence[str], reports: Sequence[UnfoldReport]) -> list[Section]:
    """Spectra, figures, settings.

    Raises:
        InputError: if they have no observable in common.
    """
    figures: list[Figure] = []
    for number, first in enumerate(reports[0].histograms):
        figure = _overlay(number, first, names, reports)
        if figure is not None:
            figures.append(figure)
    if not figures:
        told = "; ".join(
            f"{name}: {', '.join(h.observable for h in report.histograms)}"
            for name, report in zip(names, reports, strict=True)
        )
        message = f"unfoldings without a common observable in the same bins: {told}"
        raise InputError(message)
    rows = (
        ("method", *(r.method for r in reports)),
        ("true events", *(total_of(r) for r in reports)),
        ("measured events", *(count(r.counts.measured) for r in reports)),
        ("simulated events", *(count(r.counts.simulated) for r in reports)),
        ("iterations", *(str(r.iterations) for r in reports)),
        ("time of the fit", *(duration(r.fit_seconds) for r in reports)),
        ("seed", *(str(r.seed) for r in reports)),
        ("crosshook", *(r.versions.get("crosshook", ABSENT) for r in reports)),
    )
    table = Table(
        "Figures of the unfoldings",
        ("quantity", *names),
        rows,
        frozenset(range(1, len(names) + 1)),
    )
    settings = settings_table(names, [r.configuration for r in reports], ASIDE)
    lead = (
        "Sums of weights with their total errors as bands; below, ratios to the first. The errors "
        "are no measure of a difference where both saw the same events."
    )
    return [
        Section("spectra", "Unfolded spectra", lead, figures=tuple(figures)),
        Section("results", "Results", tables=(table,)),
        Section(
            "settings",
            "Settings",
            "" if settings else "The unfoldings have the same settings.",
            tables=(settings,) if settings else (),
        ),
    ]


def _overlay(
    number: int,
    first: UnfoldedHistogram,
    names: Sequence[str],
    reports: Sequence[UnfoldReport],
) -> OverlayFigure | None:
    found = []
    for name, report in zip(names, reports, strict=True):
        same = (
            h
            for h in report.histograms
            if (h.observable, h.edges) == (first.observable, first.edges)
        )
        histogram = next(same, None)
        if histogram is not None:
            found.append(Series(name, histogram.values, histogram.total_errors))
    if len(found) < 2:
        return None
    per = f" [1/{first.unit}]" if first.unit else ""
    sums = "; ".join(f"{line.name}: {plain(math.fsum(line.values), 5)}" for line in found)
    return OverlayFigure(
        f"overlay-{number}",
        first.name,
        f"Events on the axis, {sums}.",
        f"Unfolded {first.name} in {len(found)} unfoldings. Events on the axis, {sums}.",
        first.label,
        first.unit,
        f"events per bin width{per}",
        first.edges,
        tuple(found),
    )
