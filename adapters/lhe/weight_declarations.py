"""Reads `<initrwgt>`: which further weights events carry, in which groups."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from crosshook.adapters.lhe.attributes import read_attributes
from crosshook.core.errors import InputError
from crosshook.core.events.run_info import WeightInfo

if TYPE_CHECKING:
    from pathlib import Path

MOST_REPEATED: Final = 1000
"""Groups of one name; they are told apart by blanks."""
TAG: Final = re.compile(r"""<(/?)(weightgroup|weight)\b((?:[^<>"']|"[^"]*+"|'[^']*+')*+)>""")


class Declarations:
    """Weights declared so far; of two with the same id the first one counts.

    Attributes:
        groups: attributes of each group, by its key: its name, else its type, else a number.
    """

    def __init__(self, path: Path) -> None:
        """Begins with none; `path` is for messages."""
        self._path = path
        self._repeated: Counter[str] = Counter()
        self.groups: dict[str, dict[str, str]] = {}
        self._weights: dict[str, WeightInfo] = {}

    @property
    def weights(self) -> tuple[WeightInfo, ...]:
        """In the order of declaration."""
        return tuple(self._weights.values())

    def read(self, text: str) -> None:
        """Takes in the inside of one `<initrwgt>`.

        Raises:
            InputError: if there are too many groups of one name.
        """
        group = ""
        weight: str | None = None
        begin = 0
        for match in TAG.finditer(text):
            closing, name, inside = match.groups()
            if weight is not None:
                ends = closing and name == "weight"
                self._add(weight, group, text[begin : match.start()] if ends else "")
                weight = None
            if name == "weightgroup":
                group = "" if closing else self._group(read_attributes(inside))
            elif inside.endswith("/"):
                self._add(inside[:-1], group, "")
            elif not closing:
                weight = inside
                begin = match.end()
        if weight is not None:
            self._add(weight, group, "")

    def _add(self, inside: str, group: str, description: str) -> None:
        attributes = read_attributes(inside)
        weight_id = attributes.pop("id", attributes.pop("name", "")).strip()
        self._weights.setdefault(weight_id, WeightInfo(weight_id, group, description, attributes))

    def _group(self, attributes: dict[str, str]) -> str:
        key = attributes.get("name") or attributes.get("type") or str(len(self.groups) + 1)
        if self.groups.get(key, attributes) != attributes:
            self._repeated[key] += 1
            if self._repeated[key] > MOST_REPEATED:
                message = (
                    f"{self._path}: more than {MOST_REPEATED} groups of weights named {key!r}"
                )
                raise InputError(message)
            key += " " * self._repeated[key]
        self.groups[key] = attributes
        return key
