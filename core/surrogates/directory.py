"""The directory of a trained surrogate: the only place that knows the names of its files.

run.yaml          the run file as given, settings applied
model/            the trained component, with model_card.json
report.json       results; report.html is drawn from it
checkpoints/      while a training is on its way, see crosshook.core.surrogates.checkpoints
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from crosshook.core.errors import InputError, OutputError
from crosshook.core.model import DOCUMENT
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class SurrogateDirectory:
    """One surrogate's directory.

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
    def card(self) -> Path:
        """What the model is, for those who find it."""
        return self.model / "model_card.json"

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

    @property
    def checkpoints(self) -> Path:
        """Of a training on its way."""
        return self.path / "checkpoints"

    def check_free(self, overwrite: bool) -> None:
        """Refuses what may not be replaced.

        Raises:
            OutputError: if something is there that is no surrogate, or one and not `overwrite`.
        """
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        if self.checkpoints.is_dir():
            if not overwrite:
                message = (
                    f"{self.path}: holds an unfinished training; go on with it by --resume, "
                    "or use --overwrite or another --output"
                )
                raise OutputError(message)
            return
        if not self.run_file.is_file() or (self.path / "resolved.json").exists():
            message = f"{self.path}: exists and is no surrogate's directory; choose another place"
            raise OutputError(message)
        if not overwrite:
            message = (
                f"{self.path}: holds a surrogate already; use --overwrite or another --output"
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
    """The model in a surrogate's directory, or the directory itself if it is a model.

    Raises:
        InputError: if it is neither.
    """
    for folder in (path, SurrogateDirectory(path).model):
        if (folder / DOCUMENT).is_file():
            return folder
    message = f"{path}: no surrogate here: neither a model nor a directory with one"
    raise InputError(message)
