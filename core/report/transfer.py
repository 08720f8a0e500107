"""The report of a trained transfer function: are its draws like the events, is its acceptance right?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import yaml

from crosshook.core.report.figures import BarsFigure, CurveFigure, Figure, Series
from crosshook.core.report.html import render_page, write_page
from crosshook.core.report.numbers import count, duration, moment, percent, plain
from crosshook.core.report.sections import Fact, Headline, Section, Table, Text
from crosshook.core.transfer.evaluation import MOST_EVENTS

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.transfer.evaluation import RankHistogram, TransferEvaluation
    from crosshook.core.transfer.result import TransferReport


def write_transfer_html(report: TransferReport, path: Path) -> None:
    """Draws the report.

    Raises:
        OutputError: if the file cannot be written.
    """
    version = report.versions.get("crosshook", "")
    write_page(render_page(headline(report), sections(report), version), path)


def headline(report: TransferReport) -> Headline:
    """The mean of log T and the numbers that matter."""
    judged = report.evaluation
    worst = min(judged.ranks, key=lambda ranks: ranks.p_value)
    facts = [
        Fact(
            "least likely ranks",
            f"p = {plain(worst.p_value, 2)}",
            f"{worst.name}, of {len(judged.ranks)} quantities",
        ),
        Fact("accepted", percent(report.accepted / report.events), "of the events"),
        Fact("a density", f"{plain(judged.microseconds, 3)} µs", "of one processor"),
    ]
    return Headline(
        "Transfer function",
        f"{report.component} · {count(report.events)} events · seed {report.seed} · "
        f"{moment(report.created)}",
        f"{judged.log_prob:.4f} ± {judged.log_prob_error:.4f}",
        "mean of log T over the accepted events held out",
        tuple(facts),
        report.notes,
    )


def sections(report: TransferReport) -> list[Section]:
    """Every section, in the order people ask."""
    made = [transfer_ranks(report.evaluation)]
    if report.evaluation.acceptance:
        made.append(transfer_acceptance(report.evaluation))
    return [*made, _training(report), _provenance(report)]


def transfer_ranks(judged: TransferEvaluation) -> Section:
    """Rank histograms with their χ² against uniform."""
    bins = len(judged.ranks[0].counts)
    table = Table(
        f"Ranks in {bins} bins; χ² against uniform has {bins - 1} degrees of freedom",
        ("quantity", "χ²", "p", "lowest bin", "highest bin"),
        tuple(
            (r.name, plain(r.chi2, 3), plain(r.p_value, 2), *_extremes(r)) for r in judged.ranks
        ),
        frozenset({1, 2, 3, 4}),
    )
    lead = (
        "The rank of each reconstructed value among draws from T for its own event. A valley in the "
        "middle: T is too narrow; a hill: too wide; a slope: it is shifted."
    )
    facts = (
        Fact(
            "events",
            count(min(judged.accepted, MOST_EVENTS)),
            f"of {count(judged.accepted)} accepted, {count(judged.events)} judged",
        ),
        Fact("a draw", f"{plain(judged.draw_microseconds, 3)} µs", "of one processor"),
    )
    figures = tuple(_histogram(number, ranks) for number, ranks in enumerate(judged.ranks))
    return Section("ranks", "Ranks", lead, facts, (table,), figures)


def _extremes(ranks: RankHistogram) -> tuple[str, str]:
    expected = sum(ranks.counts) / len(ranks.counts)
    return (
        percent(min(ranks.counts) / expected - 1),
        percent(max(ranks.counts) / expected - 1),
    )


def _histogram(number: int, ranks: RankHistogram) -> BarsFigure:
    bins = len(ranks.counts)
    expected = sum(ranks.counts) / bins
    error = 100 * math.sqrt((1 - 1 / bins) / max(expected, 1.0))
    return BarsFigure(
        id=f"ranks-{number}",
        title=f"Ranks of {ranks.name}",
        caption="Events in bins of the rank over what uniform ranks have, less 1.",
        alternative=f"χ² {plain(ranks.chi2, 3)} in {bins} bins, p = {plain(ranks.p_value, 2)}.",
        names=tuple(f"{i / bins:.2f}–{(i + 1) / bins:.2f}" for i in range(bins)),
        panels=(
            Series(
                "found/expected − 1 [%]",
                tuple(100 * (c / expected - 1) for c in ranks.counts),
                (error,) * bins,
            ),
        ),
    )


def transfer_acceptance(judged: TransferEvaluation) -> Section:
    """Predicted chances against shares of accepted events."""
    table = Table(
        "Events in tenths of the predicted acceptance",
        ("predicted", "found"),
        tuple((percent(b.predicted), percent(b.found, b.error)) for b in judged.acceptance),
        frozenset({0, 1}),
    )
    figure = BarsFigure(
        id="acceptance",
        title="Acceptance",
        caption="Share of accepted events less the prediction, in tenths of the prediction.",
        alternative=(
            f"χ² {plain(judged.acceptance_chi2, 3)} in {len(judged.acceptance)} bins, "
            f"p = {plain(judged.acceptance_p_value, 2)}."
        ),
        names=tuple(percent(b.predicted) for b in judged.acceptance),
        panels=(
            Series(
                "found − predicted [%]",
                tuple(100 * (b.found - b.predicted) for b in judged.acceptance),
                tuple(100 * b.error for b in judged.acceptance),
            ),
        ),
    )
    facts = (
        Fact("χ²", plain(judged.acceptance_chi2, 3), f"in {len(judged.acceptance)} bins"),
        Fact("p", plain(judged.acceptance_p_value, 2), "chance of a larger χ²"),
    )
    return Section("acceptance", "Acceptance", "", facts, (table,), (figure,))


def _training(report: TransferReport) -> Section:
    facts = (
        Fact("events", count(report.events), report.source),
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
                caption="Mean of −log T over stretches of steps.",
                alternative=f"From {plain(report.losses[0], 3)} to {plain(report.losses[-1], 3)}.",
                axis="stretch",
                name="−log T",
                values=report.losses,
            ),
        )
    return Section("training", "Training", "", facts, (), figures)


def _provenance(report: TransferReport) -> Section:
    facts = (
        *(Fact(name, version) for name, version in report.versions.items()),
        Fact("truth", ", ".join(report.truth)),
        Fact("reconstruction", ", ".join(report.reco)),
        Fact("seed", str(report.seed)),
    )
    text = yaml.safe_dump(report.configuration, sort_keys=False, allow_unicode=True)
    return Section("provenance", "Provenance", "", facts, texts=(Text("resolved run file", text),))
