"""The part of a file's text that is being looked at: it grows at its end and shrinks at its beginning.

Growing takes in at least as much text as is still unused, so that the work stays proportional to the
text however long an event is; the limit keeps memory bounded whatever the file holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT: Final = 1 << 25
"""Bytes of a header, an event or the text between two events. Half a million weights with their ids
make an event of that length; decompression bombs and endless lines exceed it at once."""
SHORT: Final = 1 << 12
"""Bytes from which on newlines are counted by numpy."""
NEWLINE: Final = ord("\n")
EVENT_END: Final = b"</event>"


class TextWindow:
    """Text in blocks, seen through a window.

    Attributes:
        text: what is being looked at.
        position: up to where it was used.
        complete: the place after the last end of an event in it, or 0.
        failure: why no more text comes, if that is an error.
    """

    def __init__(self, blocks: Iterator[bytes], path: Path) -> None:
        """Begins with no text."""
        self._blocks = blocks
        self._path = path
        self._line, self._counted = 1, 0
        self._exhausted = False
        self.text = b""
        self.position = 0
        self.complete = 0
        self.failure: InputError | None = None

    def line_at(self, position: int) -> int:
        """The line number of a place, from 1; quick where places ascend."""
        if position < self._counted:
            return self._line - _lines(self.text, position, self._counted)
        self._line += _lines(self.text, self._counted, position)
        self._counted = position
        return self._line

    def more(self) -> bool:
        """Adds text and drops what was used.

        Returns:
            Whether there was more; if not, `failure` says what is wrong with the file, if anything.
        """
        self._line = self.line_at(self.position)
        parts = [self.text[self.position :]]
        self.text, self.position, self._counted = parts[0], 0, 0
        unused = len(parts[0])
        if unused > LIMIT and not self._exhausted:
            self._exhausted = True
            self.failure = InputError(
                f"{self._path}: the text from line {self._line} on goes on for more than "
                f"{LIMIT >> 20} MB without the end of an event"
            )
        added = 0
        while not self._exhausted and added <= min(unused, LIMIT - unused):
            try:
                block = next(self._blocks, b"")
            except InputError as error:
                self.failure = error
                block = b""
            self._exhausted = not block
            parts.append(block)
            added += len(block)
        self.text = b"".join(parts)
        self.complete = self.text.rfind(EVENT_END) + len(EVENT_END)
        if self.complete < len(EVENT_END):
            self.complete = 0
        return added > 0


def _lines(text: bytes, start: int, end: int) -> int:
    """Newlines in a part of a text; for long ones faster than `bytes.count`."""
    if end - start < SHORT:
        return text.count(b"\n", start, end)
    return int(np.count_nonzero(np.frombuffer(text, np.uint8)[start:end] == NEWLINE))
