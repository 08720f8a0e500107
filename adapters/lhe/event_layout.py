"""Lays out the text of events in memory, compiled: tags, lines of numbers, weights, kept text.

Columns are as wide as MadGraph's, whose events come back byte for byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from crosshook.adapters.lhe.memory import compiled, copy_bytes, store_byte
from crosshook.adapters.lhe.number_text import (
    LONGEST_INTEGER,
    LONGEST_REAL,
    put_integer,
    put_real,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crosshook.core.events.layout import BoolArray, FloatArray, IntArray

    Integers = NDArray[np.int32]


class Particles(NamedTuple):
    """Particles of n events, `(counts.sum(),)`; momenta (E, px, py, pz), `(counts.sum(), 4)`."""

    offsets: IntArray
    pdg_id: IntArray
    status: Integers
    mother1: Integers
    mother2: Integers
    colour1: Integers
    colour2: Integers
    momenta: FloatArray
    mass: FloatArray
    lifetime: FloatArray
    spin: FloatArray


class EventLines(NamedTuple):
    """Numbers of n events, `(n,)`; those of the tag are `(n, attributes)`."""

    process_id: IntArray
    weight: FloatArray
    scale: FloatArray
    alpha_qed: FloatArray
    alpha_qcd: FloatArray
    attributes: FloatArray


class FurtherWeights(NamedTuple):
    """Weights and their presence `(n, w)`; the columns known by id, and those known by place."""

    values: FloatArray
    present: BoolArray
    named: IntArray
    listed: IntArray


class Text(NamedTuple):
    """Texts one after another: the address of the first, and where each begins and ends."""

    address: int
    offsets: IntArray


class KeptTexts(NamedTuple):
    """Text kept with n events; what stands before a number of the tag or a further weight."""

    before: Text
    attributes: Text
    extra: Text
    attribute_labels: Text
    weight_labels: Text


EVENT_ROOM: Final = 160
"""Bytes of an event's own tags and line, at most."""
PARTICLE_ROOM: Final = 6 * (LONGEST_INTEGER + 1) + 7 * (LONGEST_REAL + 1)
NUMBER_ROOM: Final = LONGEST_REAL + 10
"""Of a number between its label and the end of its tag."""


def _constant(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8).copy()


OPENING: Final = _constant("<event")
RWGT: Final = _constant("<rwgt>\n")
END_OF_WGT: Final = _constant(" </wgt>\n")
END_OF_RWGT: Final = _constant("</rwgt>\n")
WEIGHTS: Final = _constant("<weights>")
END_OF_WEIGHTS: Final = _constant(" </weights>\n")
CLOSING: Final = _constant("</event>\n")
BLANK, NEWLINE, QUOTE, END_OF_TAG = (np.uint8(ord(c)) for c in " \n'>")
WHOLE_BELOW: Final = 2.0**53


@compiled(inline=True, cache=False)
def _put(at: int, text: NDArray[np.uint8]) -> int:
    for byte in text:
        store_byte(at, byte)
        at += 1
    return at


@compiled(inline=True, cache=False)
def _length(text: Text, row: int) -> int:
    size: int = text.offsets[row + 1] - text.offsets[row]
    return size


@compiled(inline=True, cache=False)
def _put_text(at: int, text: Text, row: int) -> int:
    size = _length(text, row)
    copy_bytes(at, text.address + text.offsets[row], size)
    return at + size


@compiled("int64(int64, float64, int64, boolean)", inline=True)
def _put_column(at: int, value: float, decimals: int, plus: bool) -> int:
    store_byte(at, BLANK)
    return put_real(at + 1, value, decimals, plus)


@compiled("int64(int64, int64, int64)", inline=True)
def _put_whole(at: int, value: int, width: int) -> int:
    store_byte(at, BLANK)
    return put_integer(at + 1, value, width)


@compiled(inline=True, cache=False)
def _put_tag(at: int, row: int, events: EventLines, texts: KeptTexts) -> int:
    at = _put(at, OPENING)
    for column in range(events.attributes.shape[1]):
        value = events.attributes[row, column]
        if np.isnan(value):
            continue
        at = _put_text(at, texts.attribute_labels, column)
        if value == np.floor(value) and abs(value) < WHOLE_BELOW:
            at = put_integer(at, int(value), 0)
        else:
            at = put_real(at, value, 10, False)
        store_byte(at, QUOTE)
        at += 1
    if _length(texts.attributes, row):
        store_byte(at, BLANK)
        at = _put_text(at + 1, texts.attributes, row)
    store_byte(at, END_OF_TAG)
    store_byte(at + 1, NEWLINE)
    return at + 2


@compiled(inline=True, cache=False)
def _put_event_line(at: int, row: int, events: EventLines, particles: Particles) -> int:
    at = put_integer(at, particles.offsets[row + 1] - particles.offsets[row], 2)
    at = _put_whole(at, events.process_id[row], 6)
    at = _put_column(at, events.weight[row], 7, True)
    at = _put_column(at, events.scale[row], 8, False)
    at = _put_column(at, events.alpha_qed[row], 8, False)
    at = _put_column(at, events.alpha_qcd[row], 8, False)
    store_byte(at, NEWLINE)
    return at + 1


@compiled(inline=True, cache=False)
def _put_particle(at: int, i: int, particles: Particles) -> int:
    at = put_integer(at, particles.pdg_id[i], 9)
    at = _put_whole(at, particles.status[i], 2)
    at = _put_whole(at, particles.mother1[i], 4)
    at = _put_whole(at, particles.mother2[i], 4)
    at = _put_whole(at, particles.colour1[i], 4)
    at = _put_whole(at, particles.colour2[i], 4)
    at = _put_column(at, particles.momenta[i, 1], 10, True)
    at = _put_column(at, particles.momenta[i, 2], 10, True)
    at = _put_column(at, particles.momenta[i, 3], 10, True)
    at = _put_column(at, particles.momenta[i, 0], 10, False)
    at = _put_column(at, particles.mass[i], 10, False)
    at = _put_column(at, particles.lifetime[i], 4, False)
    at = _put_column(at, particles.spin[i], 4, False)
    store_byte(at, NEWLINE)
    return at + 1


@compiled(inline=True, cache=False)
def _put_weights(at: int, row: int, weights: FurtherWeights, labels: Text) -> int:
    begun = False
    for column in weights.named:
        if weights.present[row, column]:
            at = at if begun else _put(at, RWGT)
            begun = True
            at = _put_text(at, labels, column)
            at = _put(put_real(at, weights.values[row, column], 7, True), END_OF_WGT)
    at = _put(at, END_OF_RWGT) if begun else at
    begun = False
    for column in weights.listed:
        if weights.present[row, column]:
            at = at if begun else _put(at, WEIGHTS)
            begun = True
            at = _put_column(at, weights.values[row, column], 7, True)
    return _put(at, END_OF_WEIGHTS) if begun else at


@compiled()
def put_events(
    row: int,
    address: int,
    room: int,
    of_particles: tuple[Any, ...],
    of_events: tuple[Any, ...],
    of_weights: tuple[Any, ...],
    of_texts: tuple[tuple[int, IntArray], ...],
) -> tuple[int, int, int]:
    """Writes events for as long as there is certainly room.

    Args:
        row: the event to begin with.
        address: where to.
        room: bytes there.
        of_particles: of all events, as in `Particles`, but without its type; see `compiled`.
        of_events: numbers of all events, as in `EventLines`.
        of_weights: of all events, as in `FurtherWeights`.
        of_texts: address and offsets of each of `KeptTexts`.

    Returns:
        The next event, the number of bytes written, and the room that the next event needs.
    """
    particles, events = Particles(*of_particles), EventLines(*of_events)
    weights = FurtherWeights(*of_weights)
    before, attributes, extra, attribute_labels, weight_labels = of_texts
    texts = KeptTexts(
        Text(*before),
        Text(*attributes),
        Text(*extra),
        Text(*attribute_labels),
        Text(*weight_labels),
    )
    at = address
    need = 0
    fixed = EVENT_ROOM + texts.attribute_labels.offsets[-1] + texts.weight_labels.offsets[-1]
    fixed += NUMBER_ROOM * (events.attributes.shape[1] + weights.values.shape[1])
    while row < events.weight.shape[0]:
        start, end = particles.offsets[row], particles.offsets[row + 1]
        need = fixed + PARTICLE_ROOM * (end - start)
        need += _length(texts.before, row) + _length(texts.attributes, row)
        need += _length(texts.extra, row)
        if at + need > address + room:
            break
        at = _put_tag(_put_text(at, texts.before, row), row, events, texts)
        at = _put_event_line(at, row, events, particles)
        for i in range(start, end):
            at = _put_particle(at, i, particles)
        at = _put_text(at, texts.extra, row)
        at = _put_weights(at, row, weights, texts.weight_labels)
        at = _put(at, CLOSING)
        row += 1
    return row, at - address, need
