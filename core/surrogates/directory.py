"""The directory of a trained surrogate: the only place that knows the names of its files.

run.yaml          the run file as given, settings applied
model/            the trained component, with model_card.json
report.json       results; report.html is drawn from it
checkpoints/      while a training is on its way, see crosshook.core.surrogates.checkpoints
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.errors import InputError, OutputError
from crosshook.core.model import DOCUMENT
from crosshook.core.output_directory import OutputDirectory

if TYPE_CHECKING:
    from pathlib import Path


class SurrogateDirectory(OutputDirectory):
    """One surrogate's directory."""

    @property
    def model(self) -> Path:
        """Of the trained component."""
        return self.path / "model"

    @property
    def card(self) -> Path:
        """What the model is, for those who find it."""
        return self.model / "model_card.json"

    @property
    def checkpoints(self) -> Path:
        """Of a training on its way."""
        return self.path / "checkpoints"

    def check_free(self, overwrite: bool) -> None:
        """Refuses what may not be replaced.

        Raises:
            OutputError: if something is there that is no surrogate, or one and not `overwrite`.
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
        is_one = self.run_file.is_file() and not (self.path / "resolved.json").exists()
        self.check_kind(is_one, "a surrogate", overwrite)


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
