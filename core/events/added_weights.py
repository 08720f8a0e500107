"""Events with more further weights than they were read with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from secrets import token_hex
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.batch_tasks import BatchWorkers
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.events.run_info import RunInfo, WeightInfo
    from crosshook.core.interfaces.event_reweighter import EventReweighter

FACTORS: Final = "crosshook.core.events.added_weights:batch_factors"


@dataclass(frozen=True)
class _Recipe:
    """What a worker makes a reweighter from, once for a file.

    Attributes:
        slot: the component with its options, as JSON.
        token: of the file; two files never have the same.
        info: what the file says before its first event.
    """

    slot: str
    token: str
    info: RunInfo = field(compare=False)


@dataclass(frozen=True)
class FactorWorkers:
    """Who computes factors, if not this process.

    Attributes:
        batches: the workers.
        slot: the reweighter.
        token: of the file whose events it is for; new every time.
    """

    batches: BatchWorkers
    slot: Slot
    token: str = field(default_factory=token_hex)

    def computed(
        self, stream: Iterable[EventBatch], info: RunInfo
    ) -> Iterator[tuple[EventBatch, FloatArray]]:
        """The events of a file in order, each batch with its factors."""
        recipe = _Recipe(json.dumps(self.slot.as_dict()), self.token, info)
        for batch, columns in self.batches.computed(stream, FACTORS, {"recipe": recipe}):
            yield batch, columns["factors"]


def batch_factors(batch: EventBatch, number: int, recipe: _Recipe) -> dict[str, FloatArray]:
    """The factors of some events; what a worker does."""
    return {"factors": np.asarray(_built(recipe).factors(batch), np.float64)}


@lru_cache(maxsize=2)
def _built(recipe: _Recipe) -> EventReweighter:
    components = default_registry()
    slot = Slot.parse(json.loads(recipe.slot))
    context = BuildContext(registry=components)
    built = components.build("event_reweighter", slot, context, "reweighter")
    reweighter = cast("EventReweighter", built)
    reweighter.declare(recipe.info)
    return reweighter


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

    def __init__(
        self,
        reweighter: EventReweighter | None,
        info: RunInfo,
        path: Path,
        workers: FactorWorkers | None = None,
    ) -> None:
        """Asks the reweighter for its weights.

        Args:
            reweighter: the component, or None to add nothing.
            info: what the file says before its first event.
            path: of the file, for messages.
            workers: compute the factors, if not this process.

        Raises:
            ConfigurationError: if their ids are not all different, filled and new to the file.
        """
        self._reweighter, self._workers = reweighter, workers
        self._info, self._path = info, path
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

    def of(self, stream: Iterable[EventBatch]) -> Iterator[tuple[EventBatch, EventBatch]]:
        """The events of the file as they were read, and with these weights before their own.

        Raises:
            NumericalError: if a factor is no finite number, naming the event.
        """
        reweighter = self._reweighter
        if reweighter is None:
            yield from ((batch, batch) for batch in stream)
        elif self._workers is None:
            for batch in stream:
                yield batch, self._added(batch, np.asarray(reweighter.factors(batch), np.float64))
        else:
            for batch, factors in self._workers.computed(stream, self._info):
                yield batch, self._added(batch, factors)

    def _added(self, batch: EventBatch, factors: FloatArray) -> EventBatch:
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
