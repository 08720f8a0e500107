"""Checks of event formats: what is written comes back, and what is broken is refused."""

from __future__ import annotations

import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import InputError, OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.run_info import ProcessInfo, RunInfo
from crosshook.core.testkit.event_cases import (
    EVENTS,
    INFO,
    difference,
    events,
    read,
    seen,
    with_fewest_events,
    writing,
    written,
)
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.interfaces.event_format import ComposingFormat, EventFormat
    from crosshook.core.testkit.subject import Subject

CASE = Case()
BATCH = 7


def format_of(subject: Subject) -> EventFormat:
    """The format, built once.

    Raises:
        NotApplicable: if it cannot write the files it would be tried on.
    """
    if subject.capabilities.read_only:
        reason = "only reads, and the kit has no files of others"
        raise NotApplicable(reason)
    return cast("EventFormat", subject.built(CASE))


def events_come_back(subject: Subject) -> Iterator[Finding]:
    """Events written in two batches are read back in order, every column to 10⁻⁹, under each of
    the format's extensions and also when there are none; batches hold no more than was asked for.
    """
    form = format_of(subject)
    for extension in form.extensions:
        for n in (EVENTS, 1, 0):
            finding = with_fewest_events(partial(_changed, form, extension), events(n))
            if finding is not None:
                yield finding
                return


def _changed(form: EventFormat, extension: str, batch: EventBatch) -> Finding | None:
    n = len(batch)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"events{extension}"
        written(form, path, batch, n // 2)
        _, parts = read(form, path, BATCH)
        found = sum(len(part) for part in parts)
        message = ""
        if any(len(part) > BATCH for part in parts):
            message = "a batch is larger than batch_size"
        elif found != n:
            message = f"events are lost or made up: {n} written, {found} read"
        elif n and (changed := difference(EventBatch.concatenate(parts), batch)):
            message = f"events change on the way through a file: {changed}"
        return seen(message, extension, n, path)


def parts_make_a_file(subject: Subject) -> Iterator[Finding]:
    """A file put together from parts that were written apart reads as one that was written at
    once: every event once, in order. For formats declared to compose.
    """
    if not subject.capabilities.composes:
        reason = "not declared to compose"
        raise NotApplicable(reason)
    form = cast("ComposingFormat", format_of(subject))
    for extension in form.extensions:
        finding = with_fewest_events(partial(_put_together_wrongly, form, extension), events())
        if finding is not None:
            yield finding
            return


def _put_together_wrongly(
    form: ComposingFormat, extension: str, batch: EventBatch
) -> Finding | None:
    n = len(batch)
    middle = 9 * n // EVENTS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"events{extension}"
        writer = form.write(path, INFO)
        try:
            for number, (first, end) in enumerate(pairwise((0, middle, middle, n))):
                part = Path(folder) / f"part-{number}{extension}"
                form.write_part(part, batch[first:end], first)
                writer.append(part, end - first)
            writer.close()
        finally:
            writer.abort()
        _, parts = read(form, path, BATCH)
        found = sum(len(part) for part in parts)
        message = ""
        if found != n:
            message = f"parts of {n} events in all, {found} read"
        elif changed := difference(EventBatch.concatenate(parts), batch):
            message = f"events change on the way through parts: {changed}"
        return seen(message, extension, n, path)


def run_information_comes_back(subject: Subject) -> Iterator[Finding]:
    """Beams, densities, IDWTUP, processes with σ ± error, and the ids of further weights are read
    back, with what `close` was given taking the place of what `write` was given.
    """
    finding = with_fewest_events(partial(_other_information, format_of(subject)), events())
    if finding is not None:
        yield finding


def _other_information(form: EventFormat, batch: EventBatch) -> Finding | None:
    first = RunInfo(
        energies=INFO.energies,
        pdf_sets=INFO.pdf_sets,
        weighting=INFO.weighting,
        processes=tuple(ProcessInfo(p.process_id, 0.0, 0.0, 0.0) for p in INFO.processes),
        weights=INFO.weights,
    )
    extension = form.extensions[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"events{extension}"
        with writing(form, path, first) as writer:
            writer.write(batch)
            writer.close(INFO)
        info, _ = read(form, path, 10_000)
        return seen("; ".join(_lost(info)), extension, len(batch), path)


def _lost(info: RunInfo) -> Iterator[str]:
    """What was read otherwise than it was written, in words."""
    for name in ("beams", "energies", "pdf_sets", "weighting"):
        if getattr(info, name) != getattr(INFO, name):
            yield f"{name}: {getattr(info, name)} read, {getattr(INFO, name)} written"
    if [w.id for w in info.weights] != [w.id for w in INFO.weights]:
        yield f"ids of further weights: {[w.id for w in info.weights]} read"
    if len(info.processes) != len(INFO.processes):
        yield f"processes: {len(info.processes)} read, {len(INFO.processes)} written"
    for got, wanted in zip(info.processes, INFO.processes, strict=False):
        for name in ("process_id", "cross_section", "error", "maximum"):
            left, right = getattr(got, name), getattr(wanted, name)
            if not abs(left - right) <= 1e-6 * abs(right):
                yield f"process {wanted.process_id}: {name} {left} read, {right} written"


def files_appear_when_complete(subject: Subject) -> Iterator[Finding]:
    """Before `close` nothing has the file's name, `abort` leaves nothing behind, and a file that
    exists is refused with an OutputError unless overwriting is allowed.
    """
    finding = with_fewest_events(partial(_too_early, format_of(subject)), events())
    if finding is not None:
        yield finding


def _too_early(form: EventFormat, batch: EventBatch) -> Finding | None:
    extension = form.extensions[0]
    place = f"{extension}, n={len(batch)}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"events{extension}"
        with writing(form, path, INFO) as writer:
            writer.write(batch)
            if path.exists():
                return Finding("the file has its name before it is complete", place)
        if left := [item.name for item in Path(folder).iterdir()]:
            return Finding(f"abort leaves {', '.join(left)}", place)
        written(form, path, batch, 3)
        before = path.read_bytes()
        try:
            form.write(path, INFO).abort()
        except OutputError:
            pass
        else:
            return Finding("a file that exists is overwritten without being asked", place)
        if not path.exists() or path.read_bytes() != before:
            return Finding("a file that exists is changed by a refused write", place)
    return None


def broken_files_are_refused(subject: Subject) -> Iterator[Finding]:
    """A file cut off in the middle, an empty one and one of another kind raise an InputError, and
    `sniff` knows its own files from others.
    """
    form = format_of(subject)
    for extension in form.extensions:
        finding = with_fewest_events(partial(_taken, form, extension), events())
        if finding is not None:
            yield finding
            return


def _taken(form: EventFormat, extension: str, batch: EventBatch) -> Finding | None:
    n = len(batch)
    with tempfile.TemporaryDirectory() as folder:
        good, bad = (Path(folder) / f"{name}{extension}" for name in ("good", "bad"))
        written(form, good, batch, 3)
        if not form.sniff(good):
            return seen("sniff does not know a file of its own", extension, n, good)
        data = good.read_bytes()
        contents = {
            "a file cut off in the middle": data[: len(data) // 2],
            "an empty file": b"",
            "a file of another kind": b"%PDF-1.4 not events\n" * 20,
        }
        for what, content in contents.items():
            bad.write_bytes(content)
            if what != "a file cut off in the middle" and form.sniff(bad):
                return seen(f"sniff takes {what} for its own", extension, n, bad)
            try:
                read(form, bad, 10)
            except InputError:
                continue
            return seen(f"{what} is read without an error", extension, n, bad)
    return None


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
