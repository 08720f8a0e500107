"""Made-up events and their way through a file, on which event formats are tried."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import EVENT_COLUMNS, PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo
from crosshook.core.testkit.finding import Finding
from crosshook.core.testkit.shrink import with_smallest
from crosshook.core.testkit.subject import SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.interfaces.event_format import EventFormat, EventWriter

EVENTS = 25
PRECISION = 1e-9
"""Relative; text formats print ten digits after the first."""

INFO = RunInfo(
    energies=(6500.0, 6499.5),
    pdf_sets=(303000, 303000),
    weighting=-4,
    processes=(ProcessInfo(1, 505.25, 0.5, 3.0), ProcessInfo(7, -2.5, 0.125, 1.0)),
    # Ids are text of other programs: spaces and commas occur.
    weights=(WeightInfo("mur=2, muf=1", text="scale up"), WeightInfo("down", text="scale down")),
)


LENGTH: Final = 4000
"""Characters of a file that a finding shows."""
GZIP: Final = b"\x1f\x8b"


def events(n: int = EVENTS) -> EventBatch:
    """Made-up events of two to five particles: both signs of the weight, numbers of all sizes."""
    rng = np.random.default_rng(SEED)
    counts = 2 + np.arange(n) % 4
    total = int(counts.sum())
    momenta = rng.normal(size=(total, 3)) * 10.0 ** rng.uniform(-3, 4, size=(total, 1))
    mass = np.where(np.arange(total) % 3 == 0, 172.5, 0.0)
    particles = {
        "pdg_id": rng.choice([21, 6, -6, 11, -11, 2], total),
        "status": rng.choice([-1, 1, 2], total),
        "mother1": rng.integers(0, 3, total),
        "mother2": rng.integers(0, 3, total),
        "colour1": rng.choice([0, 501, 502], total),
        "colour2": rng.choice([0, 501, 502], total),
        "px": momenta[:, 0],
        "py": momenta[:, 1],
        "pz": momenta[:, 2],
        "e": np.sqrt((momenta**2).sum(axis=1) + mass**2),
        "mass": mass,
        "lifetime": np.zeros(total),
        "spin": rng.choice([-1.0, 1.0, 9.0], total),
    }
    columns = {
        "process_id": rng.choice([1, 7], n),
        "weight": rng.normal(size=n) * 10.0 ** rng.uniform(-8, 4, size=n),
        "scale": rng.uniform(10.0, 1000.0, n),
        "alpha_qed": np.full(n, 1.0 / 132.5),
        "alpha_qcd": rng.uniform(0.08, 0.14, n),
    }
    weights = columns["weight"][:, None] * rng.uniform(0.5, 1.5, size=(n, 2))
    return EventBatch.from_columns(INFO, counts, columns, particles, weights)


@contextmanager
def writing(form: EventFormat, path: Path, info: RunInfo) -> Iterator[EventWriter]:
    """A writer that leaves nothing open behind, whatever it raises."""
    writer = form.write(path, info)
    try:
        yield writer
    finally:
        writer.abort()


def written(form: EventFormat, path: Path, batch: EventBatch, cut: int) -> None:
    """Writes events in two batches, of which the first has `cut`."""
    with writing(form, path, batch.info) as writer:
        for part in (batch[:cut], batch[cut:]):
            if len(part):
                writer.write(part)
        writer.close()


def read(form: EventFormat, path: Path, size: int) -> tuple[RunInfo, list[EventBatch]]:
    """Run information and events of a file, in batches of a size."""
    with form.read(path, size) as stream:
        return stream.info, list(stream)


def difference(got: EventBatch, wanted: EventBatch) -> str:
    """The first column in which two batches differ, or `""`."""
    if not np.array_equal(got.counts, wanted.counts):
        return "numbers of particles"
    sides = [(f"event column {c}", got.event[c], wanted.event[c]) for c in EVENT_COLUMNS]
    sides += [
        (f"particle column {c}", got.particle_columns[c], wanted.particle_columns[c])
        for c in PARTICLE_COLUMNS
    ]
    sides.append(("further weights", got.weights, wanted.weights))
    for name, left, right in sides:
        if left.shape != right.shape:
            return f"{name}: shape {left.shape} against {right.shape}"
        apart = np.abs(left.astype(float) - right.astype(float))
        worst = ~(apart <= PRECISION * np.abs(right.astype(float)))  # so that NaN is apart
        if bool(worst.any()):
            row = int(np.argmax(worst.reshape(-1)))
            pair = left.reshape(-1)[row], right.reshape(-1)[row]
            return f"{name}: {pair[0]} read, {pair[1]} written (entry {row})"
    return ""


def with_fewest_events(
    look: Callable[[EventBatch], Finding | None], batch: EventBatch
) -> Finding | None:
    """The finding of a check on events, with the fewest that show it too; or None."""

    def on(rows: Mapping[str, Tensor]) -> Finding | None:
        return look(batch[rows["event"].numpy()])

    return with_smallest(on, {"event": torch.arange(len(batch), device="cpu")}, show=_numbered)


def _numbered(rows: Mapping[str, Tensor]) -> str:
    numbers = ", ".join(str(number) for number in rows["event"].tolist())
    return f"made-up events {numbers}" if numbers else ""


def seen(message: str, place: str, n: int, path: Path) -> Finding | None:
    """A finding, if there is a message; with the file, where it holds one event and is text."""
    if not message:
        return None
    return Finding(message, f"{place}, n={n}", shown(path) if n == 1 else "")


def shown(path: Path) -> str:
    """What is in a file, if it is text: from its first event on where it is long."""
    if not path.is_file():
        return ""
    content = path.read_bytes()
    try:
        text = (gzip.decompress(content) if content.startswith(GZIP) else content).decode()
    except (UnicodeDecodeError, EOFError, OSError, zlib.error):  # the kit cuts files off
        return ""
    if len(text) > LENGTH and "<event" in text:
        text = text[text.index("<event") :]
    return text and f"{path.name}:\n{text[:LENGTH].rstrip()}"
