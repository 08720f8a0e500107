"""Reads LHE files, plain or compressed, as a stream of batches in bounded memory.

Two readers take turns. The compiled scanner reads what is plain, which is nearly everything. An event
it does not take is read by the careful one, which knows every dialect and every error message. Both
read the same from the same text, so that it makes no difference which of them reads an event.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from crosshook.adapters.lhe.collected_events import CollectedEvents
from crosshook.adapters.lhe.decompression import text_blocks
from crosshook.adapters.lhe.event_blocks import EventBlocks
from crosshook.adapters.lhe.event_reading import read_tag
from crosshook.adapters.lhe.head_reading import read_head
from crosshook.adapters.lhe.weight_columns import WeightColumns
from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.closing_stream import ClosingStream
from crosshook.core.events.layout import OPTIONAL_EVENT_COLUMNS
from crosshook.core.interfaces.event_format import STANDARD_INPUT, SkippedEvent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crosshook.adapters.lhe.scanner import Scanner
    from crosshook.core.events.run_info import RunInfo

WORTHWHILE: Final = 1 << 23
"""Bytes of text from which on the scanner saves more time than it takes to load."""
SCANNER: Final = "crosshook.adapters.lhe.scanner"
LONGEST: Final = 1024
"""Events in a row that are read carefully at most before the scanner is tried again."""
SKIP_LIMIT: Final = 100_000
"""Events that may be skipped; a file with more of them is no event file, and the list takes memory."""


class LheStream(ClosingStream):
    """An open LHE file. It is read once, from the beginning to the end.

    Attributes:
        info: what the file says before its first event; weights that later events bring and text
            after the end tag are added as they are met.
    """

    def __init__(
        self,
        path: Path,
        batch_size: int,
        skipped: list[SkippedEvent] | None = None,
        compiled: bool | None = None,
    ) -> None:
        """Reads up to the first event.

        Args:
            path: of the file; `STANDARD_INPUT` for standard input.
            batch_size: events a batch.
            skipped: takes a record of every event that cannot be read; without it such an event is
                an error.
            compiled: whether to use the scanner; if not said, the length of the text decides.

        Raises:
            InputError: if it is no LHE file.
        """
        self._path = path
        self._batch_size = batch_size
        self._skipped = skipped
        try:
            self._file = sys.stdin.buffer if path == STANDARD_INPUT else path.open("rb")
        except OSError as error:
            message = f"{path}: cannot be read: {error.strerror}"
            raise InputError(message) from error
        self._source = text_blocks(self._file, path)
        try:
            self._blocks = EventBlocks(self._source, path)
            self.info: RunInfo = read_head(self._blocks.head, path)
        except BaseException:
            self._close()
            raise
        self._weights = WeightColumns(self.info.weights)
        self._optional: tuple[str, ...] = ()
        self._peek()
        self._scanner: Scanner | None = None
        if self._is_long() if compiled is None else compiled:
            from crosshook.adapters.lhe.compiling import announce_compilation

            announce_compilation()
            from crosshook.adapters.lhe.scanner import Scanner

            self._scanner = Scanner(self._optional, self._weights)
        self._careful = 0
        self._patience = 1

    def _is_long(self) -> bool:
        """Whether the scanner is worth loading, or was loaded before."""
        if SCANNER in sys.modules:
            return True
        window = self._blocks.window
        while len(window.text) < WORTHWHILE:
            if not window.more():
                return False
        return True

    def _peek(self) -> None:
        """Learns from the first event that can be read which columns and weights there are."""
        while not self._blocks.ended:
            try:
                first = self._blocks.peek()
                if first is None:
                    self._end()
                    return
                given, _ = read_tag(first.attributes, OPTIONAL_EVENT_COLUMNS, str)
                self._optional = tuple(name for name in OPTIONAL_EVENT_COLUMNS if name in given)
                CollectedEvents(self._path, self._optional).add(first, self._weights)
                break
            except InputError as error:
                if self._skipped is None or self._blocks.hopeless:
                    break  # the first batch meets the same error
                self._skip(error)
                with suppress(InputError):
                    self._blocks.take()
        self._complete_info()

    def _complete_info(self) -> None:
        if len(self._weights.weights) > len(self.info.weights):
            self.info = replace(self.info, weights=tuple(self._weights.weights))

    def _end(self) -> None:
        self.info = replace(
            self.info, trailer=self._blocks.trailer.decode("utf-8", "surrogateescape")
        )

    def __iter__(self) -> Iterator[EventBatch]:
        """Batches in file order.

        Raises:
            InputError: at the first event that cannot be read, after all events before it.
        """
        failure: InputError | None = None
        while failure is None and not self._blocks.ended:
            parts, failure = self._next()
            if parts:
                yield EventBatch.concatenate(parts) if len(parts) > 1 else parts[0]
        if failure is not None:
            raise failure
        self._end()

    def _next(self) -> tuple[list[EventBatch], InputError | None]:
        """The next batch in pieces, and why it is the last one, if that is an error."""
        pieces: list[EventBatch] = []
        n = 0
        careful = CollectedEvents(self._path, self._optional)
        failure: InputError | None = None
        while n + len(careful) < self._batch_size and not self._blocks.ended and failure is None:
            if self._scanner is None or self._careful:
                failure = self._read_carefully(careful)
                continue
            full = self._scanner.fill(self._blocks, self._batch_size - n - len(careful))
            self._careful = 0 if full else self._patience
            found = len(self._scanner)
            self._patience = 1 if found > self._patience else min(2 * self._patience, LONGEST)
            if found:
                if len(careful):
                    pieces.append(careful.to_batch(self.info, self._weights))
                    n += len(careful)
                    careful = CollectedEvents(self._path, self._optional)
                pieces.append(self._scanner.take(self.info))
                n += found
        if len(careful):
            pieces.append(careful.to_batch(self.info, self._weights))
        return pieces, failure

    def _read_carefully(self, events: CollectedEvents) -> InputError | None:
        """Adds one event; the error, if it cannot be read and is not to be skipped."""
        self._careful = max(self._careful - 1, 0)
        try:
            block = self._blocks.take()
            if block is not None:
                events.add(block, self._weights)
        except InputError as error:
            if self._skipped is None or self._blocks.hopeless:
                return error
            return self._skip(error)
        self._complete_info()
        return None

    def _skip(self, error: InputError) -> InputError | None:
        """Lists an event that cannot be read; an error if there are too many."""
        skipped = [] if self._skipped is None else self._skipped
        blocks = self._blocks
        skipped.append(SkippedEvent(str(self._path), blocks.number, blocks.line, str(error)))
        if len(skipped) <= SKIP_LIMIT:
            return None
        return InputError(f"{self._path}: more than {SKIP_LIMIT} events cannot be read")

    def _close(self) -> None:
        """Ends the decompression and closes the file; standard input stays open."""
        self._source.close()
        if self._path != STANDARD_INPUT:
            self._file.close()
