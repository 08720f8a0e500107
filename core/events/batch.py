"""Events in memory: a batch of events as columns, ragged over their particles.

Columns are numpy arrays; awkward arrays and torch tensors are views of the same memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crosshook.core.errors import InputError
from crosshook.core.events.layout import (
    EVENT_COLUMNS,
    MOMENTUM,
    OPTIONAL_EVENT_COLUMNS,
    PARTICLE_COLUMNS,
    RAW_COLUMNS,
    BoolArray,
    FloatArray,
    IntArray,
    offsets_of,
    ragged_rows,
)
from crosshook.core.events.texts import Texts
from crosshook.core.report.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import awkward as ak
    import hist
    import pylhe
    import torch
    from numpy.typing import ArrayLike, NDArray

    from crosshook.core.events.event_histogram import Binning
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.report.sections import Headline, Table


class MultiplicityGroup(NamedTuple):
    """Events with the same number of particles.

    Attributes:
        rows: their rows in the batch, `(j,)` int64.
        momenta: (E, px, py, pz) in GeV, `(j, m, 4)` float64.
        pdg_id: `(j, m)` int64.
    """

    rows: torch.Tensor
    momenta: torch.Tensor
    pdg_id: torch.Tensor


@dataclass(frozen=True, eq=False, repr=False)
class EventBatch(Shown):
    """Some events of one run. n events, their particles one after another.

    Make one with `from_columns`, which checks and converts.

    Attributes:
        info: the run they belong to.
        counts: particles of each event, `(n,)` int64.
        event: one array a column, `(n,)`; see `layout.EVENT_COLUMNS`.
        particle_columns: one array a column, `(counts.sum(),)`; see `layout.PARTICLE_COLUMNS`.
        weights: further weights in pb, `(n, len(info.weights))`; 0 where not present.
        present: which of them the event has, same shape, or None if every event has all.
        raw: text that is no column, one entry an event; see `layout.RAW_COLUMNS`.
    """

    info: RunInfo
    counts: IntArray
    event: dict[str, NDArray[np.generic]]
    particle_columns: dict[str, NDArray[np.generic]]
    weights: FloatArray
    present: BoolArray | None = None
    raw: dict[str, Texts] = field(default_factory=dict)

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.data_shown import batch_headline

        return batch_headline(self)

    def tables(self) -> tuple[Table, ...]:
        """Rows that are shown with them."""
        from crosshook.core.report.data_shown import batch_table

        return (batch_table(self),)

    @classmethod
    def from_columns(
        cls,
        info: RunInfo,
        counts: ArrayLike,
        event: Mapping[str, ArrayLike],
        particles: Mapping[str, ArrayLike],
        weights: ArrayLike | None = None,
        present: ArrayLike | None = None,
        raw: Mapping[str, Sequence[bytes]] | None = None,
    ) -> EventBatch:
        """Makes a batch out of columns, converted to their types and checked.

        Args:
            info: the run.
            counts: particles of each event, `(n,)`.
            event: `layout.EVENT_COLUMNS`, and any of `layout.OPTIONAL_EVENT_COLUMNS`, `(n,)`.
            particles: `layout.PARTICLE_COLUMNS`, `(counts.sum(),)`.
            weights: further weights in pb, `(n, len(info.weights))`; may be left out if none.
            present: which of them each event has; all, if left out.
            raw: text to keep with each event.

        Returns:
            The batch; arrays of the right type are used as they are, without a copy.

        Raises:
            InputError: if a column is missing, unknown or of the wrong length.
        """
        numbers = np.ascontiguousarray(counts, np.int64)
        n, total = len(numbers), int(numbers.sum())
        optional = dict.fromkeys((c for c in OPTIONAL_EVENT_COLUMNS if c in event), np.float64)
        columns = _columns("event", event, {**EVENT_COLUMNS, **optional}, n)
        shared = _shared_momentum(_columns("particle", particles, PARTICLE_COLUMNS, total))
        width = len(info.weights)
        table = np.asarray(np.zeros((n, 0)) if weights is None else weights, np.float64)
        if table.shape != (n, width):
            message = f"weights have shape {table.shape}; {n} events with {width} weights expected"
            raise InputError(message)
        mask = None if present is None else np.asarray(present, np.bool_)
        if mask is not None and mask.shape != table.shape:
            message = f"presence of weights has shape {mask.shape}, not {table.shape}"
            raise InputError(message)
        texts = {key: Texts.of(values) for key, values in (raw or {}).items()}
        for key, kept in texts.items():
            if key not in RAW_COLUMNS or len(kept) != n:
                message = f"raw text {key!r} of {len(kept)} events; one of {RAW_COLUMNS} for {n}"
                raise InputError(message)
        if mask is not None and bool(mask.all()):
            mask = None
        return cls(info, numbers, columns, shared, table, mask, texts)

    @classmethod
    def empty(cls, info: RunInfo) -> EventBatch:
        """A batch without events."""
        event = {name: np.zeros(0, kind) for name, kind in EVENT_COLUMNS.items()}
        particles = {name: np.zeros(0, kind) for name, kind in PARTICLE_COLUMNS.items()}
        return cls.from_columns(
            info, np.zeros(0, np.int64), event, particles, np.zeros((0, len(info.weights)))
        )

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def offsets(self) -> IntArray:
        """Where each event's particles begin and the last one's end, `(n + 1,)`."""
        return offsets_of(self.counts)

    def __getitem__(self, rows: slice | BoolArray | IntArray) -> EventBatch:
        """The chosen events: a slice, a mask `(n,)`, or row numbers `(j,)` in any order."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                return self._between(start, max(start, stop))
        index = np.arange(len(self))[rows]
        counts = self.counts[index]
        taken = ragged_rows(self.offsets[:-1][index], counts)
        particles = {name: column[taken] for name, column in self.particle_columns.items()}
        return replace(
            self,
            counts=counts,
            event={name: column[index] for name, column in self.event.items()},
            particle_columns=_shared_momentum(particles),
            weights=self.weights[index],
            present=None if self.present is None else self.present[index],
            raw={key: texts[index] for key, texts in self.raw.items()},
        )

    def _between(self, start: int, stop: int) -> EventBatch:
        """Events in a row; they share the batch's memory."""
        first, last = self.offsets[start], self.offsets[stop]
        return replace(
            self,
            counts=self.counts[start:stop],
            event={name: column[start:stop] for name, column in self.event.items()},
            particle_columns=_shared_momentum(
                {name: column[first:last] for name, column in self.particle_columns.items()}
            ),
            weights=self.weights[start:stop],
            present=None if self.present is None else self.present[start:stop],
            raw={key: texts[start:stop] for key, texts in self.raw.items()},
        )

    def with_weights(self, factor: ArrayLike) -> EventBatch:
        """The same events with every weight they carry multiplied by `factor`, `(n,)` or one."""
        scale = np.asarray(factor, np.float64)
        weight = np.asarray(self.event["weight"], np.float64) * scale
        table = self.weights * (scale[:, None] if scale.ndim else scale)
        return replace(self, event={**self.event, "weight": weight}, weights=table)

    def with_table(self, info: RunInfo, weights: ArrayLike) -> EventBatch:
        """The same events under another run, with its further weights, `(n, v)` in pb."""
        return EventBatch.from_columns(
            info, self.counts, self.event, self.particle_columns, weights, raw=self.raw
        )

    def with_info(self, info: RunInfo) -> EventBatch:
        """The same events as part of another run with the same further weights."""
        if info.weight_ids != self.info.weight_ids:
            message = f"weights {self.info.weight_ids} cannot be renamed {info.weight_ids}"
            raise InputError(message)
        return replace(self, info=info)

    def weight_column(self, weight_id: str) -> FloatArray:
        """One further weight by its id, `(n,)` in pb.

        Raises:
            InputError: if there is none of this id, or some events lack it.
        """
        if weight_id not in self.info.weight_ids:
            message = f"no weight {weight_id!r}; the file has {', '.join(self.info.weight_ids)}"
            raise InputError(message)
        column = self.info.weight_ids.index(weight_id)
        if self.present is not None and not self.present[:, column].all():
            missing = int(np.count_nonzero(~self.present[:, column]))
            message = f"weight {weight_id!r} is absent in {missing} of {len(self)} events"
            raise InputError(message)
        return np.asarray(self.weights[:, column])

    @classmethod
    def concatenate(cls, batches: Sequence[EventBatch]) -> EventBatch:
        """All events of several batches; the run information is the last one's.

        A batch may lack the last columns of further weights: later parts of a file can bring
        weights that the earlier ones did not have.
        """
        from crosshook.core.events.joining import join

        return join(batches)

    @cached_property
    def particles(self) -> ak.Array:
        """Particles as a jagged awkward record array, with `p4` a vector; shares memory."""
        from crosshook.core.events.views import particles_view

        return particles_view(self)

    def to_awkward(self) -> ak.Array:
        """Events as an awkward record array: event columns, `weights`, `particles`."""
        from crosshook.core.events.views import events_view

        return events_view(self)

    def to_torch(self) -> list[MultiplicityGroup]:
        """Momenta and PDG ids as tensors, grouped by multiplicity, in ascending order.

        Where all events have the same multiplicity the tensors share the batch's memory.
        """
        from crosshook.core.events.views import multiplicity_groups

        return multiplicity_groups(self)

    def to_pylhe(self) -> list[pylhe.LHEEvent]:
        """The events as pylhe's objects, which keep less: see `pylhe_events`."""
        from crosshook.core.events.pylhe_events import pylhe_events

        return pylhe_events(self)

    def pdg(self, name: str) -> ak.Array:
        """A property of every particle by its PDG id, e.g. `name` or `charge`, jagged.

        None where the PDG knows nothing; see `particle.Particle` for what there is.
        """
        from crosshook.core.events.particle_properties import pdg_property

        return pdg_property(self, name)

    def histogram(
        self, quantity: str, axis: Binning, weight: str | None = None
    ) -> hist.Hist[hist.storage.Weight]:
        """A weighted histogram of an expression; see `event_histogram`.

        Args:
            quantity: e.g. `pt[jet[0]]`.
            axis: `(bins, low, high)`, or an axis of hist.
            weight: id of a further weight; the nominal one if None.
        """
        from crosshook.core.events.event_histogram import event_histogram

        return event_histogram(self, quantity, axis, weight)


def _columns(
    kind: str,
    given: Mapping[str, ArrayLike],
    types: Mapping[str, type[np.generic]],
    length: int,
) -> dict[str, NDArray[np.generic]]:
    """The columns in their own types; all of them and no others, each of the same length."""
    wrong = sorted(set(types) ^ set(given))
    if wrong:
        message = f"{kind} columns {', '.join(wrong)}: expected exactly {', '.join(types)}"
        raise InputError(message)
    columns = {name: np.asarray(given[name], kind_) for name, kind_ in types.items()}
    for name, column in columns.items():
        if column.shape != (length,):
            message = f"{kind} column {name!r} has shape {column.shape}, not ({length},)"
            raise InputError(message)
    return columns


def _shared_momentum(columns: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    """The same columns with the momentum as four views of one `(total, 4)` block."""
    block = momentum_block(columns)
    return columns | {name: block[:, i] for i, name in enumerate(MOMENTUM)}


def momentum_block(columns: Mapping[str, NDArray[np.generic]]) -> FloatArray:
    """(E, px, py, pz) of all particles, `(total, 4)`; a view where the columns share one block."""
    first = columns[MOMENTUM[0]]
    base = first.base
    if isinstance(base, np.ndarray) and base.shape == (len(first), 4) and base.dtype == np.float64:
        views = [base[:, i].__array_interface__ for i in range(4)]
        if [columns[name].__array_interface__ for name in MOMENTUM] == views:
            return base
    return np.stack([np.asarray(columns[name], np.float64) for name in MOMENTUM], axis=1)
