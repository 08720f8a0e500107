"""Training sets from events of a file: their momenta, with |M|² from the process they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import InputError
from crosshook.core.events.batch import momentum_block
from crosshook.core.events.files import open_events
from crosshook.core.process.matched_events import matched_events
from crosshook.core.process.surrogate_amplitudes import distinct_amplitudes
from crosshook.core.surrogates.training_set import AmplitudeTable, joined

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.interfaces.process import Process
    from crosshook.core.progress import Progress

STAGE = "events"


def read_points(
    paths: Sequence[Path], process: Process, alpha_s: float, progress: Progress
) -> AmplitudeTable:
    """The points of event files.

    Args:
        paths: in any format there is a component for.
        process: knows |M|².
        alpha_s: of events that do not give a coupling.
        progress: told how many files are read.

    Raises:
        InputError: if a file cannot be read, holds no events, or has events of another process.
    """
    tables = []
    for number, path in enumerate(paths):
        progress.update(STAGE, number, len(paths))
        with open_events(path) as stream:
            for batch in stream:
                tables += _points(batch, process, alpha_s, path)
    progress.update(STAGE, len(paths), len(paths))
    if not tables:
        message = f"{', '.join(map(str, paths))}: there are no events"
        raise InputError(message)
    return joined(tables)


def _points(
    batch: EventBatch, process: Process, alpha_s: float, path: Path
) -> list[AmplitudeTable]:
    element = process.matrix_element()
    subprocesses = element.subprocesses
    first = distinct_amplitudes(subprocesses)
    amplitudes = [subprocesses[i].amplitude for i in first]
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
            AmplitudeTable(
                p,
                torch.full(value.shape, number, dtype=torch.int64),
                a,
                value,
                torch.where(value == 0, torch.zeros_like(own), own / value),
                tuple(subprocesses[i].pdg for i in first),
                tuple(subprocesses[i].qcd_order for i in first),
                1 if process.defaults.beams[1] == 0 else 2,
            )
        )
    return tables
