"""Surrogates of one process, or transfer functions of one detector, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.errors import InputError
from crosshook.core.report.differences import ABSENT, settings_table
from crosshook.core.report.figures import SpectrumFigure
from crosshook.core.report.numbers import count, duration, percent, plain
from crosshook.core.report.sections import Fact, Headline, Section, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.surrogates.result import SurrogateReport
    from crosshook.core.transfer.result import TransferReport

ASIDE = frozenset({"output.directory"})


def surrogates_headline(names: Sequence[str], reports: Sequence[SurrogateReport]) -> Headline:
    """The median deviations."""
    facts = tuple(
        Fact(name, percent(report.evaluation.deviations.median), report.component)
        for name, report in zip(names[1:], reports[1:], strict=True)
    )
    return Headline(
        reports[0].process,
        f"{len(reports)} surrogates side by side",
        percent(reports[0].evaluation.deviations.median),
        f"median of |predicted/true − 1| of |M|² by {names[0]} ({reports[0].component})",
        facts,
    )


def surrogates_sections(names: Sequence[str], reports: Sequence[SurrogateReport]) -> list[Section]:
    """Deviations, figures, settings.

    Raises:
        InputError: if they are of different processes.
    """
    _alike(names, [r.process for r in reports], "surrogates of different processes")
    judged = [r.evaluation for r in reports]
    rows = (
        ("component", *(r.component for r in reports)),
        ("points of the training", *(count(r.points) for r in reports)),
        ("points held out", *(count(e.n) for e in judged)),
        ("median |Δ|", *(percent(e.deviations.median) for e in judged)),
        ("90 % of |Δ|", *(percent(e.deviations.q90) for e in judged)),
        ("99 % of |Δ|", *(percent(e.deviations.q99) for e in judged)),
        ("kept by the second stage", *(percent(e.efficiency, e.efficiency_error) for e in judged)),
        (
            "pull width",
            *(ABSENT if e.pull_width is None else plain(e.pull_width, 3) for e in judged),
        ),
        ("a prediction", *(f"{plain(e.microseconds, 3)} µs" for e in judged)),
        *_ends(reports),
    )
    lines = tuple(
        (name, tuple(number / e.n for number in e.spectrum))
        for name, e in zip(names, judged, strict=True)
        if e.spectrum_edges == judged[0].spectrum_edges
    )
    told = "; ".join(f"{name}: {value}" for name, value in zip(names, rows[3][1:], strict=True))
    figure = SpectrumFigure(
        id="deviations",
        title="Deviations",
        caption="How far predictions are off, point by point.",
        alternative=f"Median deviations: {told}.",
        axis=r"$|\Delta|$",
        edges=judged[0].spectrum_edges,
        lines=lines,
        ordinate="share of the points",
        summed=False,
    )
    lead = "Each on the points that its own training held out."
    drawn = {name for name, _ in lines}
    if others := [name for name in names if name not in drawn]:
        lead += f" Not drawn, as their bins are others: {', '.join(others)}."
    accuracy = Section("accuracy", "Accuracy", lead, figures=(figure,))
    return [accuracy, _results(names, rows), _settings(names, reports)]


def transfers_headline(names: Sequence[str], reports: Sequence[TransferReport]) -> Headline:
    """The means of log T."""
    facts = tuple(
        Fact(name, _log_prob(report), report.component)
        for name, report in zip(names[1:], reports[1:], strict=True)
    )
    return Headline(
        "Transfer functions",
        f"{len(reports)} transfer functions side by side",
        _log_prob(reports[0]),
        f"mean of log T over the accepted events held out, by {names[0]} ({reports[0].component})",
        facts,
    )


def transfers_sections(names: Sequence[str], reports: Sequence[TransferReport]) -> list[Section]:
    """Figures and settings.

    Raises:
        InputError: if they are of different quantities: their densities have different units.
    """
    columns = [f"{', '.join(r.reco)} of {', '.join(r.truth)}" for r in reports]
    _alike(names, columns, "transfer functions of different quantities")
    judged = [r.evaluation for r in reports]
    worst = [min(e.ranks, key=lambda ranks: ranks.p_value) for e in judged]
    rows = (
        ("component", *(r.component for r in reports)),
        ("events of the training", *(count(r.events) for r in reports)),
        ("accepted", *(percent(r.accepted / r.events) for r in reports)),
        ("events held out", *(count(e.events) for e in judged)),
        ("mean of log T", *(_log_prob(r) for r in reports)),
        ("least likely ranks", *(f"p = {plain(w.p_value, 2)} ({w.name})" for w in worst)),
        ("a density", *(f"{plain(e.microseconds, 3)} µs" for e in judged)),
        ("a draw", *(f"{plain(e.draw_microseconds, 3)} µs" for e in judged)),
        *_ends(reports),
    )
    return [_results(names, rows), _settings(names, reports)]


def _log_prob(report: TransferReport) -> str:
    judged = report.evaluation
    return f"{judged.log_prob:.4f} ± {judged.log_prob_error:.4f}"


def _alike(names: Sequence[str], values: Sequence[str], what: str) -> None:
    if len(set(values)) > 1:
        told = "; ".join(f"{name}: {value}" for name, value in zip(names, values, strict=True))
        message = f"{what} cannot be compared: {told}"
        raise InputError(message)


def _ends(
    reports: Sequence[SurrogateReport] | Sequence[TransferReport],
) -> tuple[tuple[str, ...], ...]:
    return (
        ("time of the training", *(duration(r.training_seconds) for r in reports)),
        ("seed", *(str(r.seed) for r in reports)),
        ("crosshook", *(r.versions.get("crosshook", ABSENT) for r in reports)),
    )


def _results(names: Sequence[str], rows: tuple[tuple[str, ...], ...]) -> Section:
    numeric = frozenset(range(1, len(names) + 1))
    table = Table("Figures of the trainings", ("quantity", *names), rows, numeric)
    return Section("results", "Results", tables=(table,))


def _settings(
    names: Sequence[str], reports: Sequence[SurrogateReport] | Sequence[TransferReport]
) -> Section:
    settings = settings_table(names, [r.configuration for r in reports], ASIDE)
    return Section(
        "settings",
        "Settings",
        "" if settings else "The trainings have the same settings.",
        tables=(settings,) if settings else (),
    )
