"""Writes LHE files, plain or gzip, event by event; the init block may be settled at the end.

Events go to a temporary body first. On closing, head, body and tail are put together under a
temporary name; for gzip these are three members of one file, which every reader accepts.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, BinaryIO, Self

from crosshook.adapters.lhe.compression import GzipMember
from crosshook.adapters.lhe.event_text import event_texts
from crosshook.adapters.lhe.head_text import head_text, tail_text
from crosshook.core.errors import OutputError
from crosshook.core.events.staging import StagedFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo


class LheWriter:
    """An LHE file being written.

    Use as a context manager to remove what was written if an error ends the block.
    """

    def __init__(self, path: Path, info: RunInfo, level: int, overwrite: bool) -> None:
        """Starts the file.

        Args:
            path: a name ending in `.gz` makes it gzip.
            info: run information as known by now.
            level: isal's compression level, 0 to 3.
            overwrite: whether to replace an existing file.
        """
        self._gzip = path.suffix == ".gz"
        self._info = info
        self._level = level
        self._file = StagedFile(path, overwrite)
        self._body_path = self._file.beside("body")
        self._body = self._open(self._body_path)
        self._closed = False

    def _open(self, path: Path, *, append: bool = False) -> BinaryIO | GzipMember:
        file = path.open("ab") if append else path.open("wb")
        return GzipMember(file, self._level) if self._gzip else file

    def write(self, batch: EventBatch) -> None:
        """Appends events."""
        if len(batch.info.weights) > len(self._info.weights):
            self._info = batch.info
        self._guard(lambda: self._body.write(b"".join(event_texts(batch))))

    def close(self, info: RunInfo | None = None) -> None:
        """Puts the file together and gives it its name.

        Args:
            info: the final run information; what was given at the start if left out.
        """
        if self._closed:
            return
        final = self._info if info is None else info
        self._guard(lambda: self._assemble(final))
        self._closed = True

    def _assemble(self, info: RunInfo) -> None:
        self._body.close()
        with self._open(self._file.path) as head:
            head.write(head_text(info))
        with self._file.path.open("ab") as whole, self._body_path.open("rb") as body:
            shutil.copyfileobj(body, whole, 1 << 20)
        with self._open(self._file.path, append=True) as tail:
            tail.write(tail_text(info))
        self._body_path.unlink()
        self._file.commit()

    def _guard(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            self.abort()
            message = f"{self._file.destination}: cannot be written: {error.strerror}"
            raise OutputError(message) from error

    def abort(self) -> None:
        """Removes what was written; does nothing once the file is complete."""
        if self._closed:
            return
        self._closed = True
        self._body.close()
        self._body_path.unlink(missing_ok=True)
        self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self.abort()  # does nothing after a close that succeeded
