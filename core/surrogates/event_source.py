"""Training sets from events of a file: their momenta, with |M|² from the process they are of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import InputError
from crosshook.core.events.batch import momentum_block
from crosshook.core.events.files import open_events
from crosshook.core.process.matched_events import matched_events
from crosshook.core.process.surrogate_amplitudes import distinct_amplitudes
from crosshook.core.registry import default_registry
from crosshook.core.surrogates.training_set import AmplitudeTable, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.batch_tasks import BatchWorkers
    from crosshook.core.interfaces.matrix_element import MatrixElement
    from crosshook.core.interfaces.process import Process
    from crosshook.core.progress import Progress

STAGE = "events"
POINTS = "crosshook.core.surrogates.event_source:point_columns"


@dataclass(frozen=True)
class ProcessRecipe:
    """What a worker makes the process from.

    Attributes:
        slot: the process, as JSON.
        disable: plugins to leave out.
        device: where it computes.
        alpha_s: of events that do not give a coupling.
        token: new every time: files that the process reads may have changed.
    """

    slot: str
    disable: tuple[str, ...]
    device: str
    alpha_s: float
    token: str = field(default_factory=token_hex)


@dataclass(frozen=True)
class EventWorkers:
    """Who computes |M|² of events, if not this process.

    Attributes:
        batches: get the events.
        recipe: of the process.
    """

    batches: BatchWorkers
    recipe: ProcessRecipe


def read_points(
    paths: Sequence[Path],
    process: Process,
    alpha_s: float,
    progress: Progress,
    workers: EventWorkers | None = None,
) -> AmplitudeTable:
    """The points of event files.

    Args:
        paths: in any format there is a component for.
        process: knows |M|².
        alpha_s: of events that do not give a coupling.
        progress: told how many files are read.
        workers: compute |M|², if not this process.

    Raises:
        InputError: if a file cannot be read, holds no events, or has events of another process.
    """
    tables, element = [], process.matrix_element()
    for number, path in enumerate(paths):
        progress.update(STAGE, number, len(paths))
        with open_events(path) as stream:
            if workers is None:
                tables += [_points(b, process, element, alpha_s, path) for b in stream if len(b)]
                continue
            arguments = {"recipe": workers.recipe, "path": str(path)}
            some = (batch for batch in stream if len(batch))
            for _, columns in workers.batches.computed(some, POINTS, arguments):
                tensors = {name: torch.from_numpy(column) for name, column in columns.items()}
                tables.append(_table(process, element, **tensors))
    progress.update(STAGE, len(paths), len(paths))
    if not tables:
        message = f"{', '.join(map(str, paths))}: there are no events"
        raise InputError(message)
    return joined(tables)


def point_columns(
    batch: EventBatch, number: int, recipe: ProcessRecipe, path: str
) -> dict[str, NDArray[Any]]:
    """The points of some events; what a worker does."""
    process, element = _process(recipe)
    table = _points(batch, process, element, recipe.alpha_s, Path(path))
    return {name: column.numpy() for name, column in table.columns().items()}


@lru_cache(maxsize=2)
def _process(recipe: ProcessRecipe) -> tuple[Process, MatrixElement]:
    registry = default_registry(recipe.disable)
    context = BuildContext(device=recipe.device, registry=registry)
    slot = Slot.parse(json.loads(recipe.slot))
    process = cast("Process", registry.build("process", slot, context, "process"))
    return process, process.matrix_element()


def _points(
    batch: EventBatch, process: Process, element: MatrixElement, alpha_s: float, path: Path
) -> AmplitudeTable:
    subprocesses = element.subprocesses
    amplitudes = [subprocesses[i].amplitude for i in distinct_amplitudes(subprocesses)]
    momenta = torch.from_numpy(momentum_block(batch.particle_columns))
    given = np.asarray(batch.event["alpha_qcd"], np.float64)
    coupling = torch.from_numpy(np.where(given > 0, given, alpha_s))
    weight = torch.from_numpy(np.asarray(batch.event["weight"], np.float64))
    tables = []
    for rows, legs, subprocess in matched_events(batch, subprocesses, f"{path}: {process.name}"):
        p, a = momenta[torch.from_numpy(legs)], coupling[torch.from_numpy(rows)]
        value = element.squared(p, subprocess, a).value.detach().cpu()
        own = weight[torch.from_numpy(rows)]
        number = amplitudes.index(subprocesses[subprocess].amplitude)
        tables.append(
            _table(
                process,
                element,
                momenta=p,
                process=torch.full(value.shape, number, dtype=torch.int64),
                alpha_s=a,
                amplitude=value,
                weight=torch.where(value == 0, torch.zeros_like(own), own / value),
            )
        )
    return joined(tables)


def _table(of: Process, element: MatrixElement, **columns: Tensor) -> AmplitudeTable:
    """A table of points of a process."""
    subprocesses = element.subprocesses
    first = distinct_amplitudes(subprocesses)
    return AmplitudeTable(
        **columns,
        pdg=tuple(subprocesses[i].pdg for i in first),
        qcd_order=tuple(subprocesses[i].qcd_order for i in first),
        n_incoming=1 if of.defaults.beams[1] == 0 else 2,
    )
