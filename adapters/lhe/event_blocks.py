"""Cuts the text of an LHE file into its head and its events, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from crosshook.adapters.lhe.head_reading import INIT_END, INIT_START
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START: Final = b"<event"
END: Final = b"</event>"
ROOT_END: Final = b"</LesHouchesEvents"
HEAD_LIMIT: Final = 1 << 28
"""No header is that long; a file without an init block is refused before memory runs out."""


class EventBlock(NamedTuple):
    """The text of one event.

    Attributes:
        before: text between the end of the event before and this one, if not blank.
        attributes: inside of the opening tag.
        body: everything between the tags.
        line: line number of the opening tag, from 1.
    """

    before: bytes
    attributes: bytes
    body: bytes
    line: int


class EventBlocks:
    """Head, events and trailer of one file.

    Attributes:
        head: the text up to the end of the init block.
        trailer: the text after the end tag, once all events were taken.
    """

    def __init__(self, blocks: Iterator[bytes], path: Path) -> None:
        """Reads the head.

        Raises:
            InputError: if there is no init block.
        """
        self._blocks = blocks
        self._path = path
        self._buffer = b""
        self._line, self._counted = 1, 0
        self.trailer = b""
        self.head = self._read_head()

    def _read_head(self) -> bytes:
        started = False
        for block in self._blocks:
            self._buffer += block
            started = started or INIT_START.search(self._buffer) is not None
            if started:
                start = INIT_START.search(self._buffer)
                end = INIT_END.search(self._buffer, start.end() if start else 0)
                if end is not None:
                    head = self._buffer[: end.end()]
                    self._drop(end.end())
                    return head
            if len(self._buffer) > HEAD_LIMIT:
                break
        what = "the init block does not end" if started else "no <init>"
        message = f"{self._path}: not a Les Houches event file: {what}"
        raise InputError(message)

    def _line_at(self, position: int) -> int:
        """The line number of a place in the buffer; places are asked for in ascending order."""
        self._line += self._buffer.count(b"\n", self._counted, position)
        self._counted = position
        return self._line

    def _drop(self, position: int) -> None:
        self._line_at(position)
        self._buffer = self._buffer[position:]
        self._counted = 0

    def __iter__(self) -> Iterator[EventBlock]:
        """Events in order.

        Raises:
            InputError: if the file ends early, after all complete events were given.
        """
        number = position = 0
        while True:
            buffer = self._buffer
            start = _event_start(buffer, position)
            inside = buffer.find(b">", start) if start >= 0 else -1
            end = buffer.find(END, inside) if inside >= 0 else -1
            if end < 0:
                self._drop(position)
                position = 0
                if not self._more(number):
                    break
                continue
            number += 1
            before = buffer[position:start]
            line = self._line_at(start)
            if ROOT_END in before:
                message = f"{self._path}: a second file begins before line {line}"
                raise InputError(message)
            body = buffer[inside + 1 : end]
            if _event_start(body, 0) >= 0:
                message = f"{self._path}: event {number} (line {line}): no </event> found"
                raise InputError(message)
            attributes = buffer[start + len(START) : inside]
            yield EventBlock(b"" if before.isspace() else before, attributes, body, line)
            position = end + len(END)
        self._finish(number)

    def _more(self, number: int) -> bool:
        """Reads another block; false at the end of the file."""
        try:
            block = next(self._blocks, b"")
        except InputError as error:
            message = f"{error} (after {number} complete events)"
            raise InputError(message) from error
        self._buffer += block
        return bool(block)

    def _finish(self, number: int) -> None:
        """Keeps the trailer; what is left must be the end tag."""
        rest = self._buffer
        start = _event_start(rest, 0)
        end = rest.find(ROOT_END)
        if start >= 0 and (end < 0 or start < end):
            message = (
                f"{self._path}: event {number + 1} (line {self._line_at(start)}): "
                "the file ends inside the event"
            )
            raise InputError(message)
        if end < 0:
            message = (
                f"{self._path}: the file ends after {number} events without </LesHouchesEvents>; "
                "it may have been cut"
            )
            raise InputError(message)
        self.trailer = rest[rest.find(b">", end) + 1 :].lstrip(b"\r\n")


def _event_start(text: bytes, position: int) -> int:
    """Where the next `<event ...>` begins, or -1; `<eventgroup>` is another tag."""
    while (start := text.find(START, position)) >= 0:
        if text[start + len(START) : start + len(START) + 1] in {b">", b" ", b"\t", b"\r", b"\n"}:
            return start
        position = start + 1
    return -1
