"""What every writer of event files does alike: complete under its own name, or gone.

A writer says how it writes a batch, how it finishes and what it must let go of; this class turns
operating-system errors into one clear line and removes what was written when anything fails.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from crosshook.core.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.events.staging import StagedFile


class StagedWriter(ABC):
    """An event file being written; see `EventWriter`.

    As a context manager it closes the file, or removes what was written if an error ends the
    block.
    """

    def __init__(self, staged: StagedFile) -> None:
        """Takes the file, whose destination is already checked."""
        self._staged = staged
        self._closed = False

    @abstractmethod
    def _write(self, batch: EventBatch) -> None:
        """Appends events."""

    @abstractmethod
    def _finish(self, info: RunInfo | None) -> None:
        """Completes the file under its temporary name and closes it."""

    @abstractmethod
    def _release(self) -> None:
        """Closes what is open, after an error."""

    def write(self, batch: EventBatch) -> None:
        """Appends events.

        Raises:
            InputError: if they do not fit the events before.
            OutputError: if the file cannot be written.
        """
        with self._guarded():
            self._write(batch)

    def close(self, info: RunInfo | None = None) -> None:
        """Completes the file and gives it its name; does nothing once that is done.

        Args:
            info: the final run information; as known from the events if left out.

        Raises:
            OutputError: if the file cannot be written.
        """
        if self._closed:
            return
        with self._guarded():
            self._finish(info)
            self._staged.commit()
        self._closed = True

    def abort(self) -> None:
        """Removes what was written; does nothing once the file is complete."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):  # a full disk fails again while buffers are flushed
            self._release()
        self._staged.discard()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.abort()
            message = f"{self._staged.destination}: cannot be written: {error.strerror or error}"
            raise OutputError(message) from error

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
