"""Cuts the text of an LHE file into its head and its events, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from crosshook.adapters.lhe.head_reading import INIT_END, INIT_START
from crosshook.adapters.lhe.text_window import EVENT_END, TextWindow
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START: Final = b"<event"
ROOT_END: Final = b"</LesHouchesEvents"


class EventBlock(NamedTuple):
    """The text of one event.

    Attributes:
        before: text between the end of the event before and this one, if not blank.
        attributes: inside of the opening tag.
        body: everything between the tags.
        number: of the event, from 1.
        line: line number of the opening tag, from 1.
    """

    before: bytes
    attributes: bytes
    body: bytes
    number: int
    line: int


class EventBlocks:
    """Head, events and trailer of one file.

    Attributes:
        head: the text up to the end of the init block.
        window: the text that comes next.
        taken: number of events that were taken so far.
        ended: whether there are no more.
        trailer: the text after the end tag, once all events were taken.
        number: of the event that was looked at last, from 1.
        line: its line number, from 1.
        hopeless: whether the text goes on, but not as one event file.
    """

    def __init__(self, blocks: Iterator[bytes], path: Path) -> None:
        """Reads the head.

        Raises:
            InputError: if there is no init block.
        """
        self._path = path
        self.window = TextWindow(blocks, path)
        self.taken = 0
        self.ended = False
        self.trailer = b""
        self.number = 0
        self.line = 0
        self.hopeless = False
        self.head = self._read_head()

    def _read_head(self) -> bytes:
        window = self.window
        while window.more():
            start = INIT_START.search(window.text)
            end = INIT_END.search(window.text, start.end()) if start else None
            if end is not None:
                window.position = end.end()
                return window.text[: end.end()]
        if window.failure is not None:
            raise window.failure
        what = "the init block does not end" if INIT_START.search(window.text) else "no <init>"
        message = f"{self._path}: not a Les Houches event file: {what}"
        raise InputError(message)

    def peek(self) -> EventBlock | None:
        """The next event, which stays the next one; None after the last.

        Raises:
            InputError: if the file ends early or an event does not end; `take` gets over it.
        """
        block, _ = self._next()
        return block

    def take(self) -> EventBlock | None:
        """The next event; None after the last.

        Raises:
            InputError: if the file ends early, after all complete events were given, or at an event
                that does not end. The next event is the one after it.
        """
        block, end = self._next(passing=True)
        if block is None:
            self.ended = True
        else:
            self.taken += 1
            self.window.position = end
        return block

    def _next(self, passing: bool = False) -> tuple[EventBlock | None, int]:
        """The next event and where it ends; a broken one is passed, if asked for."""
        window = self.window
        self.number = self.taken + 1
        while True:
            text = window.text
            start = event_start(text, window.position)
            inside = text.find(b">", start) if start >= 0 else -1
            # The next event bounds the search for the end of this one.
            bound = event_start(text, inside) if inside >= 0 else -1
            end = (
                text.find(EVENT_END, inside, bound if bound >= 0 else None) if inside >= 0 else -1
            )
            if end >= 0:
                break
            if bound >= 0:
                self.line = window.line_at(start)
                message = f"{self._where()}: no </event> found"
                if passing:
                    self.taken += 1
                    window.position = bound
                raise InputError(message)
            if not window.more():
                self._finish(passing)
                return None, 0
        before = text[window.position : start]
        self.line = window.line_at(start)
        if ROOT_END in before:
            self.ended, self.hopeless = passing, True
            message = f"{self._path}: a second file begins before line {self.line}"
            raise InputError(message)
        attributes = text[start + len(START) : inside]
        kept = b"" if before.isspace() else before
        body = text[inside + 1 : end]
        block = EventBlock(kept, attributes, body, self.number, self.line)
        return block, end + len(EVENT_END)

    def _where(self) -> str:
        return f"{self._path}: event {self.number} (line {self.line})"

    def _finish(self, passing: bool) -> None:
        """Keeps the trailer; what is left must be the end tag."""
        self.ended = passing
        window = self.window
        rest = window.text[window.position :]
        start = event_start(rest, 0)
        end = rest.find(ROOT_END)
        if window.failure is not None:
            self.line = window.line_at(window.position + max(start, 0))
            message = f"{window.failure} (after {self.taken} complete events)"
            raise InputError(message) from window.failure
        if start >= 0 and (end < 0 or start < end):
            self.line = window.line_at(window.position + start)
            message = f"{self._where()}: the file ends inside the event"
            raise InputError(message)
        if end < 0:
            self.line = window.line_at(window.position)
            message = (
                f"{self._path}: the file ends after {self.taken} events without "
                "</LesHouchesEvents>; it may have been cut"
            )
            raise InputError(message)
        self.trailer = rest[rest.find(b">", end) + 1 :].lstrip(b"\r\n")


def event_start(text: bytes, position: int) -> int:
    """Where the next `<event ...>` begins, or -1; `<eventgroup>` is another tag."""
    while (start := text.find(START, position)) >= 0:
        if text[start + len(START) : start + len(START) + 1] in {b">", b" ", b"\t", b"\r", b"\n"}:
            return start
        position = start + 1
    return -1
