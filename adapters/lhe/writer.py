"""Writes LHE files, plain or compressed, event by event; the init block may be settled at the end.

Head, events and tail are members of their own in a compressed file; so are events that were
written apart and are appended. What the head says is written first and again on closing: in place
where it has kept its length, as it does where only cross sections became known, else into a copy of
the file.
"""

from __future__ import annotations

import shutil
from multiprocessing import parent_process
from typing import TYPE_CHECKING

from crosshook.adapters.lhe.compressed_output import Member, compressed, compression_of
from crosshook.adapters.lhe.event_text import event_texts
from crosshook.adapters.lhe.head_text import head_text, tail_text
from crosshook.core.events.staged_writer import StagedWriter
from crosshook.core.events.staging import StagedFile

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo

COPIED = 1 << 18
"""Bytes of an appended part at a time, in one buffer: fresh ones cost more than their copying."""


def write_part(path: Path, batch: EventBatch, first: int, level: int) -> None:
    """Writes events alone, as a member that can stand in a file of the same ending.

    It appears complete or not at all: a block that was begun twice may be written twice.

    Args:
        path: replaced if it is there.
        batch: the events.
        first: number of the first one in the file, from 0.
        level: isal's compression level of gzip, 0 to 3.

    Raises:
        OutputError: if it cannot be written.
    """
    staged = StagedFile(path, overwrite=True)
    with staged.opening():
        with staged.path.open("wb") as file:
            # A worker has one core: threads of its own would take that of another.
            alone = parent_process() is None
            member = Member(file, compression_of(path, level)(), beside=alone)
            for piece in event_texts(batch, first, str(path)):
                member.write(piece)
            member.close()
        staged.commit()


class LheWriter(StagedWriter):
    """An LHE file being written."""

    def __init__(self, path: Path, info: RunInfo, level: int, overwrite: bool) -> None:
        """Starts the file.

        Args:
            path: a name ending in `.gz` makes it gzip, in `.zst` zstd.
            info: run information as known by now.
            level: isal's compression level of gzip, 0 to 3.
            overwrite: whether to replace an existing file.
        """
        self._compressor = compression_of(path, level)
        self._body: Member | None = None
        self._info = info
        self._events = 0
        self._copied = memoryview(bytearray(COPIED))
        staged = StagedFile(path, overwrite)
        super().__init__(staged)
        with staged.opening():
            self._file = staged.path.open("w+b")
            self._head = compressed(head_text(info), self._compressor())
            self._file.write(self._head)

    def append(self, part: Path, events: int) -> None:
        """Appends events that `write_part` wrote for a file of the same ending."""
        with self._guarded():
            self._end_member()
            with part.open("rb", buffering=0) as stream:
                while n := stream.readinto(self._copied):
                    self._file.write(self._copied[:n])
            self._events += events

    def _end_member(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None

    def _write(self, batch: EventBatch) -> None:
        if len(batch.info.weights) > len(self._info.weights):
            self._info = batch.info
        if self._body is None:
            self._body = Member(self._file, self._compressor(), beside=True)
        for piece in event_texts(batch, self._events, str(self._staged.destination)):
            self._body.write(piece)
        self._events += len(batch)

    def _finish(self, info: RunInfo | None) -> None:
        final = self._info if info is None else info
        self._end_member()
        self._file.write(compressed(tail_text(final), self._compressor()))
        head = compressed(head_text(final), self._compressor())
        if len(head) == len(self._head):
            self._file.seek(0)
            self._file.write(head)
        else:
            self._copy_behind(head)
        self._file.close()

    def _copy_behind(self, head: bytes) -> None:
        """Puts a head of another length before events and tail."""
        self._file.seek(len(self._head))
        path = self._staged.beside("whole")
        with path.open("wb") as whole:
            whole.write(head)
            shutil.copyfileobj(self._file, whole, 1 << 20)
        path.replace(self._staged.path)

    def _release(self) -> None:
        if self._body is not None:
            self._body.abandon()
        self._file.close()
