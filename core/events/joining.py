"""Joins batches of events into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.events.layout import BoolArray, FloatArray


def join(batches: Sequence[EventBatch]) -> EventBatch:
    """All events in order, under the information of the last batch.

    Raises:
        InputError: if there is no batch, or columns or weights do not fit together.
    """
    if not batches:
        message = "no batches to join"
        raise InputError(message)
    info = batches[-1].info
    ids = info.weight_ids
    for batch in batches:
        own = batch.info.weight_ids
        if own != ids[: len(own)] or batch.event.keys() != batches[0].event.keys():
            message = f"batches differ: weights {own} and {ids}, or other event columns"
            raise InputError(message)
    padded = [_padded(batch, len(ids)) for batch in batches]
    keys = {key for batch in batches for key in batch.raw}
    return EventBatch.from_columns(
        info,
        np.concatenate([batch.counts for batch in batches]),
        {
            name: np.concatenate([batch.event[name] for batch in batches])
            for name in batches[0].event
        },
        {
            name: np.concatenate([batch.particle_columns[name] for batch in batches])
            for name in batches[0].particle_columns
        },
        np.concatenate([table for table, _ in padded]),
        np.concatenate([mask for _, mask in padded]),
        {
            key: Texts.concatenate([b.raw.get(key, Texts.empty(len(b))) for b in batches])
            for key in keys
        },
    )


def _padded(batch: EventBatch, width: int) -> tuple[FloatArray, BoolArray]:
    """Further weights and their presence with columns that came later marked absent."""
    table = np.zeros((len(batch), width))
    mask = np.zeros((len(batch), width), np.bool_)
    own = batch.weights.shape[1]
    table[:, :own] = batch.weights
    mask[:, :own] = True if batch.present is None else batch.present
    return table, mask
