"""Turns the text of one event into numbers and the text that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from crosshook.adapters.lhe.attributes import ATTRIBUTE
from crosshook.adapters.lhe.numbers import real
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

EVENT_NUMBERS: Final = 6
PARTICLE_NUMBERS: Final = 13


class Body(NamedTuple):
    """The parts of an event's text.

    Attributes:
        numbers: the event line's 6 numbers, then 13 a particle.
        extra: lines that are no numbers and no weights, each with its newline.
        rwgt: the inside of `<rwgt>`.
        listed: the inside of `<weights>`.
    """

    numbers: list[float]
    extra: bytes
    rwgt: bytes
    listed: bytes


def read_body(body: bytes, where: str) -> Body:
    """Reads everything between the event's tags.

    Args:
        body: the text.
        where: file, event and line, for messages.

    Raises:
        InputError: if numbers are missing or unreadable.
    """
    end = body.find(b"<")
    if end < 0:
        end = len(body)
    comment = body.find(b"#", 0, end)
    cut = end if comment < 0 else comment
    tokens = body[:cut].split()
    extra = body[cut:]
    rwgt = listed = b""
    if end < len(body):
        extra, rwgt = _take(extra, b"<rwgt", b"</rwgt>", where)
        extra, listed = _take(extra, b"<weights", b"</weights>", where)
    if not tokens or len(tokens) != EVENT_NUMBERS + PARTICLE_NUMBERS * _announced(tokens, where):
        tokens, extra = _line_by_line(
            body[:end], extra if comment < 0 else extra[end - cut :], where
        )
    try:
        numbers = [float(token) for token in tokens]
    except ValueError:
        numbers = [real(token, where) for token in tokens]
    total = sum(numbers)
    if total - total != 0.0:  # true for NaN and infinities alone
        bad = next(t for t, v in zip(tokens, numbers, strict=True) if v - v != 0.0)
        message = f"{where}: {bad.decode()!r} is not a finite number"
        raise InputError(message)
    return Body(numbers, _lines(extra), rwgt, listed)


def _announced(tokens: list[bytes], where: str) -> int:
    try:
        return int(tokens[0])
    except ValueError:
        message = f"{where}: {tokens[0].decode(errors='replace')!r} is not a number of particles"
        raise InputError(message) from None


def _take(text: bytes, opening: bytes, closing: bytes, where: str) -> tuple[bytes, bytes]:
    """The text without one element, and that element's inside."""
    start = text.find(opening)
    if start < 0:
        return text, b""
    inside = text.find(b">", start) + 1
    end = text.find(closing, inside)
    if end < 0 or inside == 0:
        message = f"{where}: {opening.decode()}> does not end"
        raise InputError(message)
    rest = text[:start].rstrip(b" \t") + text[end + len(closing) :].lstrip(b" \t\r\n")
    return rest, text[inside:end]


def _lines(extra: bytes) -> bytes:
    """Kept lines with a newline at the end; nothing if they are blank."""
    if not extra or extra.isspace():
        return b""
    stripped = extra.rstrip(b" \t")
    return stripped if stripped.endswith(b"\n") else stripped + b"\n"


def _line_by_line(text: bytes, rest: bytes, where: str) -> tuple[list[bytes], bytes]:
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
            message = f"{where}: {what} has {len(fields)} numbers, {expected} expected"
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
        message = f"{where}: {announced} particles announced, {found} found"
        raise InputError(message if tokens else f"{where}: the event is empty")
    return tokens, b"".join(kept) + rest


def read_tag(text: bytes, columns: Iterable[str], where: str) -> tuple[dict[str, float], bytes]:
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
        if name in columns:
            values[name] = real(value.strip(), f"{where}: attribute {name}")
        else:
            others.append(f"{name}={quote}{value}{quote}")
    return values, " ".join(others).encode("utf-8", "surrogateescape")
