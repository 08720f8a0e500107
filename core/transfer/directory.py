"""The directory of a trained transfer function: the only place that knows the names of its files.

run.yaml          the run file as given, settings applied
model/            the trained component, with simulate.json: truth columns of event files
report.json       results; report.html is drawn from it
checkpoints/      of a training on its way
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import InputError
from crosshook.core.trained_directory import TrainedDirectory

if TYPE_CHECKING:
    from pathlib import Path

EXPRESSIONS = "simulate.json"


class TransferDirectory(TrainedDirectory):
    """One transfer function's directory."""

    kind = "transfer function"

    def is_one(self) -> bool:
        """See `TrainedDirectory.is_one`."""
        return self.run_file.is_file() and (self.model / EXPRESSIONS).is_file()


def model_folder(path: Path) -> Path:
    """See `TrainedDirectory.model_folder`."""
    return TransferDirectory(path).model_folder()


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
