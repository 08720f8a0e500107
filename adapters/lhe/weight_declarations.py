"""Reads `<initrwgt>`: which further weights events carry, in which groups."""

from __future__ import annotations

import re
from typing import Final

from crosshook.adapters.lhe.attributes import read_attributes
from crosshook.core.events.run_info import WeightInfo

INSIDE: Final = r"""((?:[^>"']|"[^"]*"|'[^']*')*?)"""
TAG: Final = re.compile(
    rf"<(weightgroup)\b{INSIDE}>|<(/weightgroup)\s*>"
    rf"|<weight\b{INSIDE}(?:/>|>(.*?)</weight\s*>)",
    re.DOTALL,
)


class Declarations:
    """Weights declared so far; of two with the same id the first one counts.

    Attributes:
        groups: attributes of each group, by its key: its name, else its type, else a number.
    """

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, str]] = {}
        self._weights: dict[str, WeightInfo] = {}

    @property
    def weights(self) -> tuple[WeightInfo, ...]:
        """In the order of declaration."""
        return tuple(self._weights.values())

    def read(self, text: str) -> None:
        """Takes in the inside of one `<initrwgt>`."""
        group = ""
        for match in TAG.finditer(text):
            opening, inside, closing, weight, description = match.groups()
            if opening:
                group = self._group(read_attributes(inside))
            elif closing:
                group = ""
            else:
                attributes = read_attributes(weight)
                weight_id = attributes.pop("id", attributes.pop("name", "")).strip()
                self._weights.setdefault(
                    weight_id, WeightInfo(weight_id, group, description or "", attributes)
                )

    def _group(self, attributes: dict[str, str]) -> str:
        key = attributes.get("name") or attributes.get("type") or str(len(self.groups) + 1)
        while self.groups.get(key, attributes) != attributes:
            key += " "
        self.groups[key] = attributes
        return key
