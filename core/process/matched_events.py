"""Events of a file as points of a process: their legs found and put in a subprocess's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from crosshook.core.errors import InputError
from crosshook.core.process.flavour_matching import match

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import IntArray
    from crosshook.core.interfaces.matrix_element import Subprocess

INCOMING: Final = -1
FINAL: Final = 1


class MatchedEvents(NamedTuple):
    """Events of one flavour structure.

    Attributes:
        rows: their rows in the batch, `(j,)`.
        legs: rows of their legs among the particles of the batch, in the order of the subprocess,
            `(j, m)`.
        subprocess: its index.
    """

    rows: IntArray
    legs: IntArray
    subprocess: int


def matched_events(
    batch: EventBatch, subprocesses: Sequence[Subprocess], name: str
) -> Iterator[MatchedEvents]:
    """The events of a batch by flavour structure.

    Args:
        batch: the events.
        subprocesses: of the process they are of.
        name: of the process, for messages.

    Raises:
        InputError: if the process has no such subprocess.
    """
    status, pdg = batch.particle_columns["status"], batch.particle_columns["pdg_id"]
    external = np.flatnonzero((status == INCOMING) | (status == FINAL))
    owner = np.repeat(np.arange(len(batch)), batch.counts)[external]
    # incoming legs first, each kind in the order of the file
    external = external[np.lexsort((status[external] == FINAL, owner))]
    ends = np.cumsum(np.bincount(owner, minlength=len(batch)))
    flavours: dict[tuple[tuple[int, int], ...], list[int]] = {}
    legs = np.split(external, ends[:-1]) if len(batch) else []
    for row, own in enumerate(legs):
        key = tuple(zip(status[own].tolist(), pdg[own].tolist(), strict=True))
        flavours.setdefault(key, []).append(row)
    for key, members in flavours.items():
        incoming = tuple(p for s, p in key if s == INCOMING)
        final = tuple(p for s, p in key if s == FINAL)
        found = match(incoming, final, subprocesses)
        if found is None:
            message = (
                f"{name} has no subprocess {' '.join(map(str, incoming))} > "
                f"{' '.join(map(str, final))} (PDG ids of the event)"
            )
            raise InputError(message)
        places = np.stack([legs[row] for row in members])[:, list(found.order)]
        yield MatchedEvents(np.array(members), places, found.subprocess)
