"""Events and columns on disk for a while, between workers and manager: plain arrays, no pickles."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crosshook.core.errors import OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from crosshook.core.events.run_info import RunInfo


def save_part(path: Path, batch: EventBatch) -> None:
    """Writes a batch without its run information, complete or not at all.

    Raises:
        OutputError: if it cannot be written.
    """
    arrays: dict[str, Any] = {"counts": batch.counts, "weights": batch.weights}
    if batch.present is not None:
        arrays["present"] = batch.present
    for name, texts in batch.raw.items():
        packed = texts.packed()
        arrays |= {f"content/{name}": packed.content, f"offsets/{name}": packed.offsets}
    arrays |= {f"event/{name}": column for name, column in batch.event.items()}
    arrays |= {f"particle/{name}": column for name, column in batch.particle_columns.items()}
    save_arrays(path, arrays)


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes arrays, complete or not at all, into a folder that is there.

    The temporary name is new every time: a cluster may take a worker for lost and begin its block
    again while it still writes.

    Raises:
        OutputError: if it cannot be written.
    """
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
            arrays.get("present"),
            {
                n.removeprefix("content/"): Texts(
                    arrays[n], arrays[n.replace("content", "offsets")]
                )
                for n in arrays
                if n.startswith("content/")
            },
        )


class WeightFigures(NamedTuple):
    """What a file's init block and scale need to know of a part.

    Attributes:
        total: Σ w.
        largest: largest |w| of each process id, `(p,)`.
    """

    total: float
    largest: tuple[float, ...]

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[Any]], processes: Sequence[int]) -> WeightFigures:
        """Of events with the columns `weight` and `process_id`."""
        weight = np.asarray(columns["weight"], np.float64)
        own = [np.abs(weight[columns["process_id"] == number]) for number in processes]
        return cls(float(weight.sum()), tuple(float(w.max(initial=0.0)) for w in own))


def part_figures(path: Path, events: int, processes: Sequence[int]) -> WeightFigures:
    """The same of the first events of a part."""
    with np.load(path, allow_pickle=False) as arrays:
        names = ("weight", "process_id")
        return WeightFigures.of({n: arrays[f"event/{n}"][:events] for n in names}, processes)
