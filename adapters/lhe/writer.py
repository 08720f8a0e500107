"""Writes LHE files, plain or gzip, event by event; the init block may be settled at the end.

Events go to a temporary body first. On closing, head, body and tail are put together under a
temporary name; for gzip these are three members of one file, which every reader accepts.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, BinaryIO

from crosshook.adapters.lhe.compression import GzipMember
from crosshook.adapters.lhe.event_text import event_texts
from crosshook.adapters.lhe.head_text import head_text, tail_text
from crosshook.core.events.staged_writer import StagedWriter
from crosshook.core.events.staging import StagedFile

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo


class LheWriter(StagedWriter):
    """An LHE file being written."""

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
        staged = StagedFile(path, overwrite)
        super().__init__(staged)
        self._body_path = staged.beside("body")
        with staged.opening():
            self._body = self._open(self._body_path)

    def _open(self, path: Path, *, append: bool = False) -> BinaryIO | GzipMember:
        file = path.open("ab") if append else path.open("wb")
        return GzipMember(file, self._level) if self._gzip else file

    def _write(self, batch: EventBatch) -> None:
        if len(batch.info.weights) > len(self._info.weights):
            self._info = batch.info
        self._body.write(b"".join(event_texts(batch)))

    def _finish(self, info: RunInfo | None) -> None:
        final = self._info if info is None else info
        self._body.close()
        with self._open(self._staged.path) as head:
            head.write(head_text(final))
        with self._staged.path.open("ab") as whole, self._body_path.open("rb") as body:
            shutil.copyfileobj(body, whole, 1 << 20)
        with self._open(self._staged.path, append=True) as tail:
            tail.write(tail_text(final))
        self._body_path.unlink()

    def _release(self) -> None:
        self._body.close()
