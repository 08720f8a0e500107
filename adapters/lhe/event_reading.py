"""Cuts the text of one event into numbers, weights, attributes and the text that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from crosshook.adapters.lhe.attributes import ATTRIBUTE
from crosshook.adapters.lhe.event_numbers import whole_lines
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


def read_tag(text: bytes, columns: Container[str], where: Where) -> tuple[dict[str, float], bytes]:
    """Attributes of an event tag.

    Args:
        text: the inside of the tag.
        columns: attributes that are columns of the file.
        where: for messages.

    Returns:
        The columns the event has, and all other attributes as text.

    Raises:
        InputError: if there are trials, but no column for them.
    """
    if not text:
        return {}, b""
    values: dict[str, float] = {}
    others = []
    for name, quote, value in ATTRIBUTE.findall(text.decode("utf-8", "surrogateescape")):
        if name not in columns:
            if name == "trials":
                message = f"{where()}: has the attribute 'trials', which the first event has not"
                raise InputError(message)
            others.append(f"{name}={quote}{value}{quote}")
            continue
        values[name] = real(value.strip(), f"{where()}: attribute {name}")
    return values, " ".join(others).encode("utf-8", "surrogateescape") if others else b""
