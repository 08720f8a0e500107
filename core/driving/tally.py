"""What is counted of the events of a program: weights, processes, histograms; batch by batch."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import torch

from crosshook.core.cross_section import WeightSums
from crosshook.core.errors import InputError
from crosshook.core.events.event_expression import EventExpression
from crosshook.core.histograms import bin_numbers
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.core.config import HistogramSpec
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray, IntArray


@dataclass
class Tally:
    """Weights of a batch of events and what follows from them.

    Attributes:
        weight: of every event as its file has it, `(n,)`.
        process_id: of every event, `(n,)`.
        trials: Σ trials, or None if the events do not say.
        kept: weight of every kept event before the last scaling, `(m,)` in pb.
        histograms: Σ w and Σ w² of all events, then of the kept ones, for each histogram,
            `(2, 2, bins + 2)`, underflow first and overflow last.
    """

    weight: FloatArray
    process_id: IntArray
    trials: float | None
    kept: FloatArray
    histograms: list[FloatArray] = field(default_factory=list)

    @classmethod
    def empty(cls, specs: Sequence[HistogramSpec]) -> Tally:
        """Nothing counted yet."""
        histograms = [np.zeros((2, 2, spec.bins + 2)) for spec in specs]
        nothing = np.zeros(0)
        return cls(nothing, np.zeros(0, np.int64), None, nothing.copy(), histograms)

    def add(self, batch: EventBatch, specs: Sequence[HistogramSpec]) -> None:
        """Counts weighted events.

        Raises:
            InputError: if a weight is no finite number.
        """
        weight = np.asarray(batch.event["weight"], np.float64)
        bad = np.flatnonzero(~np.isfinite(weight))
        if bad.size:
            row = len(self.weight) + int(bad[0]) + 1
            message = f"event {row} has the weight {weight[bad[0]]}; weights must be finite"
            raise InputError(message)
        self.weight = np.concatenate([self.weight, weight])
        ids = np.asarray(batch.event["process_id"], np.int64)
        self.process_id = np.concatenate([self.process_id, ids])
        if "trials" in batch.event:
            self.trials = (self.trials or 0.0) + float(batch.event["trials"].sum())
        self._fill(batch, weight, specs, 0)

    def keep(self, batch: EventBatch, specs: Sequence[HistogramSpec]) -> None:
        """Counts events that were kept, with the weights they now have."""
        weight = np.asarray(batch.event["weight"], np.float64)
        self.kept = np.concatenate([self.kept, weight])
        self._fill(batch, weight, specs, 1)

    def _fill(
        self, batch: EventBatch, weight: FloatArray, specs: Sequence[HistogramSpec], which: int
    ) -> None:
        if not len(batch):
            return
        for spec, sums in zip(specs, self.histograms, strict=True):
            quantity = observable(spec, batch)
            index = bin_numbers(torch.from_numpy(quantity.values(batch)), spec).numpy()
            np.add.at(sums[which, 0], index, weight)
            np.add.at(sums[which, 1], index, weight**2)

    @property
    def points(self) -> float:
        """Points the events stand for: Σ trials, or their number."""
        return self.trials if self.trials else float(len(self.weight))

    def sums(self) -> WeightSums:
        """The sums that a cross section is made of."""
        found = WeightSums()
        found.add_weights(self.weight, self.process_id, self.trials)
        return found

    def save(self, path: Path) -> None:
        """Writes it, complete or not at all.

        Raises:
            OutputError: if it cannot be written.
        """
        arrays: dict[str, Any] = {
            "weight": self.weight,
            "process_id": self.process_id,
            "trials": np.array([] if self.trials is None else [self.trials]),
            "kept": self.kept,
        }
        arrays |= {f"histogram/{i:03}": sums for i, sums in enumerate(self.histograms)}
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        write_whole(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Tally:
        """Reads it back.

        Raises:
            InputError: if it is missing or damaged.
        """
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                trials = arrays["trials"]
                names = sorted(name for name in arrays if name.startswith("histogram/"))
                return cls(
                    arrays["weight"],
                    arrays["process_id"],
                    float(trials[0]) if trials.size else None,
                    arrays["kept"],
                    [arrays[name] for name in names],
                )
        except (OSError, EOFError, BadZipFile, ValueError, KeyError) as error:
            message = f"{path}: cannot be read: {error}"
            raise InputError(message) from error


def observable(spec: HistogramSpec, batch: EventBatch) -> EventExpression:
    """A histogram's observable, checked against the weights the events have.

    Raises:
        ConfigurationError: if it is no quantity of an event.
    """
    where = f"integrate.histograms.{spec.name}.observable"
    return EventExpression.quantity(spec.observable, batch.info, where)
