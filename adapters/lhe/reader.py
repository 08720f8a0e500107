"""Reads LHE files, plain or gzip, as a stream of batches in bounded memory."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Self

from crosshook.adapters.lhe.collected_events import CollectedEvents
from crosshook.adapters.lhe.compression import text_blocks
from crosshook.adapters.lhe.event_blocks import EventBlock, EventBlocks
from crosshook.adapters.lhe.event_numbers import UnreadableEvent
from crosshook.adapters.lhe.event_reading import read_body, read_tag
from crosshook.adapters.lhe.head_reading import read_head
from crosshook.adapters.lhe.weight_columns import WeightColumns
from crosshook.core.errors import InputError
from crosshook.core.events.layout import OPTIONAL_EVENT_COLUMNS
from crosshook.core.interfaces.event_format import STANDARD_INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import SkippedEvent


class LheStream:
    """An open LHE file. It is read once, from the beginning to the end.

    Attributes:
        info: what the file says before its first event; weights that later events bring and text
            after the end tag are added as they are met.
    """

    def __init__(
        self, path: Path, batch_size: int, skipped: list[SkippedEvent] | None = None
    ) -> None:
        """Reads up to the first event.

        Args:
            path: of the file; `STANDARD_INPUT` for standard input.
            batch_size: events a batch.
            skipped: takes a record of every event that cannot be read; without it such an event is
                an error.

        Raises:
            InputError: if it is no LHE file.
        """
        self._path = path
        self._batch_size = batch_size
        try:
            self._file = sys.stdin.buffer if path == STANDARD_INPUT else path.open("rb")
        except OSError as error:
            message = f"{path}: cannot be read: {error.strerror}"
            raise InputError(message) from error
        try:
            self._text = EventBlocks(text_blocks(self._file, path), path)
            self.info: RunInfo = read_head(self._text.head, path)
        except BaseException:
            self._file.close()
            raise
        self._weights = WeightColumns(self.info.weights)
        self._events = self._blocks()
        self._columns: tuple[str, ...] = ()
        self._peek()

    def _blocks(self) -> Iterator[EventBlock]:
        yield from self._text

    def _peek(self) -> None:
        """Learns from the first event which further columns and weights there are."""
        try:
            first = next(self._events, None)
        except InputError as error:
            self._events = _raising(error)
            return
        if first is None:
            self._end()
            return
        self._events = _prepended(first, self._events)
        try:
            given, _ = read_tag(first.attributes, OPTIONAL_EVENT_COLUMNS, str)
            self._columns = tuple(name for name in OPTIONAL_EVENT_COLUMNS if name in given)
            body = read_body(first.body, str)
            self._weights.read(body.rwgt, body.listed, str)
        except InputError:
            return  # the first batch meets the same error and says where
        self.info = replace(self.info, weights=tuple(self._weights.weights))

    def _end(self) -> None:
        self.info = replace(
            self.info, trailer=self._text.trailer.decode("utf-8", "surrogateescape")
        )

    def __iter__(self) -> Iterator[EventBatch]:
        """Batches in file order.

        Raises:
            InputError: at the first event that cannot be read, after all events before it.
        """
        end = 0
        failure: InputError | None = None
        while failure is None:
            batch = CollectedEvents(self._path, end, self._columns)
            try:
                for block in islice(self._events, self._batch_size):
                    batch.add(block, self._weights)
            except InputError as error:
                failure = error
            if not len(batch):
                break
            yield from self._finish(batch)
            end = batch.end
        if failure is not None:
            raise failure
        self._end()

    def _finish(self, batch: CollectedEvents) -> Iterator[EventBatch]:
        """The batch; if one of its events is unreadable, those before it, then the error."""
        if len(self._weights.weights) > len(self.info.weights):
            self.info = replace(self.info, weights=tuple(self._weights.weights))
        try:
            yield batch.to_batch(self.info, self._weights)
        except UnreadableEvent as error:
            if error.row:
                yield batch.to_batch(self.info, self._weights, error.row)
            raise InputError(str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def _prepended(first: EventBlock, rest: Iterator[EventBlock]) -> Iterator[EventBlock]:
    yield first
    yield from rest


def _raising(error: InputError) -> Iterator[EventBlock]:
    raise error
    yield  # pragma: no cover
