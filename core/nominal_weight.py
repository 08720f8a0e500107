"""Another weight of a file as the nominal one: what becomes of weights and cross section.

σ' = σ · Σw'/Σw. The output says so in weights whose mean is σ' (IDWTUP -4, no trials), whatever the
convention of the input: all weights of an event take one common factor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.cross_section import WeightSums, cross_section
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.added_weights import AddedWeights, prepended
from crosshook.core.events.files import open_events
from crosshook.core.events.run_info import WeightInfo, noted
from crosshook.core.fiducial import error_of_share, shared_out
from crosshook.core.interfaces.event_format import STANDARD_INPUT
from crosshook.core.survey import Survey

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.events.added_weights import FactorWorkers
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import OnError
    from crosshook.core.interfaces.event_reweighter import EventReweighter
    from crosshook.core.registry import Registry


def with_nominal(batch: EventBatch, weight_id: str) -> EventBatch:
    """The events with one of their further weights as nominal weight, too.

    Raises:
        InputError: if there is none of this id, or some events lack it.
    """
    return replace(batch, event={**batch.event, "weight": batch.weight_column(weight_id)})


@dataclass(frozen=True)
class Exchange:
    """How the nominal weight is exchanged.

    Attributes:
        nominal: id of the new one.
        original: what becomes of the old one.
        scale: factor of all weights.
        info: run information of the output.
    """

    nominal: str
    original: WeightInfo
    scale: float
    info: RunInfo

    def to_batch(self, batch: EventBatch) -> EventBatch:
        """The events with their weights exchanged and scaled, without trials."""
        old = np.array(batch.event["weight"], np.float64)
        new = with_nominal(batch, self.nominal)
        event = {name: column for name, column in new.event.items() if name != "trials"}
        kept = prepended(replace(new, event=event), (self.original,), old[:, None])
        kept = replace(kept, info=replace(self.info, weights=kept.info.weights))
        return kept if self.scale == 1.0 else kept.with_weights(self.scale)


def exchange(
    path: Path,
    nominal: str,
    original: str,
    reweighter: EventReweighter | None,
    registry: Registry | None,
    on_error: OnError,
    workers: FactorWorkers | None = None,
) -> Exchange:
    """Reads a file for the sums of its old and its new nominal weight.

    Args:
        path: the file; it will be read again.
        nominal: id of the new nominal weight, one of the file or one that is added.
        original: id for the old one.
        reweighter: what adds weights, if anything.
        registry: where formats come from.
        on_error: see `open_events`.
        workers: compute what is added, if not this process.

    Raises:
        ConfigurationError: if the id for the old weight is taken.
        InputError: if there is no such weight or no cross section.
    """
    if path == STANDARD_INPUT or path.is_fifo():
        message = f"{path}: is a pipe, and a new nominal weight needs its input twice"
        raise InputError(message)
    old, new, cross = WeightSums(), WeightSums(), 0.0
    with open_events(path, registry=registry, on_error=on_error) as stream:
        added = AddedWeights(reweighter, stream.info, path, workers)
        for _, batch in added.of(stream):
            if nominal not in batch.info.weight_ids:
                raise _unknown(path, nominal, batch.info)
            chosen = with_nominal(batch, nominal)
            old.add(batch)
            new.add(chosen)
            cross += float(np.dot(batch.event["weight"], chosen.event["weight"]))
        info = added.to_info(stream.info)
        before, skipped = stream.info, tuple(stream.skipped)
    sigma = cross_section(before, old)
    if nominal not in info.weight_ids:
        raise _unknown(path, nominal, info)
    if original in info.weight_ids or not original:
        message = (
            f"{path}: the old nominal weight cannot be kept as {original!r}: this id is taken"
        )
        raise ConfigurationError(message)
    if not old.events or sigma.value is None:
        message = f"{path}: {old.events} events, {sigma.reason}: no cross section to change"
        raise InputError(message)
    found = Survey(path, before, old, sigma, old, old, skipped)
    return _exchange(found, info, new, cross, nominal, original)


def _unknown(path: Path, nominal: str, info: RunInfo) -> InputError:
    shown = ", ".join(info.weight_ids[:20]) + (", ..." if len(info.weights) > 20 else "")
    return InputError(f"{path}: no weight {nominal!r}; the file has {shown or 'none'}")


def _exchange(
    found: Survey, info: RunInfo, new: WeightSums, cross: float, nominal: str, original: str
) -> Exchange:
    scale = found.to_mean
    unit = 1.0 if found.sigma.rule == "trials" else scale
    value = scale * new.weight / new.events
    error = error_of_share(found, (new.weight, new.squares, cross), unit, found.sums.points)
    sums = {i: s.weight for i, s in sorted(new.processes.items())}
    largest = new.largest * scale
    processes = tuple(replace(p, maximum=largest) for p in shared_out(value, error, sums))
    text = f"the nominal weight is {nominal}; the one before is {original}\n"
    if scale != 1.0:
        text += f"weights times {scale!r}: their mean is the cross section in pb\n"
    kept = WeightInfo(original, text="nominal weight before reweighting")
    final = replace(
        noted(info, "crosshook_reweight", text),
        weights=(kept, *info.weights),
        weighting=-4,
        processes=processes,
    )
    return Exchange(nominal, kept, scale, final)
