"""The partonic processes behind a request, and which of them have equal amplitudes."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations_with_replacement, groupby, permutations, product
from typing import TYPE_CHECKING

from crosshook.adapters.amplicol.particles import NAME, TOP, conserved, is_quark, is_upper
from crosshook.adapters.amplicol.trees import Trees
from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.adapters.amplicol.request import Request

MOST = 1000
"""Partonic processes that are looked at; more take minutes."""

MOST_ORDERINGS = 12
"""Orders of the legs that are all tried, for one in which an amplitude is known already."""


def words(pdg: tuple[int, ...]) -> str:
    """`d g > t t~ d` as pyAmpliCol reads it."""
    names = [NAME[number] for number in pdg]
    return f"{' '.join(names[:2])} > {' '.join(names[2:])}"


@dataclass(frozen=True)
class Partonic:
    """One partonic process.

    Attributes:
        pdg: PDG ids of the legs, incoming first.
        mirror: the beams may be exchanged.
    """

    pdg: tuple[int, ...]
    mirror: bool

    @property
    def label(self) -> str:
        """In words."""
        return words(self.pdg)


@dataclass
class Amplitude:
    """Partonic processes that share one amplitude.

    Attributes:
        trees: diagrams of the first of them, which stands for all.
        members: all of them.
    """

    trees: Trees
    members: list[Partonic] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The first, in words."""
        return self.members[0].label


def amplitudes(request: Request) -> tuple[Amplitude, ...]:
    """All partonic processes of the lowest electroweak order, those with one amplitude together.

    Legs that may be the same particles are ordered so that as many as possible share one.

    Raises:
        ConfigurationError: if there is none, or there are too many.
    """
    found: dict[tuple[int, ...], None] = {}
    for pdg in _allowed(request):
        found[pdg] = None
        if len(found) > MOST:
            message = (
                f"process {request.text!r}: more than {MOST} partonic processes, the most that are "
                "looked at; name some of the particles"
            )
            raise ConfigurationError(message)
    lowest: int | None = None
    trees: list[tuple[tuple[int, ...], int]] = []
    for pdg in found:
        order = Trees(pdg).electroweak_order
        if order is None:
            continue
        trees.append((pdg, order))
        lowest = order if lowest is None else min(lowest, order)
    if lowest is None:
        message = (
            f"process {request.text!r}: impossible at tree level: no diagram conserves charge, "
            "lepton and quark generations"
        )
        raise ConfigurationError(message)
    result: dict[str, Amplitude] = {}
    for pdg, order in trees:
        if order > lowest:
            continue
        orderings = sorted(_orderings(pdg, request), key=_pattern)
        own = Trees(orderings[0])
        if own.signature not in result and len(orderings) <= MOST_ORDERINGS:
            others = map(Trees, orderings[1:])
            own = next((other for other in others if other.signature in result), own)
        mirror = pdg[0] != pdg[1] and _may_be(request.incoming, (pdg[1], pdg[0]))
        amplitude = result.setdefault(own.signature, Amplitude(own))
        amplitude.members.append(Partonic(own.pdg, mirror))
    return tuple(result.values())


def _pattern(pdg: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The legs with light quarks numbered as they appear, up and down ones apart."""
    seen: dict[int, int] = {}
    found: list[tuple[int, ...]] = []
    for number in pdg:
        if is_quark(number) and abs(number) != TOP:
            index = seen.setdefault(abs(number), len(seen))
            found.append((1, number < 0, is_upper(number), index))
        else:
            found.append((0, number))
    return tuple(found)


def _allowed(request: Request) -> Iterator[tuple[int, ...]]:
    """Conserving combinations, each once up to the order of interchangeable legs."""
    slots = (*request.incoming, *request.outgoing)
    groups = [[0, 1]] if slots[0] == slots[1] else [[0], [1]]
    groups += _interchangeable(request)
    choices = [list(combinations_with_replacement(slots[legs[0]], len(legs))) for legs in groups]
    for chosen in product(*choices):
        pdg = [0] * len(slots)
        total = [0] * 7
        for legs, numbers in zip(groups, chosen, strict=True):
            for leg, number in zip(legs, numbers, strict=True):
                pdg[leg] = number
                sign = -1 if leg < 2 else 1
                total = [a + sign * b for a, b in zip(total, conserved(number), strict=True)]
        if not any(total):
            yield min(_orderings(tuple(pdg), request))


def _interchangeable(request: Request) -> list[list[int]]:
    """Final legs that may be the same particles, together."""
    slots = sorted(enumerate(request.outgoing, start=2), key=lambda slot: (slot[1], slot[0]))
    return [[leg for leg, _ in same] for _, same in groupby(slots, key=lambda slot: slot[1])]


def _orderings(pdg: tuple[int, ...], request: Request) -> Iterator[tuple[int, ...]]:
    """The same particles on the legs in every order that the request does not tell apart."""
    before = {pdg[:2]}
    if _may_be(request.incoming, (pdg[1], pdg[0])):
        before.add((pdg[1], pdg[0]))
    groups = _interchangeable(request)
    for start in before:
        for orders in product(*(set(permutations([pdg[i] for i in legs])) for legs in groups)):
            legs_of = list(pdg)
            legs_of[:2] = start
            for legs, order in zip(groups, orders, strict=True):
                for leg, number in zip(legs, order, strict=True):
                    legs_of[leg] = number
            yield tuple(legs_of)


def _may_be(slots: tuple[tuple[int, ...], ...], pdg: tuple[int, int]) -> bool:
    return pdg[0] in slots[0] and pdg[1] in slots[1]
