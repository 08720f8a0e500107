"""Tree diagrams of a partonic process, of the lowest electroweak order that has any.

A tree is grown from leg 0: the current of all other legs splits in two, and so on. What is on the
other side of a line is a set of legs, here a bit mask without leg 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

from crosshook.adapters.amplicol.particles import anti, is_lepton, is_quark, is_upper
from crosshook.adapters.amplicol.vertices import ELECTROWEAK, outgoing, parents


class End(NamedTuple):
    """One end of a vertex.

    Attributes:
        legs: on its far side, as a bit mask.
        pdg: what flows there, as outgoing.
    """

    legs: int
    pdg: int


class Vertex(NamedTuple):
    """A particle that splits into two.

    Attributes:
        whole: the particle.
        parts: the two, in order.
        order: electroweak order.
    """

    whole: End
    parts: tuple[End, End]
    order: int


Tree = frozenset[Vertex]


@dataclass(frozen=True)
class Trees:
    """The trees of a process.

    Attributes:
        pdg: PDG ids of the legs, the two incoming ones first.
    """

    pdg: tuple[int, ...]

    @cached_property
    def legs(self) -> tuple[int, ...]:
        """All legs as outgoing."""
        return outgoing(self.pdg, 2)

    @property
    def everything(self) -> int:
        """All legs but leg 0."""
        return (1 << len(self.pdg)) - 2

    @cached_property
    def _lowest(self) -> dict[int, dict[int, int]]:
        """Lowest electroweak order of each particle that a set of legs can come from."""
        found: dict[int, dict[int, int]] = {
            1 << leg: {pdg: 0} for leg, pdg in enumerate(self.legs) if leg
        }
        masks = sorted(range(2, self.everything + 1, 2), key=int.bit_count)
        for mask in masks:
            if mask in found:
                continue
            best: dict[int, int] = {}
            for one, other in _halves(mask):
                for (a, m), (b, n) in product(found[one].items(), found[other].items()):
                    for parent, order in parents(a, b):
                        total = m + n + order
                        best[parent] = min(total, best.get(parent, total))
            found[mask] = best
        return found

    @cached_property
    def electroweak_order(self) -> int | None:
        """Lowest power of the electroweak coupling in the amplitude; None if there is no tree."""
        return self._lowest[self.everything].get(anti(self.legs[0]))

    @property
    def strong_order(self) -> int:
        """Power of the strong coupling at that electroweak order."""
        return len(self.pdg) - 2 - (self.electroweak_order or 0)

    @cached_property
    def all(self) -> tuple[Tree, ...]:
        """Every tree of the lowest electroweak order."""
        if self.electroweak_order is None:
            return ()
        memory: dict[tuple[End, int], tuple[Tree, ...]] = {}
        root = End(self.everything, anti(self.legs[0]))
        return self._grown(root, self.electroweak_order, memory)

    def _grown(
        self, end: End, order: int, memory: dict[tuple[End, int], tuple[Tree, ...]]
    ) -> tuple[Tree, ...]:
        if end.legs.bit_count() == 1:
            return (frozenset(),) if order == 0 else ()
        if (end, order) in memory:
            return memory[end, order]
        found: list[Tree] = []
        for one, other in _halves(end.legs):
            for (a, m), (b, n) in product(self._lowest[one].items(), self._lowest[other].items()):
                for parent, own in parents(a, b):
                    rest = order - own
                    if parent != end.pdg or m + n > rest:
                        continue
                    parts = (End(one, a), End(other, b))
                    vertex = Vertex(end, parts, own)
                    for left in range(m, rest - n + 1):
                        for x in self._grown(parts[0], left, memory):
                            for y in self._grown(parts[1], rest - left, memory):
                                found.append(x | y | {vertex})
        memory[end, order] = tuple(found)
        return memory[end, order]

    @cached_property
    def signature(self) -> str:
        """Equal for processes with equal |M|² leg by leg: the same diagrams, couplings and masses.

        Gluons do not tell light quarks apart, photons and Z only by their charge, and a generation
        of massless fermions is like another.
        """
        return repr(sorted(sorted(map(_classified, tree)) for tree in self.all))


def _halves(mask: int) -> list[tuple[int, int]]:
    """Both parts of each way to divide a set in two; the first holds its lowest leg."""
    lowest = mask & -mask
    rest, found = mask ^ lowest, []
    part = rest
    while part:
        part = (part - 1) & rest
        found.append((part | lowest, rest ^ part))
    return found


def _classified(vertex: Vertex) -> tuple[tuple[int, str], ...]:
    ends = (vertex.whole, *vertex.parts)
    return tuple((end.legs, _class(end.pdg, vertex.order == ELECTROWEAK)) for end in ends)


def _class(pdg: int, typed: bool) -> str:
    sign = "-" if pdg < 0 else "+"
    if is_lepton(pdg):
        return sign + ("v" if is_upper(pdg) else "l")
    if is_quark(pdg) and abs(pdg) < 6:
        return sign + (("u" if is_upper(pdg) else "d") if typed else "q")
    return str(pdg)
