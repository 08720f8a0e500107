"""Output files under a temporary name: they appear under their own name complete, or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from crosshook.core.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path


class StagedFile:
    """A file written beside its destination and renamed when complete.

    Attributes:
        destination: the name it gets.
        path: the name it has until then; hidden, and of this process alone.
    """

    def __init__(self, destination: Path, overwrite: bool = False) -> None:
        """Checks that the destination may be written.

        Args:
            destination: where the file goes.
            overwrite: whether to replace a file of that name.

        Raises:
            OutputError: if it exists and may not be replaced, or its folder cannot be written.
        """
        self.destination = destination
        self.path = self.beside("part")
        self._overwrite = overwrite
        self._check()
        if not destination.parent.is_dir():
            message = f"{destination}: there is no folder {destination.parent}"
            raise OutputError(message)
        try:
            self.path.touch()
        except OSError as error:
            message = f"{destination}: cannot be written: {error.strerror}"
            raise OutputError(message) from error

    def beside(self, suffix: str) -> Path:
        """A further temporary name in the same folder."""
        return self.destination.with_name(f".{self.destination.name}.{os.getpid()}.{suffix}")

    def _check(self) -> None:
        if self.destination.is_dir():
            message = f"{self.destination}: is a folder"
            raise OutputError(message)
        if self.destination.exists() and not self._overwrite:
            message = f"{self.destination}: exists already; overwriting was not asked for"
            raise OutputError(message)

    def commit(self) -> None:
        """Gives the file its name."""
        self._check()
        self.path.replace(self.destination)

    def discard(self) -> None:
        """Removes what was written."""
        self.path.unlink(missing_ok=True)
