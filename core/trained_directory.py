"""What directories of a trained component have in common: its model, and a training on its way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from crosshook.core.errors import InputError, OutputError
from crosshook.core.model import DOCUMENT
from crosshook.core.output_directory import OutputDirectory

if TYPE_CHECKING:
    from pathlib import Path


class TrainedDirectory(OutputDirectory, ABC):
    """One trained component's directory.

    Attributes:
        kind: of the component, in words.
    """

    kind: ClassVar[str]

    @property
    def model(self) -> Path:
        """Of the trained component."""
        return self.path / "model"

    @property
    def checkpoints(self) -> Path:
        """Of a training on its way."""
        return self.path / "checkpoints"

    @abstractmethod
    def is_one(self) -> bool:
        """Whether what is there is of the kind."""

    def check_free(self, overwrite: bool) -> None:
        """Refuses what may not be replaced.

        Raises:
            OutputError: if something is there that is not of the kind, or is and not `overwrite`.
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
        self.check_kind(self.is_one(), f"a {self.kind}", overwrite)

    def model_folder(self) -> Path:
        """The model in this directory, or the directory itself if it is a model.

        Raises:
            InputError: if it is neither.
        """
        for folder in (self.path, self.model):
            if (folder / DOCUMENT).is_file():
                return folder
        message = f"{self.path}: no {self.kind} here: neither a model nor a directory with one"
        raise InputError(message)
