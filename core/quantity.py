"""Quantity: what a run measures, by its name, symbol and unit: a cross section, or a width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Quantity:
    """The integral of a process.

    Attributes:
        name: for people.
        symbol: for tables and axes.
        unit: of its values and of all weights.
    """

    name: str
    symbol: str
    unit: str


CROSS_SECTION: Final = Quantity("cross section", "σ", "pb")
WIDTH: Final = Quantity("width", "Γ", "GeV")


def quantity_of(beams: tuple[int, int]) -> Quantity:
    """What a run with these beams measures: the width of beam 1 if there is no beam 2 (id 0)."""
    return WIDTH if beams[0] and not beams[1] else CROSS_SECTION
