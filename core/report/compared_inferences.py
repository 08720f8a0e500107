"""Inferences of the same parameters side by side: likelihoods, intervals, settings that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.errors import InputError
from crosshook.core.report.differences import settings_table
from crosshook.core.report.inference import (
    HIGHEST,
    interval_name,
    segments_text,
    threshold_of,
    with_interval,
)
from crosshook.core.report.inference_figures import Line, LinesFigure
from crosshook.core.report.numbers import count, plain
from crosshook.core.report.sections import Fact, Headline, Section, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.inference.result import InferenceReport

ASIDE = frozenset({"output.directory"})


def inferences_headline(names: Sequence[str], reports: Sequence[InferenceReport]) -> Headline:
    """The first parameter as each found it."""
    first = next(p for p in reports[0].parameters if not p.nuisance)
    facts = tuple(
        Fact(name, with_interval(found), f"{first.name}, {interval_name(found)}")
        for name, report in zip(names[1:], reports[1:], strict=True)
        for found in report.parameters
        if found.name == first.name
    )
    return Headline(
        reports[0].title,
        f"{len(reports)} inferences side by side",
        f"{first.name} = {with_interval(first)}",
        f"best fit of {names[0]} with its {interval_name(first)}",
        facts,
    )


def inferences_sections(names: Sequence[str], reports: Sequence[InferenceReport]) -> list[Section]:
    """Likelihoods, intervals, settings.

    Raises:
        InputError: if they have no parameter in common.
    """
    sets = [{p.name for p in report.parameters} for report in reports]
    common = [p.name for p in reports[0].parameters if all(p.name in known for known in sets)]
    if not common:
        told = "; ".join(f"{n}: {', '.join(sorted(s))}" for n, s in zip(names, sets, strict=True))
        message = f"inferences without a common parameter: {told}"
        raise InputError(message)
    rows = tuple(
        (
            found.name,
            name,
            count(report.events),
            plain(found.best, 5),
            f"{interval.level:.2%}",
            interval.method.capitalize(),
            segments_text(interval),
        )
        for parameter in common
        for name, report in zip(names, reports, strict=True)
        for found in report.parameters
        if found.name == parameter
        for interval in found.intervals
    )
    table = Table(
        "Best fits, other parameters profiled",
        ("parameter", "inference", "events", "best fit", "level", "method", "interval"),
        rows,
        frozenset({2, 3, 4}),
    )
    figures = tuple(_curves(name, names, reports) for name in common)
    settings = settings_table(names, [r.configuration for r in reports], ASIDE)
    return [
        Section("likelihood", "Likelihood", tables=(table,), figures=figures),
        Section(
            "settings",
            "Settings",
            "" if settings else "The inferences have the same settings.",
            tables=(settings,) if settings else (),
        ),
    ]


def _curves(
    parameter: str, names: Sequence[str], reports: Sequence[InferenceReport]
) -> LinesFigure:
    found = [p for report in reports for p in report.parameters if p.name == parameter]
    lines = tuple(Line(name, p.values, p.statistic) for name, p in zip(names, found, strict=True))
    return LinesFigure(
        id=f"likelihood-{parameter}",
        title=f"Likelihood of {parameter}",
        caption=f"Profiles of {parameter}; dotted: Wilks' thresholds.",
        alternative="; ".join(
            f"{name}: lowest at {plain(p.best, 4)}" for name, p in zip(names, found, strict=True)
        ),
        axis=parameter,
        ordinate=r"$-2\,\Delta\ln L$",
        lines=lines,
        levels=tuple((f"{level:.1%}", threshold_of(level)) for level in reports[0].levels),
        highest=HIGHEST,
        from_zero=True,
    )
