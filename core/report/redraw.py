"""Draws the report of a run, or of anything trained, inferred or unfolded, from its report.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from crosshook.core.errors import InputError
from crosshook.core.inference.result import FORMAT as INFERENCE
from crosshook.core.inference.result import InferenceReport
from crosshook.core.json_text import parse_json
from crosshook.core.report.html import render_run, write_page
from crosshook.core.report.inference import write_inference_html
from crosshook.core.report.reading import read_record, read_result
from crosshook.core.report.trained_surrogate import write_surrogate_html
from crosshook.core.report.transfer import write_transfer_html
from crosshook.core.report.unfolded import write_unfold_html
from crosshook.core.results import RunResult
from crosshook.core.run_directory import RunDirectory
from crosshook.core.surrogates.result import FORMAT as SURROGATE
from crosshook.core.surrogates.result import SurrogateReport
from crosshook.core.transfer.result import FORMAT as TRANSFER
from crosshook.core.transfer.result import TransferReport
from crosshook.core.unfolding.result import FORMAT as UNFOLDING
from crosshook.core.unfolding.result import UnfoldReport

if TYPE_CHECKING:
    from pathlib import Path


Report = RunResult | SurrogateReport | InferenceReport | TransferReport | UnfoldReport


def redraw(directory: Path, output: Path | None = None) -> Path:
    """Writes the HTML report of a run directory, or of another that has a report.json.

    Args:
        directory: of the run, surrogate, transfer function, inference or unfolding.
        output: the HTML file; report.html in the directory if None.

    Returns:
        The path of the HTML file.

    Raises:
        InputError: if there is no report.json or it holds something else.
        OutputError: if the HTML file cannot be written.
    """
    report = read_report(directory)
    path = output if output is not None else RunDirectory(directory).page
    if isinstance(report, SurrogateReport):
        write_surrogate_html(report, path)
    elif isinstance(report, InferenceReport):
        write_inference_html(report, path)
    elif isinstance(report, TransferReport):
        write_transfer_html(report, path)
    elif isinstance(report, UnfoldReport):
        write_unfold_html(report, path)
    else:
        write_page(render_run(report), path)
    return path


def read_report(directory: Path) -> Report:
    """What report.json of a directory holds.

    Args:
        directory: of a run, surrogate, transfer function, inference or unfolding.

    Raises:
        InputError: if there is none or it holds something else.
    """
    run = RunDirectory(directory)
    try:
        text = run.report.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        message = f"{run.report}: no such file; is {directory} the directory of a finished run?"
        raise InputError(message) from error
    except (OSError, UnicodeDecodeError) as error:
        message = f"{run.report}: cannot be read: {error}"
        raise InputError(message) from error
    try:
        document = parse_json(text)
    except json.JSONDecodeError as error:
        message = f"{run.report}: not JSON: line {error.lineno}: {error.msg.lower()}"
        raise InputError(message) from error
    if not isinstance(document, dict):
        message = f"{run.report}: holds {type(document).__name__}, not a report"
        raise InputError(message)
    try:
        return _read(document)
    except InputError as error:
        message = f"{run.report}: {error}"
        raise InputError(message) from error


def _read(document: dict[str, object]) -> Report:
    kind = document.get("format")
    if kind == SURROGATE:
        return read_record(document, SurrogateReport, "report")
    if kind == INFERENCE:
        return read_record(document, InferenceReport, "report")
    if kind == TRANSFER:
        return read_record(document, TransferReport, "report")
    if kind == UNFOLDING:
        return read_record(document, UnfoldReport, "report")
    return read_result(document)
