"""Draws the report of a run, or of anything trained, inferred or unfolded, from its report.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from crosshook.core.errors import InputError
from crosshook.core.inference.result import FORMAT as INFERENCE
from crosshook.core.inference.result import InferenceReport
from crosshook.core.json_text import parse_json
from crosshook.core.report.html import write_html
from crosshook.core.report.inference import write_inference_html
from crosshook.core.report.reading import read_record
from crosshook.core.report.trained_surrogate import write_surrogate_html
from crosshook.core.report.transfer import write_transfer_html
from crosshook.core.report.unfolded import write_unfold_html
from crosshook.core.run_directory import RunDirectory
from crosshook.core.surrogates.result import FORMAT as SURROGATE
from crosshook.core.surrogates.result import SurrogateReport
from crosshook.core.transfer.result import FORMAT as TRANSFER
from crosshook.core.transfer.result import TransferReport
from crosshook.core.unfolding.result import FORMAT as UNFOLDING
from crosshook.core.unfolding.result import UnfoldReport

if TYPE_CHECKING:
    from pathlib import Path


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
    path = output if output is not None else run.page
    try:
        if document.get("format") == SURROGATE:
            write_surrogate_html(read_record(document, SurrogateReport, "report"), path)
        elif document.get("format") == INFERENCE:
            write_inference_html(read_record(document, InferenceReport, "report"), path)
        elif document.get("format") == TRANSFER:
            write_transfer_html(read_record(document, TransferReport, "report"), path)
        elif document.get("format") == UNFOLDING:
            write_unfold_html(read_record(document, UnfoldReport, "report"), path)
        else:
            write_html(document, path)
    except InputError as error:
        message = f"{run.report}: {error}"
        raise InputError(message) from error
    return path
