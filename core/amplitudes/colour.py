"""Colour flows of a subprocess from its PDG ids, where there is only one."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosshook.core.interfaces.matrix_element import ColourFlow

FIRST_LINE = 501
"""Number of the first colour line, by custom."""

MAX_LINES = 6
"""With more colour lines than this there is more than one flow for certain."""


def colour_ends(pdg: int) -> tuple[bool, bool]:
    """Whether an outgoing particle carries a colour and an anticolour."""
    if 1 <= abs(pdg) <= 8:
        return pdg > 0, pdg < 0
    return pdg == 21, pdg == 21


def possible_flows(pdg: tuple[int, ...], incoming: int) -> tuple[ColourFlow, ...]:
    """All ways to join colours to anticolours, no gluon with itself; empty if there are many.

    Args:
        pdg: PDG ids of the legs, incoming first.
        incoming: number of incoming legs.
    """
    sources, sinks = [], []
    for leg, number in enumerate(pdg):
        colour, anticolour = colour_ends(number)
        # an incoming colour ends where an outgoing one begins
        if leg < incoming:
            colour, anticolour = anticolour, colour
        if colour:
            sources.append(leg)
        if anticolour:
            sinks.append(leg)
    if len(sources) != len(sinks) or len(sources) > MAX_LINES:
        return ()
    flows = []
    for order in permutations(sinks):
        if any(a == b for a, b in zip(sources, order, strict=True)):
            continue
        lines = [[0, 0] for _ in pdg]
        for number, (start, end) in enumerate(zip(sources, order, strict=True)):
            lines[start][1 if start < incoming else 0] = FIRST_LINE + number
            lines[end][0 if end < incoming else 1] = FIRST_LINE + number
        flows.append(tuple((line[0], line[1]) for line in lines))
    return tuple(flows)
