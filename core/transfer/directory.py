"""The directory of a trained transfer function: the only place that knows the names of its files.

run.yaml          the run file as given, settings applied
model/            the trained component, with simulate.json: truth columns of event files
report.json       results; report.html is drawn from it
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import yaml

from crosshook.core.errors import InputError, OutputError
from crosshook.core.model import DOCUMENT
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EXPRESSIONS = "simulate.json"


class TransferDirectory:
    """One transfer function's directory.

    Attributes:
        path: of the directory.
    """

    def __init__(self, path: Path) -> None:
        """Names a directory; nothing is read or made yet."""
        self.path = path

    @property
    def model(self) -> Path:
        """Of the trained component."""
        return self.path / "model"

    @property
    def run_file(self) -> Path:
        """As given, settings applied."""
        return self.path / "run.yaml"

    @property
    def report(self) -> Path:
        """The results."""
        return self.path / "report.json"

    @property
    def page(self) -> Path:
        """The report for people."""
        return self.path / "report.html"

    def check_free(self, overwrite: bool) -> None:
        """Refuses what may not be replaced.

        Raises:
            OutputError: if something is there that is no transfer function, or one and not
                `overwrite`.
        """
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        if not self.run_file.is_file() or not (self.model / EXPRESSIONS).is_file():
            message = f"{self.path}: exists and is no transfer function's directory; choose another place"
            raise OutputError(message)
        if not overwrite:
            message = (
                f"{self.path}: holds a transfer function already; use --overwrite or another "
                "--output"
            )
            raise OutputError(message)

    def write_yaml(self, document: Mapping[str, object]) -> None:
        """Writes the run file."""
        write_whole(self.run_file, yaml.safe_dump(dict(document), sort_keys=False))

    @staticmethod
    def write_json(path: Path, document: object) -> None:
        """Writes one of the documents."""
        write_whole(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False))


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
