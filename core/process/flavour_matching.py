"""Finds the subprocess an event belongs to, and the order of its legs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.interfaces.matrix_element import Subprocess


class Match(NamedTuple):
    """An event's flavours as a subprocess of a matrix element.

    Attributes:
        subprocess: its index.
        order: for each of its legs the leg of the event.
    """

    subprocess: int
    order: tuple[int, ...]


def match(
    incoming: tuple[int, ...], final: tuple[int, ...], subprocesses: Sequence[Subprocess]
) -> Match | None:
    """The subprocess with these flavours, the beams exchanged if it allows that.

    Args:
        incoming: PDG ids of the incoming legs in the order of the event.
        final: PDG ids of the outgoing legs.
        subprocesses: where to look.

    Returns:
        Legs of the event are counted from 0, incoming first; None if nothing fits.
    """
    n_in = len(incoming)
    straight = tuple(range(n_in))
    for number, sub in enumerate(subprocesses):
        if len(sub.pdg) != n_in + len(final):
            continue
        ways = [straight, straight[::-1]] if sub.mirror and n_in == 2 else [straight]
        for way in ways:
            if tuple(incoming[i] for i in way) != sub.pdg[:n_in]:
                continue
            order = _order(final, sub.pdg[n_in:])
            if order is not None:
                return Match(number, (*way, *(n_in + i for i in order)))
    return None


def _order(given: tuple[int, ...], wanted: tuple[int, ...]) -> list[int] | None:
    """Places in `given` of the entries of `wanted`; identical ones in their order."""
    if sorted(given) != sorted(wanted):
        return None
    free = list(range(len(given)))
    order = []
    for pdg in wanted:
        place = next(i for i in free if given[i] == pdg)
        free.remove(place)
        order.append(place)
    return order
