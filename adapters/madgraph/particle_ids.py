"""PDG ids by the names MadGraph's standard models have for particles."""

from __future__ import annotations

import re
from typing import Final

EXCLUDED = re.compile(r"[/$\[]")
"""What follows is no particle of the process."""

_QUARKS = {"d": 1, "u": 2, "s": 3, "c": 4, "b": 5, "t": 6}
_LEPTONS = {"e": 11, "mu": 13, "ta": 15}
_NEUTRINOS = {"ve": 12, "vm": 14, "vt": 16}

PDG: Final[dict[str, int]] = {
    **_QUARKS,
    **{f"{name}~": -pdg for name, pdg in _QUARKS.items()},
    **{f"{name}-": pdg for name, pdg in _LEPTONS.items()},
    **{f"{name}+": -pdg for name, pdg in _LEPTONS.items()},
    **_NEUTRINOS,
    **{f"{name}~": -pdg for name, pdg in _NEUTRINOS.items()},
    "g": 21,
    "a": 22,
    "z": 23,
    "w+": 24,
    "w-": -24,
    "h": 25,
}
"""PDG id of each name."""


def particle_id(name: str) -> int | None:
    """The PDG id, or None where the name is another model's."""
    return PDG.get(name.lower())


def process_ids(process: str) -> tuple[tuple[int, ...], int] | None:
    """PDG ids of a process as `g g > t t~`, and the number of incoming ones; None if unknown.

    Particles that must be there in between, `u d~ > w+ > e+ ve`, or must not, `/ h`, are no legs.
    """
    incoming, *_, outgoing = EXCLUDED.split(process)[0].split(">")
    ids = [particle_id(name) for name in (*incoming.split(), *outgoing.split())]
    known = tuple(number for number in ids if number is not None)
    return (known, len(incoming.split())) if len(known) == len(ids) else None
