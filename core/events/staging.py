"""Output files under a temporary name: they appear under their own name complete, or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from crosshook.core.errors import OutputError
from crosshook.core.removed_folder import remove_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
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
        self._temporary: list[Path] = []
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
        """A further temporary name in the same folder, removed with the first one."""
        name = f".{self.destination.name}.{os.getpid()}.{suffix}"
        self._temporary.append(self.destination.with_name(name))
        return self._temporary[-1]

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Around what opens the file: an error leaves one clear line and nothing on disk.

        Raises:
            OutputError: if the operating system refuses.
        """
        try:
            yield
        except BaseException as error:
            self.discard()
            if not isinstance(error, OSError):
                raise
            message = f"{self.destination}: cannot be written: {error.strerror or error}"
            raise OutputError(message) from error

    def _check(self) -> None:
        if self.destination.is_dir():
            message = f"{self.destination}: is a folder"
            raise OutputError(message)
        _check_absent(self.destination, self._overwrite)

    def commit(self) -> None:
        """Gives the file its name."""
        self._check()
        self.path.replace(self.destination)

    def discard(self) -> None:
        """Removes what was written."""
        for path in self._temporary:
            path.unlink(missing_ok=True)


@contextmanager
def staged_folder(destination: Path) -> Iterator[Path]:
    """A folder beside a file that is to be written, for what workers make of its events.

    It is gone at the end, however that comes.

    Raises:
        OutputError: if it cannot be made.
    """
    folder = destination.with_name(f".{destination.name}.{os.getpid()}.workers")
    try:
        folder.mkdir()
    except OSError as error:
        message = f"{folder}: cannot be made: {error.strerror}"
        raise OutputError(message) from error
    try:
        yield folder
    finally:
        remove_folder(folder)


def check_destination(source: Path, destination: Path, overwrite: bool) -> None:
    """Refuses, before a file is read, what may not be written once it is.

    Raises:
        OutputError: if the destination is the source, or exists and may not be replaced.
    """
    if destination.exists() and source.exists() and destination.samefile(source):
        message = f"{destination}: is the input itself"
        raise OutputError(message)
    _check_absent(destination, overwrite)


def _check_absent(destination: Path, overwrite: bool) -> None:
    if destination.exists() and not overwrite:
        message = f"{destination}: exists already; overwriting was not asked for"
        raise OutputError(message)
