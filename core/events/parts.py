"""Events of one block on disk until the file is put together: plain arrays, no pickles."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any

import numpy as np

from crosshook.core.errors import OutputError
from crosshook.core.events.batch import EventBatch

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.events.run_info import RunInfo


def save_part(path: Path, batch: EventBatch) -> None:
    """Writes a batch without its run information, complete or not at all.

    The temporary name is new every time: a cluster may take a worker for lost and begin its block
    again while it still writes.

    Raises:
        OutputError: if it cannot be written.
    """
    arrays: dict[str, Any] = {"counts": batch.counts, "weights": batch.weights}
    arrays |= {f"event/{name}": column for name, column in batch.event.items()}
    arrays |= {f"particle/{name}": column for name, column in batch.particle_columns.items()}
    temporary = path.with_name(f"{path.stem}.{token_hex(4)}.part")
    try:
        with temporary.open("wb") as stream:
            np.savez(stream, **arrays)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        message = f"{path}: cannot be written: {error.strerror}"
        raise OutputError(message) from error


def load_part(path: Path, info: RunInfo) -> EventBatch:
    """Reads a batch back, as part of the run `info` describes."""
    with np.load(path, allow_pickle=False) as arrays:
        return EventBatch.from_columns(
            info,
            arrays["counts"],
            {n.removeprefix("event/"): arrays[n] for n in arrays if n.startswith("event/")},
            {n.removeprefix("particle/"): arrays[n] for n in arrays if n.startswith("particle/")},
            arrays["weights"],
        )


def part_weight(path: Path, events: int) -> float:
    """Σ w of the first events of a part."""
    with np.load(path, allow_pickle=False) as arrays:
        return float(arrays["event/weight"][:events].sum())
