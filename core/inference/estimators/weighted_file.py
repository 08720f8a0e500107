"""Joint ratios out of a generator's events: the file's further weights, the detector by its simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.event_expression import EventExpression
from crosshook.core.events.files import open_events
from crosshook.core.inference.estimators.joint import events_from_weights
from crosshook.core.inference.simulated import joined_features
from crosshook.core.interfaces.features import Features

if TYPE_CHECKING:
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.inference.config import WeightsFrom
    from crosshook.core.inference.estimators.joint import JointEvents
    from crosshook.core.inference.grid import ParameterGrid
    from crosshook.core.inference.prepared import PreparedProcess
    from crosshook.core.progress import Progress

PLACE = "estimator.weights_from"


@torch.no_grad()
def events_of_file(
    given: WeightsFrom,
    process: PreparedProcess,
    grid: ParameterGrid,
    rng: torch.Generator,
    progress: Progress,
) -> JointEvents:
    """Events that the detector accepts, with their ratios.

    Args:
        given: file, ids of the weights at the points of the grid, expressions of truth columns.
        process: whose simulator plays the detector.
        grid: of the parameters.
        rng: of the detector.
        progress: told how far it is.

    Raises:
        ConfigurationError: if there is not one weight for each point of the grid, or nothing gives
            a truth column.
        InputError: if the file lacks a weight, or its weights make no ratios.
    """
    if len(given.weights) != len(grid):
        message = (
            f"{PLACE}.weights: {len(given.weights)} of them; the grid of the parameters has "
            f"{len(grid)} points, the last parameter's value changing first"
        )
        raise ConfigurationError(message)
    names, units = process.model.truth_names, process.model.truth_units
    texts = {**process.settings.truth, **given.truth}
    if set(texts) != set(names):
        message = (
            f"{PLACE}.truth: gives {', '.join(texts) or 'nothing'}; "
            f"the detector is told {', '.join(names)}"
        )
        raise ConfigurationError(message)
    recos, weights, nominal = [], [], []
    with open_events(given.file) as opened:
        columns = _columns(opened.info.weight_ids, given)
        expressions = [
            EventExpression.quantity(texts[name], opened.info, f"{PLACE}.truth.{name}")
            for name in names
        ]
        done = 0
        for batch in opened:
            _refuse_missing(batch, columns, given, done)
            truth = Features(
                torch.stack([torch.from_numpy(e.values(batch)) for e in expressions], dim=1),
                names,
                units,
            )
            if not bool(truth.dense.isfinite().all()):
                row = done + int(torch.nonzero(~truth.dense.isfinite().all(dim=1))[0, 0])
                message = f"{given.file}: event {row}: a truth column is no number"
                raise InputError(message)
            chance = torch.exp(process.simulator.log_acceptance(truth))
            drawn = torch.rand(len(truth), generator=rng, dtype=torch.float64, device="cpu")
            kept = torch.nonzero(drawn < chance)[:, 0]
            if len(kept):
                recos.append(process.simulator.sample(truth.select(kept), 1, rng))
            weights.append(torch.from_numpy(np.array(batch.weights[:, columns]))[kept])
            own = np.array(batch.event["weight"], np.float64)
            nominal.append(torch.from_numpy(own)[kept])
            done += len(truth)
            progress.update("read weighted events", done, done)
    if not recos:
        message = f"{given.file}: no event is accepted by the detector"
        raise InputError(message)
    return events_from_weights(joined_features(recos), torch.cat(weights), torch.cat(nominal))


def _columns(ids: tuple[str, ...], given: WeightsFrom) -> list[int]:
    for name in given.weights:
        if name not in ids:
            message = f"{given.file}: no weight {name!r}; it has {', '.join(ids) or 'none'}"
            raise InputError(message)
    return [ids.index(name) for name in given.weights]


def _refuse_missing(batch: EventBatch, columns: list[int], given: WeightsFrom, first: int) -> None:
    if batch.present is None:
        return
    lacking = ~batch.present[:, columns]
    if lacking.any():
        row, column = (int(i) for i in np.argwhere(lacking)[0])
        message = f"{given.file}: event {first + row} lacks the weight {given.weights[column]!r}"
        raise InputError(message)
