"""Keys of events: 64 bits of flavours, momenta and weight, by which an event is found again.

Two of 10⁶ events share a key by accident with a probability of 3 · 10⁻⁸.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crosshook.core.events.batch import momentum_block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crosshook.core.events.batch import EventBatch

    Words = NDArray[np.uint64]


def keys_of(batch: EventBatch) -> Words:
    """The keys of n events, `(n,)`."""
    momenta = np.ascontiguousarray(momentum_block(batch.particle_columns)).view(np.uint64)
    place = np.arange(len(momenta), dtype=np.int64) - np.repeat(batch.offsets[:-1], batch.counts)
    words = _mixed(place)
    for name in ("pdg_id", "status"):
        words = _mixed(words ^ np.asarray(batch.particle_columns[name], np.int64).view(np.uint64))
    for component in range(4):
        words = _mixed(words ^ momenta[:, component])
    ends = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words, dtype=np.uint64)])
    sums = ends[batch.offsets[1:]] - ends[batch.offsets[:-1]]
    weight = np.ascontiguousarray(batch.event["weight"], np.float64).view(np.uint64)
    return _mixed(_mixed(sums) ^ weight)


def _mixed(values: NDArray[Any]) -> Words:
    """SplitMix64: every bit of a word changes half of the bits of its image."""
    z = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
