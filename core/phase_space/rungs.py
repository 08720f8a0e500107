"""Rungs: the orders in which a ladder draws its particles, one per channel.

Places are counted from 0, the most forward particle; gap i lies between places i and i + 1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rungs:
    """One order of drawing.

    Attributes:
        places: places in the order of drawing; the last one recoils.
        gaps: rapidity gaps in the order of drawing; the last one takes what is left.
        pair: whether the first two are neighbours, whose gap is then the first.
        beside: gap between the third particle and the pair, or -1 if they are no neighbours.
        opposite: gap between the third particle and the recoil, or -1.
    """

    places: tuple[int, ...]
    gaps: tuple[int, ...]
    pair: bool = True
    beside: int = -1
    opposite: int = -1

    @property
    def name(self) -> str:
        """E.g. `12-3`: 1 and 2 drawn as a pair, 3 recoils."""
        digits = [str(place + 1) for place in self.places]
        return f"{digits[0]}{digits[1]}-{'-'.join(digits[2:])}"


THREE = (
    Rungs((0, 1, 2), (0, 1)),
    Rungs((2, 1, 0), (1, 0)),
    Rungs((0, 2, 1), (0, 1), pair=False),
)
FOUR = (
    Rungs((0, 1, 2, 3), (0, 2, 1), beside=1, opposite=2),
    Rungs((3, 2, 1, 0), (2, 0, 1), beside=1, opposite=0),
    Rungs((3, 2, 0, 1), (2, 0, 1), opposite=0),
    Rungs((0, 1, 3, 2), (0, 2, 1), opposite=2),
    Rungs((1, 2, 0, 3), (1, 0, 2), beside=0),
    Rungs((2, 1, 3, 0), (1, 2, 0), beside=2),
)
"""Every pair of neighbours comes first in some channel, every particle recoils in some."""
