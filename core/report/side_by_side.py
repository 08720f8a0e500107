"""Draws several results of one kind side by side, from their report.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.errors import InputError
from crosshook.core.inference.result import InferenceReport
from crosshook.core.provenance import versions
from crosshook.core.report.compared_inferences import inferences_headline, inferences_sections
from crosshook.core.report.compared_models import (
    surrogates_headline,
    surrogates_sections,
    transfers_headline,
    transfers_sections,
)
from crosshook.core.report.compared_runs import check_comparable, runs_headline, runs_sections
from crosshook.core.report.compared_unfoldings import unfoldings_headline, unfoldings_sections
from crosshook.core.report.differences import names_of
from crosshook.core.report.html import render_page, write_page
from crosshook.core.report.redraw import read_report
from crosshook.core.results import RunResult
from crosshook.core.surrogates.result import SurrogateReport
from crosshook.core.transfer.result import TransferReport
from crosshook.core.unfolding.result import UnfoldReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.core.report.redraw import Report
    from crosshook.core.report.sections import Headline, Section

PAGE = "comparison.html"


def compare(directories: Sequence[Path], output: Path | None = None) -> Path:
    """Writes one HTML page that has several results side by side.

    Args:
        directories: two or more, of runs or surrogates of one process, of unfoldings, of
            inferences, or of transfer functions; the others are compared with the first.
        output: the HTML file; comparison.html in the first directory if None.

    Returns:
        The path of the HTML file.

    Raises:
        InputError: if one has no report, or they have nothing to compare.
        OutputError: if the HTML file cannot be written.
    """
    if len(directories) < 2:
        message = f"{len(directories)} directories to compare; it takes two or more"
        raise InputError(message)
    reports = [read_report(directory) for directory in directories]
    top, parts = _side_by_side(names_of(directories), reports)
    path = output if output is not None else directories[0] / PAGE
    write_page(render_page(top, parts, versions()["crosshook"]), path)
    return path


def _side_by_side(
    names: tuple[str, ...], reports: Sequence[Report]
) -> tuple[Headline, list[Section]]:
    runs = [r for r in reports if isinstance(r, RunResult)]
    unfoldings = [r for r in reports if isinstance(r, UnfoldReport)]
    inferences = [r for r in reports if isinstance(r, InferenceReport)]
    if len(runs) == len(reports):
        check_comparable(names, runs)
        return runs_headline(names, runs), runs_sections(names, runs)
    if len(unfoldings) == len(reports):
        return unfoldings_headline(names, unfoldings), unfoldings_sections(names, unfoldings)
    if len(inferences) == len(reports):
        return inferences_headline(names, inferences), inferences_sections(names, inferences)
    surrogates = [r for r in reports if isinstance(r, SurrogateReport)]
    transfers = [r for r in reports if isinstance(r, TransferReport)]
    if len(surrogates) == len(reports):
        return surrogates_headline(names, surrogates), surrogates_sections(names, surrogates)
    if len(transfers) == len(reports):
        return transfers_headline(names, transfers), transfers_sections(names, transfers)
    told = ", ".join(f"{n} is {_kind(r)}" for n, r in zip(names, reports, strict=True))
    message = f"{told}; each can be compared with its like"
    raise InputError(message)


def _kind(report: Report) -> str:
    if isinstance(report, RunResult):
        return "a run"
    if isinstance(report, UnfoldReport):
        return "an unfolding"
    if isinstance(report, InferenceReport):
        return "an inference"
    return "a surrogate" if isinstance(report, SurrogateReport) else "a transfer function"
