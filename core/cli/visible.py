"""Text of strangers on a terminal: what would steer the terminal is shown instead of obeyed."""

from __future__ import annotations

import re
from typing import Final

STEERING: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and newline, and those that turn the direction of writing."""


def visible(text: str) -> str:
    """The text with control characters spelt out, e.g. `\\x1b`."""
    return STEERING.sub(_spelt, text)


def _spelt(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
