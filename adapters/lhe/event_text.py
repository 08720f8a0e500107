"""Formats events as LHE text, every number with the digits that give it back exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from crosshook.adapters.lhe.attributes import attributes_text
from crosshook.core.errors import OutputError
from crosshook.core.events.batch import momentum_block
from crosshook.core.events.layout import OPTIONAL_EVENT_COLUMNS
from crosshook.core.events.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from crosshook.adapters.lhe.event_layout import EventLines, FurtherWeights, Particles
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray

PIECE: Final = 1 << 20
"""Bytes of text at a time; they stay in the processor's cache until they are written."""


def event_texts(batch: EventBatch, before: int = 0, where: str = "events") -> Iterator[memoryview]:
    """The text of some events in pieces, each a number of whole events.

    Args:
        batch: the events.
        before: number of events before them.
        where: the file, for messages.

    Yields:
        A piece, which the next one overwrites.

    Raises:
        OutputError: if a number is infinite or NaN.
    """
    # numba takes a second to import: not before events are written.
    from crosshook.adapters.lhe.compiling import announce_compilation

    announce_compilation()
    from crosshook.adapters.lhe.event_layout import put_events

    check_finite(batch, before, where)
    parts = tuple(_particles(batch)), tuple(_event_lines(batch)), tuple(_weights(batch))
    kept = [
        batch.raw.get(name, Texts.empty(len(batch))) for name in ("before", "attributes", "extra")
    ]
    columns = [name for name in OPTIONAL_EVENT_COLUMNS if name in batch.event]
    kept.append(Texts.of(f" {name}='".encode() for name in columns))
    kept.append(Texts.of(_label(weight.id) for weight in batch.info.weights))
    # Texts stay alive in `kept`: compiled code has nothing but their addresses.
    texts = tuple((t.content.ctypes.data, _array(t.offsets, np.int64)) for t in kept)
    piece = np.empty(PIECE, np.uint8)
    row = 0
    while row < len(batch):
        row, size, need = put_events(row, piece.ctypes.data, len(piece), *parts, texts)
        if size:
            yield piece[:size].data
        if need > len(piece):
            piece = np.empty(need, np.uint8)


def check_finite(batch: EventBatch, before: int, where: str) -> None:
    """No number may be infinite or NaN: readers stumble over these, or worse, do not."""
    rows = np.arange(len(batch))
    columns = [(name, column, rows) for name, column in batch.event.items()]
    owners = np.repeat(rows, batch.counts)
    columns += [(name, column, owners) for name, column in batch.particle_columns.items()]
    if not np.isfinite(batch.weights).all():
        given = batch.weights
        table = given if batch.present is None else np.where(batch.present, given, 0.0)
        ids = batch.info.weight_ids
        columns += [(f"weight {ids[i]!r}", table[:, i], rows) for i in range(len(ids))]
    for name, column, owner in columns:
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            first = np.flatnonzero(~np.isfinite(column))[0]
            message = (
                f"{where}: event {before + owner[first] + 1}: {name} is {column[first]}; "
                "LHE files hold finite numbers only"
            )
            raise OutputError(message)


def _array(column: ArrayLike, kind: type[np.generic]) -> NDArray[Any]:
    """As compiled code takes it: one kind of array, so that it is compiled once."""
    return np.require(column, kind, ["C", "W"])


def _particles(batch: EventBatch) -> Particles:
    from crosshook.adapters.lhe.event_layout import Particles

    columns = batch.particle_columns
    return Particles(
        _array(batch.offsets, np.int64),
        _array(columns["pdg_id"], np.int64),
        _array(columns["status"], np.int32),
        _array(columns["mother1"], np.int32),
        _array(columns["mother2"], np.int32),
        _array(columns["colour1"], np.int32),
        _array(columns["colour2"], np.int32),
        _array(momentum_block(columns), np.float64),
        _array(columns["mass"], np.float64),
        _array(columns["lifetime"], np.float64),
        _array(columns["spin"], np.float64),
    )


def _event_lines(batch: EventBatch) -> EventLines:
    from crosshook.adapters.lhe.event_layout import EventLines

    event = batch.event
    optional = [_attribute(name, event[name]) for name in OPTIONAL_EVENT_COLUMNS if name in event]
    attributes = np.stack(optional, axis=1) if optional else np.zeros((len(batch), 0))
    return EventLines(
        _array(event["process_id"], np.int64),
        _array(event["weight"], np.float64),
        _array(event["scale"], np.float64),
        _array(event["alpha_qed"], np.float64),
        _array(event["alpha_qcd"], np.float64),
        _array(attributes, np.float64),
    )


def _attribute(name: str, column: NDArray[Any]) -> FloatArray:
    """A number of the tag; NaN where there is none, which a scale of 0 stands for."""
    values = np.asarray(column, np.float64)
    return values if name == "trials" else np.where(values == 0.0, np.nan, values)


def _weights(batch: EventBatch) -> FurtherWeights:
    from crosshook.adapters.lhe.event_layout import FurtherWeights

    table = _array(batch.weights, np.float64)
    present = np.ones(table.shape, np.bool_) if batch.present is None else batch.present
    listed = np.array([weight.listed for weight in batch.info.weights], np.bool_)
    return FurtherWeights(
        table, _array(present, np.bool_), np.flatnonzero(~listed), np.flatnonzero(listed)
    )


def _label(weight_id: str) -> bytes:
    return f"<wgt{attributes_text({'id': weight_id})}> ".encode("utf-8", "surrogateescape")
