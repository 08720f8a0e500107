"""The directory of a trained transfer function: the only place that knows the names of its files.

run.yaml          the run file as given, settings applied
model/            the trained component, with simulate.json: truth columns of event files
report.json       results; report.html is drawn from it
checkpoints/      of a training on its way
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import InputError, OutputError
from crosshook.core.model import DOCUMENT
from crosshook.core.output_directory import OutputDirectory

if TYPE_CHECKING:
    from pathlib import Path

EXPRESSIONS = "simulate.json"


class TransferDirectory(OutputDirectory):
    """One transfer function's directory."""

    @property
    def model(self) -> Path:
        """Of the trained component."""
        return self.path / "model"

    @property
    def checkpoints(self) -> Path:
        """Of a training on its way."""
        return self.path / "checkpoints"

    def check_free(self, overwrite: bool) -> None:
        """Refuses what may not be replaced.

        Raises:
            OutputError: if something is there that is no transfer function, or one and not
                `overwrite`.
        """
        if self.is_free():
            return
        if self.checkpoints.is_dir():
            if not overwrite:
                message = (
                    f"{self.path}: holds an unfinished training; go on with it by --resume, "
                    "or use --overwrite or another --output"
                )
                raise OutputError(message)
            return
        is_one = self.run_file.is_file() and (self.model / EXPRESSIONS).is_file()
        self.check_kind(is_one, "a transfer function", overwrite)


def model_folder(path: Path) -> Path:
    """The model in a transfer function's directory, or the directory itself if it is a model.

    Raises:
        InputError: if it is neither.
    """
    for folder in (path, TransferDirectory(path).model):
        if (folder / DOCUMENT).is_file():
            return folder
    message = f"{path}: no transfer function here: neither a model nor a directory with one"
    raise InputError(message)


def truth_expressions(model: Path) -> dict[str, str]:
    """Expressions of truth columns that a model was given for event files; may be empty.

    Raises:
        InputError: if they cannot be read.
    """
    path = model / EXPRESSIONS
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path}: not readable: {error}"
        raise InputError(message) from error
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        message = f"{path}: not expressions by name"
        raise InputError(message)
    return cast("dict[str, str]", found)
