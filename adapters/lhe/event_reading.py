"""Cuts the text of one event into numbers, weights, attributes and the text that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from crosshook.adapters.lhe.attributes import ATTRIBUTE
from crosshook.adapters.lhe.numbers import real
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    Where = Callable[[], str]


class Body(NamedTuple):
    """The parts of an event's text.

    Attributes:
        numbers: text of the event line's 6 numbers, then 13 a particle; not looked at yet.
        extra: lines that are no numbers and no weights, each with its newline.
        rwgt: the inside of `<rwgt>`.
        listed: the inside of `<weights>`.
    """

    numbers: bytes
    extra: bytes
    rwgt: bytes
    listed: bytes


def read_body(body: bytes, where: Where) -> Body:
    """Cuts up everything between the event's tags.

    Args:
        body: the text.
        where: file, event and line, for messages.

    Raises:
        InputError: if a block of weights does not end.
    """
    end = body.find(b"<")
    if end < 0:
        end = len(body)
    comment = body.find(b"#", 0, end)
    cut = end if comment < 0 else comment
    extra = rwgt = listed = b""
    if cut < len(body):
        extra = body[cut:]
        if b"<rwgt" in extra:
            extra, rwgt = _take(extra, b"<rwgt", b"</rwgt>", where)
        if b"<weights" in extra:
            extra, listed = _take(extra, b"<weights", b"</weights>", where)
        extra = whole_lines(extra)
    return Body(body[:cut], extra, rwgt, listed)


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


def whole_lines(extra: bytes) -> bytes:
    """Kept lines with a newline at the end; nothing if they are blank."""
    if not extra or extra.isspace():
        return b""
    stripped = extra.rstrip(b" \t")
    return stripped if stripped.endswith(b"\n") else stripped + b"\n"


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
