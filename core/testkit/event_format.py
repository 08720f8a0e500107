"""Checks of event formats: what is written comes back, and what is broken is refused."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from crosshook.core.errors import InputError, OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import EVENT_COLUMNS, PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.subject import SEED, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.interfaces.event_format import ComposingFormat, EventFormat, EventWriter
    from crosshook.core.testkit.subject import Subject

CASE = Case()
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


def format_of(subject: Subject) -> EventFormat:
    """The format, built once.

    Raises:
        NotApplicable: if it cannot write the files it would be tried on.
    """
    if subject.capabilities.read_only:
        reason = "only reads, and the kit has no files of others"
        raise NotApplicable(reason)
    return cast("EventFormat", subject.built(CASE))


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
def _writing(form: EventFormat, path: Path, info: RunInfo) -> Iterator[EventWriter]:
    """A writer that leaves nothing open behind, whatever it raises."""
    writer = form.write(path, info)
    try:
        yield writer
    finally:
        writer.abort()


def _written(form: EventFormat, path: Path, batch: EventBatch, cut: int) -> None:
    with _writing(form, path, batch.info) as writer:
        for part in (batch[:cut], batch[cut:]):
            if len(part):
                writer.write(part)
        writer.close()


def _read(form: EventFormat, path: Path, size: int) -> tuple[RunInfo, list[EventBatch]]:
    with form.read(path, size) as stream:
        return stream.info, list(stream)


def _difference(got: EventBatch, wanted: EventBatch) -> str:
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
        worst = apart > PRECISION * np.abs(right.astype(float))
        if bool(worst.any()):
            row = int(np.argmax(worst.reshape(-1)))
            pair = left.reshape(-1)[row], right.reshape(-1)[row]
            return f"{name}: {pair[0]} read, {pair[1]} written (entry {row})"
    return ""


def events_come_back(subject: Subject) -> Iterator[Finding]:
    """Events written in two batches are read back in order, every column to 10⁻⁹, under each of
    the format's extensions and also when there are none; batches hold no more than was asked for.
    """
    form = format_of(subject)
    for extension in form.extensions:
        for n in (0, 1, EVENTS):
            batch = events(n)
            place = f"{extension}, n={n}"
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"events{extension}"
                _written(form, path, batch, n // 2)
                _, parts = _read(form, path, 7)
            if any(len(part) > 7 for part in parts):
                yield Finding("a batch is larger than batch_size", place)
            if sum(len(part) for part in parts) != n:
                found = sum(len(part) for part in parts)
                yield Finding(f"{n} events written, {found} read", place)
            elif n and (difference := _difference(EventBatch.concatenate(parts), batch)):
                yield Finding(f"events change on the way through a file: {difference}", place)


def parts_make_a_file(subject: Subject) -> Iterator[Finding]:
    """A file put together from parts that were written apart reads as one that was written at
    once: every event once, in order. For formats declared to compose.
    """
    if not subject.capabilities.composes:
        reason = "not declared to compose"
        raise NotApplicable(reason)
    form = cast("ComposingFormat", format_of(subject))
    batch, cuts = events(), (0, 9, 9, EVENTS)
    for extension in form.extensions:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"events{extension}"
            writer = form.write(path, INFO)
            for number, (first, end) in enumerate(pairwise(cuts)):
                part = Path(folder) / f"part-{number}{extension}"
                form.write_part(part, batch[first:end], first)
                writer.append(part, end - first)
            writer.close()
            _, found = _read(form, path, 7)
        count = sum(len(part) for part in found)
        if count != EVENTS:
            yield Finding(f"parts of {EVENTS} events in all, {count} read", extension)
        elif difference := _difference(EventBatch.concatenate(found), batch):
            yield Finding(f"events change on the way through parts: {difference}", extension)


def run_information_comes_back(subject: Subject) -> Iterator[Finding]:
    """Beams, densities, IDWTUP, processes with σ ± error, and the ids of further weights are read
    back, with what `close` was given taking the place of what `write` was given.
    """
    form = format_of(subject)
    first = RunInfo(
        energies=INFO.energies,
        pdf_sets=INFO.pdf_sets,
        weighting=INFO.weighting,
        processes=tuple(ProcessInfo(p.process_id, 0.0, 0.0, 0.0) for p in INFO.processes),
        weights=INFO.weights,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"events{form.extensions[0]}"
        with _writing(form, path, first) as writer:
            writer.write(events())
            writer.close(INFO)
        info, _ = _read(form, path, 10_000)
    for name in ("beams", "energies", "pdf_sets", "weighting"):
        if getattr(info, name) != getattr(INFO, name):
            yield Finding(f"{name}: {getattr(info, name)} read, {getattr(INFO, name)} written")
    if [w.id for w in info.weights] != [w.id for w in INFO.weights]:
        yield Finding(f"ids of further weights: {[w.id for w in info.weights]} read")
    if len(info.processes) != len(INFO.processes):
        yield Finding(f"{len(info.processes)} processes read, {len(INFO.processes)} written")
    for got, wanted in zip(info.processes, INFO.processes, strict=False):
        for name in ("process_id", "cross_section", "error", "maximum"):
            left, right = getattr(got, name), getattr(wanted, name)
            if abs(left - right) > 1e-6 * abs(right):
                yield Finding(f"process {wanted.process_id}: {name} {left} read, {right} written")


def files_appear_when_complete(subject: Subject) -> Iterator[Finding]:
    """Before `close` nothing has the file's name, `abort` leaves nothing behind, and a file that
    exists is refused with an OutputError unless overwriting is allowed.
    """
    form = format_of(subject)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"events{form.extensions[0]}"
        with _writing(form, path, INFO) as writer:
            writer.write(events())
            if path.exists():
                yield Finding("the file has its name before it is complete")
                return
        if left := [item.name for item in Path(folder).iterdir()]:
            yield Finding(f"abort leaves {', '.join(left)}")
        _written(form, path, events(), 3)
        before = path.read_bytes()
        try:
            form.write(path, INFO).abort()
        except OutputError:
            pass
        else:
            yield Finding("a file that exists is overwritten without being asked")
        if not path.exists() or path.read_bytes() != before:
            yield Finding("a file that exists is changed by a refused write")


def broken_files_are_refused(subject: Subject) -> Iterator[Finding]:
    """A file cut off in the middle, an empty one and one of another kind raise an InputError, and
    `sniff` knows its own files from others.
    """
    form = format_of(subject)
    with tempfile.TemporaryDirectory() as folder:
        for extension in form.extensions:
            good = Path(folder) / f"good{extension}"
            _written(form, good, events(), 3)
            if not form.sniff(good):
                yield Finding("sniff does not know a file of its own", extension)
            data = good.read_bytes()
            contents = {
                "a file cut off in the middle": data[: len(data) // 2],
                "an empty file": b"",
                "a file of another kind": b"%PDF-1.4 not events\n" * 20,
            }
            for what, content in contents.items():
                bad = Path(folder) / f"bad{extension}"
                bad.write_bytes(content)
                if what != "a file cut off in the middle" and form.sniff(bad):
                    yield Finding(f"sniff takes {what} for its own", extension)
                try:
                    _read(form, bad, 10)
                except InputError:
                    continue
                yield Finding(f"{what} is read without an error", extension)


def read_only_is_meant(subject: Subject) -> Iterator[Finding]:
    """A format declared read-only refuses to write with an OutputError and leaves no file; one that
    is not writes.
    """
    form = cast("EventFormat", subject.built(CASE))
    with tempfile.TemporaryDirectory() as folder:
        try:
            form.write(Path(folder) / f"events{form.extensions[0]}", INFO).abort()
        except OutputError as error:
            if not subject.capabilities.read_only:
                yield Finding(f"not declared read_only, but does not write: {error}")
        else:
            if subject.capabilities.read_only:
                yield Finding("declared read_only, but writes")
        if left := [item.name for item in Path(folder).iterdir()]:
            yield Finding(f"leaves {', '.join(left)}")


CHECKS = (
    read_only_is_meant,
    events_come_back,
    parts_make_a_file,
    run_information_comes_back,
    files_appear_when_complete,
    broken_files_are_refused,
)
