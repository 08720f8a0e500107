"""Attributes of XML-like tags, read leniently and written back."""

from __future__ import annotations

import re
from typing import Final

ATTRIBUTE: Final = re.compile(r"""(?<![\w:.-])([\w:.-]++)\s*+=\s*+(["'])(.*?)\2""", re.DOTALL)


def read_attributes(text: str) -> dict[str, str]:
    """Attributes of a tag's inside, values as written between their quotes."""
    return {name: value for name, _, value in ATTRIBUTE.findall(text)}


def attributes_text(attributes: dict[str, str]) -> str:
    """` name='value'` for each; a value with an apostrophe gets double quotes."""
    return "".join(
        f' {name}="{value}"' if "'" in value else f" {name}='{value}'"
        for name, value in attributes.items()
    )
