"""Events with more further weights than they were read with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import ConfigurationError, NumericalError

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.events.run_info import RunInfo, WeightInfo
    from crosshook.core.interfaces.event_reweighter import EventReweighter


def prepended(
    batch: EventBatch, weights: tuple[WeightInfo, ...], values: FloatArray
) -> EventBatch:
    """The events with further weights before those they have.

    They go to the front because later batches of a file may bring columns at the end.

    Args:
        batch: n events.
        weights: what the new weights are.
        values: in pb, `(n, len(weights))`.
    """
    present = batch.present
    if present is not None:
        present = np.concatenate([np.ones(values.shape, np.bool_), present], axis=1)
    return replace(
        batch,
        info=replace(batch.info, weights=(*weights, *batch.info.weights)),
        weights=np.concatenate([values, batch.weights], axis=1),
        present=present,
    )


class AddedWeights:
    """What an event reweighter gives the events of one file, checked.

    Attributes:
        declared: the weights; none without a reweighter.
    """

    def __init__(self, reweighter: EventReweighter | None, info: RunInfo, path: Path) -> None:
        """Asks the reweighter for its weights.

        Args:
            reweighter: the component, or None to add nothing.
            info: what the file says before its first event.
            path: of the file, for messages.

        Raises:
            ConfigurationError: if their ids are not all different, filled and new to the file.
        """
        self._reweighter = reweighter
        self._path = path
        self._seen = 0
        self.declared = () if reweighter is None else tuple(reweighter.declare(info))
        ids = [weight.id for weight in self.declared]
        if len(set(ids)) < len(ids) or not all(ids):
            message = (
                f"event reweighter: ids {ids} of its weights are not all different and filled"
            )
            raise ConfigurationError(message)
        for weight_id in ids:
            if weight_id in info.weight_ids:
                message = f"{path}: has a weight {weight_id!r} already; choose another id"
                raise ConfigurationError(message)

    def to_info(self, info: RunInfo) -> RunInfo:
        """The run with these weights before its own."""
        return replace(info, weights=(*self.declared, *info.weights))

    def to_batch(self, batch: EventBatch) -> EventBatch:
        """The next events of the file, with these weights before their own.

        Raises:
            NumericalError: if a factor is no finite number, naming the event.
        """
        if self._reweighter is None:
            return batch
        factors = np.asarray(self._reweighter.factors(batch), np.float64)
        wanted = (len(batch), len(self.declared))
        if factors.shape != wanted:
            message = f"event reweighter: factors of shape {factors.shape}, {wanted} expected"
            raise NumericalError(message)
        bad = np.argwhere(~np.isfinite(factors))
        if len(bad):
            row, column = bad[0].tolist()
            message = (
                f"{self._path}: event {self._seen + row + 1}: factor {factors[row, column]} for "
                f"the weight {self.declared[column].id!r}"
            )
            raise NumericalError(message)
        self._seen += len(batch)
        weight = np.asarray(batch.event["weight"], np.float64)
        return prepended(batch, self.declared, factors * weight[:, None])
