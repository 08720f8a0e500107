"""Turns the text of one event into numbers and the text that is none."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from crosshook.adapters.lhe.attributes import ATTRIBUTE
from crosshook.adapters.lhe.numbers import real
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from crosshook.core.events.layout import FloatArray

    Where = Callable[[], str]

EVENT_NUMBERS: Final = 6
PARTICLE_NUMBERS: Final = 13


class Body(NamedTuple):
    """The parts of an event's text.

    Attributes:
        numbers: text of the event line's 6 numbers, then 13 a particle, and nothing else.
        particles: how many there are.
        extra: lines that are no numbers and no weights, each with its newline.
        rwgt: the inside of `<rwgt>`.
        listed: the inside of `<weights>`.
    """

    numbers: bytes
    particles: int
    extra: bytes
    rwgt: bytes
    listed: bytes


def read_body(body: bytes, where: Where) -> Body:
    """Cuts up everything between the event's tags; numbers are counted, not converted.

    Args:
        body: the text.
        where: file, event and line, for messages.

    Raises:
        InputError: if numbers are missing.
    """
    end = body.find(b"<")
    if end < 0:
        end = len(body)
    comment = body.find(b"#", 0, end)
    cut = end if comment < 0 else comment
    numbers = body[:cut]
    extra = rwgt = listed = b""
    if cut < len(body):
        extra = body[cut:]
        if b"<rwgt" in extra:
            extra, rwgt = _take(extra, b"<rwgt", b"</rwgt>", where)
        if b"<weights" in extra:
            extra, listed = _take(extra, b"<weights", b"</weights>", where)
        extra = _lines(extra)
    tokens = numbers.split()
    particles = _announced(tokens, where) if tokens else 0
    if len(tokens) != EVENT_NUMBERS + PARTICLE_NUMBERS * particles or not tokens:
        rest = extra if comment < 0 else extra[end - cut :]
        tokens, extra = _line_by_line(body[:end], rest, where)
        numbers, extra = b" ".join(tokens), _lines(extra)
        particles = _announced(tokens, where)
    return Body(numbers, particles, extra, rwgt, listed)


def convert_numbers(texts: Sequence[bytes], where: Callable[[int], str]) -> FloatArray:
    """The numbers of several events, one after another.

    Args:
        texts: of each event, as `Body.numbers`.
        where: the place of an event, by its row.

    Raises:
        UnreadableEvent: at the first event with something that is no finite number.
    """
    try:
        numbers = np.fromstring(b" ".join(texts), sep=" ")
    except ValueError:
        numbers = None
    if numbers is not None and np.isfinite(numbers).all():
        return numbers
    found: list[float] = []
    for row, text in enumerate(texts):
        try:
            values = [real(token, where(row)) for token in text.split()]
        except InputError as error:
            raise UnreadableEvent(row, str(error)) from error
        bad = [v for v in values if not isfinite(v)]
        if bad:
            raise UnreadableEvent(row, f"{where(row)}: {bad[0]} is not a finite number")
        found += values
    return np.array(found)


class UnreadableEvent(Exception):
    """An event of a batch that cannot be read; those before it can.

    Attributes:
        row: of the event in the batch.
    """

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row


def _announced(tokens: list[bytes], where: Where) -> int:
    try:
        return int(tokens[0])
    except ValueError:
        message = f"{where()}: {tokens[0].decode(errors='replace')!r} is not a number of particles"
        raise InputError(message) from None


def _take(text: bytes, opening: bytes, closing: bytes, where: Where) -> tuple[bytes, bytes]:
    """The text without one element, and that element's inside."""
    start = text.find(opening)
    if start < 0:
        return text, b""
    inside = text.find(b">", start) + 1
    end = text.find(closing, inside)
    if end < 0 or inside == 0:
        message = f"{where()}: {opening.decode()}> does not end"
        raise InputError(message)
    rest = text[:start].rstrip(b" \t") + text[end + len(closing) :].lstrip(b" \t\r\n")
    return rest, text[inside:end]


def _lines(extra: bytes) -> bytes:
    """Kept lines with a newline at the end; nothing if they are blank."""
    if not extra or extra.isspace():
        return b""
    stripped = extra.rstrip(b" \t")
    return stripped if stripped.endswith(b"\n") else stripped + b"\n"


def _line_by_line(text: bytes, rest: bytes, where: Where) -> tuple[list[bytes], bytes]:
    """Reads numbers where lines have more than they should, or comments between them.

    Further columns of a line are kept as a comment, so that nothing of the file is lost.
    """
    tokens: list[bytes] = []
    kept: list[bytes] = []
    particles = announced = 0
    for line in text.splitlines():
        numbers, mark, comment = line.partition(b"#")
        fields = numbers.split()
        expected = PARTICLE_NUMBERS if tokens else EVENT_NUMBERS
        if mark:
            kept.append(mark + comment + b"\n")
        if not fields:
            continue
        what = f"particle {particles + 1}" if tokens else "the event line"
        if tokens and particles == announced:
            kept.append(b"# " + line.strip() + b"\n")
            particles += 1
            break
        if len(fields) < expected:
            message = f"{where()}: {what} has {len(fields)} numbers, {expected} expected"
            raise InputError(message)
        if len(fields) > expected:
            kept.append(b"# " + what.encode() + b": " + b" ".join(fields[expected:]) + b"\n")
        if tokens:
            particles += 1
        else:
            announced = _announced(fields, where)
        tokens += fields[:expected]
    if not tokens or particles != announced:
        found = "more" if particles > announced else str(particles)
        message = f"{where()}: {announced} particles announced, {found} found"
        raise InputError(message if tokens else f"{where()}: the event is empty")
    return tokens, b"".join(kept) + rest


def read_tag(text: bytes, columns: Container[str], where: Where) -> tuple[dict[str, float], bytes]:
    """Attributes of an event tag.

    Args:
        text: the inside of the tag.
        columns: attributes that are columns of the file.
        where: for messages.

    Returns:
        The columns the event has, and all other attributes as text.
    """
    values: dict[str, float] = {}
    others = []
    for name, quote, value in ATTRIBUTE.findall(text.decode("utf-8", "surrogateescape")):
        if name not in columns:
            others.append(f"{name}={quote}{value}{quote}")
            continue
        try:
            values[name] = float(value)
        except ValueError:
            values[name] = real(value.strip(), f"{where()}: attribute {name}")
    return values, " ".join(others).encode("utf-8", "surrogateescape") if others else b""
