"""Diagrams as lists of propagators, each told by the external legs on one side of it.

Legs are numbered as momenta are: incoming ones first. Of e+e- -> µ+µ-γ, the photon radiated by the
µ+ in {2, 4} and the Z in {2, 3, 4} are s-channel propagators; {0, 4} is the electron exchanged when
the first beam radiates the photon. A leg set and its complement are the same propagator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from crosshook.core.errors import ConfigurationError
from crosshook.core.phase_space.branching import Leg
from crosshook.core.phase_space.propagator import FlatPropagator, PowerPropagator, Resonance
from crosshook.core.phase_space.splitting import Splitting
from crosshook.core.phase_space.transverse import Part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from crosshook.core.phase_space.propagator import Propagator
    from crosshook.core.phase_space.restrictions import Restrictions


@dataclass(frozen=True)
class Line:
    """One propagator.

    Attributes:
        legs: external legs on one side.
        mass: in GeV.
        width: in GeV; of s-channel propagators with a mass, above 0.
        power: ν of the density (s + scale²)^-ν or (m² + scale² - t)^-ν; without effect where a
            width makes a Breit-Wigner.
    """

    legs: frozenset[int]
    mass: float = 0.0
    width: float = 0.0
    power: float = 1.0

    def mirrored(self) -> Line:
        """The same with beams 1 and 2 exchanged."""
        swapped = {0: 1, 1: 0}
        legs = frozenset(swapped.get(leg, leg) for leg in self.legs)
        return Line(legs, self.mass, self.width, self.power)


@dataclass(frozen=True)
class Skeleton:
    """A diagram ready to be mapped.

    Attributes:
        root: chain of splittings.
        whole: the propagator that holds the whole final state, if any.
    """

    root: Splitting
    whole: Line | None


def skeleton(lines: Iterable[Line], limits: Restrictions, n_incoming: int, where: str) -> Skeleton:
    """Orders the propagators of a diagram into a chain of splittings.

    Invariants that no propagator has are mapped evenly, or with 1/s between exchanged ones.

    Args:
        lines: the propagators.
        limits: masses of the final legs, and where invariants begin.
        n_incoming: 1 or 2.
        where: path of the diagram in the run file, for messages.

    Raises:
        ConfigurationError: if they are not those of one diagram.
    """
    return _Builder(limits, n_incoming, where).build(tuple(lines))


def sorted_lines(
    lines: Iterable[Line], limits: Restrictions, n_incoming: int, where: str
) -> tuple[dict[frozenset[int], Line], dict[frozenset[int], Line]]:
    """Propagators by their final legs: of systems of these, and those exchanged with beam 1.

    Args:
        lines: the propagators.
        limits: masses of the final legs.
        n_incoming: 1 or 2.
        where: path of the diagram in the run file, for messages.

    Raises:
        ConfigurationError: if they are not those of one diagram.
    """
    return _Builder(limits, n_incoming, where).sorted(tuple(lines))


def transverse_parts(lines: Iterable[Line], limits: Restrictions, where: str) -> tuple[Part, ...]:
    """The parts of a hadronic final state that have no common propagator, the recoiling one last.

    Args:
        lines: propagators inside the parts.
        limits: masses and PDG ids of the final legs, and where invariants begin.
        where: path of the channel in the run file, for messages.

    Raises:
        ConfigurationError: if they are not those of one diagram, or leave one part only.
    """
    return _Builder(limits, 2, where).parts(tuple(lines))


def divided(legs: frozenset[int], systems: Collection[frozenset[int]]) -> list[frozenset[int]]:
    """The outermost of the systems among some legs, then each leg that is in none."""
    outer = [one for one in systems if not any(one < other for other in systems)]
    loose = legs - frozenset().union(*outer)
    return [*sorted(outer, key=sorted), *(frozenset({leg}) for leg in sorted(loose))]


class _Builder:
    def __init__(self, limits: Restrictions, n_incoming: int, where: str) -> None:
        self.limits, self.n_in, self.where = limits, n_incoming, where
        self.masses, self.scale = limits.masses, limits.scale
        self.final = frozenset(range(n_incoming, n_incoming + len(self.masses)))

    def parts(self, lines: tuple[Line, ...]) -> tuple[Part, ...]:
        pairs, exchanged = self.sorted(lines)
        for line in exchanged.values():
            self._fail(line, "is exchanged with a beam; p_T and rapidities stand for those")
        groups = divided(self.final, pairs)
        found = []
        for legs in groups:
            pt = self.limits.pt(min(legs) - self.n_in) if len(legs) == 1 else 0.0
            found.append(Part(self._tree(legs, pairs), pt, self.scale))
        if len(found) < 2:
            self._fail(pairs[groups[0]], "leaves nothing that it could recoil against")
        # the one that recoils is the one whose own p_T is cut the least
        return tuple(sorted(found, key=lambda part: part.pt_min, reverse=True))

    def build(self, lines: tuple[Line, ...]) -> Skeleton:
        pairs, exchanged = self.sorted(lines)
        whole = pairs.pop(self.final, None)
        node: Leg | Splitting | None = None
        inner: frozenset[int] = frozenset()
        for legs in sorted(exchanged, key=len):
            part = self._tree(legs - inner, pairs)
            if node is None:
                node = part
            else:
                # what recoils along a chain of exchanges falls like 1/s
                recoil = PowerPropagator(1.0, self.scale**2)
                exchange = self._exchange(exchanged[inner])
                node = Splitting(node, part, recoil, exchange, self._floor(legs))
            inner = legs
        rest = self._tree(self.final - inner, pairs)
        if node is None:
            assert isinstance(rest, Splitting)
            return Skeleton(rest, whole)
        return Skeleton(Splitting(node, rest, exchange=self._exchange(exchanged[inner])), whole)

    def sorted(
        self, lines: tuple[Line, ...]
    ) -> tuple[dict[frozenset[int], Line], dict[frozenset[int], Line]]:
        """Propagators of pairs and exchanged ones, checked to be those of one diagram."""
        pairs: dict[frozenset[int], Line] = {}
        exchanged: dict[frozenset[int], Line] = {}
        for line in lines:
            legs, along = self._side(line)
            home = exchanged if along else pairs
            if legs in home:
                self._fail(line, "is there twice")
            home[legs] = line
        for line, legs, along in self._all(pairs, exchanged):
            for _, other, too in self._all(pairs, exchanged):
                apart = not legs & other and not (along and too)
                inside = (legs <= other and too >= along) or (other <= legs and along >= too)
                if not (apart or inside):
                    self._fail(line, f"cannot be in one diagram with that to legs {sorted(other)}")
        return pairs, exchanged

    @staticmethod
    def _all(
        pairs: dict[frozenset[int], Line], exchanged: dict[frozenset[int], Line]
    ) -> list[tuple[Line, frozenset[int], bool]]:
        return [
            *((line, legs, False) for legs, line in pairs.items()),
            *((line, legs, True) for legs, line in exchanged.items()),
        ]

    def _side(self, line: Line) -> tuple[frozenset[int], bool]:
        """Final legs on the side of beam 1, or of neither beam; whether beam 1 is on that side."""
        incoming = frozenset(range(self.n_in))
        everything = incoming | self.final
        if not line.legs <= everything:
            self._fail(line, f"legs are numbered from 0 to {len(everything) - 1}")
        legs = line.legs
        if incoming <= legs or (1 in legs and self.n_in == 2 and 0 not in legs):
            legs = everything - legs
        along = self.n_in == 2 and 0 in legs
        found = legs & self.final
        if along and not 0 < len(found) < len(self.final):
            self._fail(line, "separates a beam from nothing")
        if not along and len(found) < 2:
            self._fail(line, "is an external leg")
        return found, along

    def _tree(self, legs: frozenset[int], pairs: dict[frozenset[int], Line]) -> Leg | Splitting:
        """A part whose propagators are all inside; one for the part itself is taken too."""
        line = pairs.get(legs)
        if len(legs) == 1:
            (leg,) = legs
            return Leg(leg - self.n_in, self.masses[leg - self.n_in])
        groups = divided(legs, [p for p in pairs if p < legs])
        parts = [self._tree(group, pairs) for group in groups]
        tail = parts[-1]
        inner = groups[-1]
        for part, group in zip(reversed(parts[1:-1]), reversed(groups[1:-1]), strict=True):
            inner |= group
            tail = Splitting(part, tail, floor=self._floor(inner))
        propagator = self._propagator(line) if line is not None else FlatPropagator()
        return Splitting(parts[0], tail, propagator, floor=self._floor(legs))

    def _floor(self, legs: frozenset[int]) -> float:
        """Smallest mass of a part in GeV where cuts raise it, or 0."""
        final = frozenset(leg - self.n_in for leg in legs)
        smallest = self.limits.smallest_mass(final)
        return smallest if smallest > sum(self.masses[leg] for leg in final) else 0.0

    def _propagator(self, line: Line) -> Propagator:
        if line.mass and line.width:
            return Resonance(line.mass, line.width)
        if line.mass:
            self._fail(line, f"has the mass {line.mass} GeV and no width; give width, above 0")
        return PowerPropagator(line.power, self.scale**2)

    def _exchange(self, line: Line) -> Propagator:
        return PowerPropagator(line.power, line.mass**2 + self.scale**2)

    def _fail(self, line: Line, why: str) -> NoReturn:
        message = f"{self.where}: propagator with legs {sorted(line.legs)}: {why}"
        raise ConfigurationError(message)
