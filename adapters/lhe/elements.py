"""Finds elements in text that is not XML, in time proportional to its length.

Nothing is expanded or fetched: entities, CDATA marks and document types are text like any other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Element(NamedTuple):
    """One element.

    Attributes:
        start: where its opening tag begins.
        attributes: the inside of the opening tag behind the name.
        content: the text between its tags.
        end: the place after its closing tag.
    """

    start: int
    attributes: str
    content: str
    end: int


def elements(text: str, name: str) -> Iterator[Element]:
    """Elements of a name one after another; nested ones belong to the text of the outer one."""
    opening = re.compile(rf"<{name}\b([^<>]*+)>")
    closing = re.compile(rf"</{name}\s*+>")
    position = 0
    while match := opening.search(text, position):
        inside = match.group(1)
        position = match.end()
        if inside.endswith("/"):
            yield Element(match.start(), inside[:-1], "", position)
            continue
        end = closing.search(text, position)
        if end is None:
            return
        yield Element(match.start(), inside, text[position : end.start()], end.end())
        position = end.end()


def without(text: str, found: list[Element]) -> str:
    """The text without some elements."""
    pieces = []
    position = 0
    for element in found:
        pieces.append(text[position : element.start])
        position = element.end
    return "".join([*pieces, text[position:]])
