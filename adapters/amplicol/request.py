"""Processes in words: `p p > t t~ j` to the particles each leg may be."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from crosshook.adapters.amplicol.particles import GROUPS
from crosshook.adapters.madgraph.particle_ids import PDG
from crosshook.core.errors import ConfigurationError

EXAMPLE = 'write e.g. "g g > t t~ g" or "p p > e- e+ j"'

ALIASES = {"tau-": "ta-", "tau+": "ta+", "gamma": "a", "nu_e": "ve", "nu_e~": "ve~"}


@dataclass(frozen=True)
class Request:
    """A process as it was asked for.

    Attributes:
        text: in words, one blank between particles.
        incoming: PDG ids that each of the two incoming legs may have.
        outgoing: PDG ids that each final leg may have.
    """

    text: str
    incoming: tuple[tuple[int, ...], ...]
    outgoing: tuple[tuple[int, ...], ...]


def parse(text: str) -> Request:
    """Reads a process.

    Args:
        text: two incoming particles, `>`, and at least two outgoing ones.

    Raises:
        ConfigurationError: if it is none, or a particle is unknown.
    """
    sides = text.split(">")
    if len(sides) != 2:
        message = f"process {text!r}: needs one '>'; {EXAMPLE}"
        raise ConfigurationError(message)
    before, after = (side.split() for side in sides)
    if len(before) != 2 or len(after) < 2:
        message = (
            f"process {text!r}: {len(before)} incoming and {len(after)} outgoing particles; "
            f"needed are 2 and at least 2, with blanks between them; {EXAMPLE}"
        )
        raise ConfigurationError(message)
    words = f"{' '.join(before)} > {' '.join(after)}"
    return Request(
        words,
        tuple(_particles(name, text) for name in before),
        tuple(_particles(name, text) for name in after),
    )


def _particles(name: str, text: str) -> tuple[int, ...]:
    known = ALIASES.get(name.lower(), name.lower())
    if known in GROUPS:
        return GROUPS[known]
    if known in PDG:
        return (PDG[known],)
    names = [*PDG, *GROUPS]
    close = difflib.get_close_matches(known, names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    message = (
        f"process {text!r}: unknown particle {name!r}{hint}; known are {' '.join(PDG)}, and for "
        f"several {' '.join(GROUPS)}"
    )
    raise ConfigurationError(message)
