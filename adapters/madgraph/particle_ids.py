"""PDG ids by the names MadGraph's standard models have for particles."""

from __future__ import annotations

import re
from typing import Final

EXCLUDED = re.compile(r"[/$\[]")
"""What follows is no particle of the process."""

NAMED: Final = {
    "d": 1, "u": 2, "s": 3, "c": 4, "b": 5, "t": 6,
    "e-": 11, "ve": 12, "mu-": 13, "vm": 14, "ta-": 15, "vt": 16,
    "g": 21, "a": 22, "z": 23, "w+": 24, "h": 25,
}  # fmt: skip


def particle_id(name: str) -> int | None:
    """The PDG id, or None where the name is another model's."""
    found = NAMED.get(name.lower())
    if found is not None:
        return found
    other = name.lower().translate(str.maketrans("+-", "-+"))
    if other == name.lower():
        other = name.lower().removesuffix("~")
    found = NAMED.get(other)
    return None if found is None or other == name.lower() else -found


def process_ids(process: str) -> tuple[tuple[int, ...], int] | None:
    """PDG ids of a process as `g g > t t~`, and the number of incoming ones; None if unknown.

    Particles that must be there in between, `u d~ > w+ > e+ ve`, or must not, `/ h`, are no legs.
    """
    incoming, *_, outgoing = EXCLUDED.split(process)[0].split(">")
    ids = [particle_id(name) for name in (*incoming.split(), *outgoing.split())]
    known = tuple(number for number in ids if number is not None)
    return (known, len(incoming.split())) if len(known) == len(ids) else None
