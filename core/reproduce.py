"""A run again, from what its directory says, and whether the same comes out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from crosshook.core.errors import CrosshookError, InputError, OutputError
from crosshook.core.events.files import open_events
from crosshook.core.events.layout import EVENT_COLUMNS, PARTICLE_COLUMNS
from crosshook.core.provenance import versions
from crosshook.core.registry import default_registry
from crosshook.core.run import start_run
from crosshook.core.run_directory import RunDirectory
from crosshook.core.run_file import RunFile, read_resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.run import Reporter

REPORTS = ("report.json", "report.html")
"""Outputs with times in them, which are compared by their figures instead."""
BATCH = 10_000


@dataclass(frozen=True)
class Reproduced:
    """One output or figure beside its repetition.

    Attributes:
        name: of the file, or of the figure.
        before: checksum or value in the run's directory.
        now: the same of the repetition.
        verdict: `same`, `same events` (in a file that carries a date), or `differs`.
    """

    name: str
    before: str
    now: str
    verdict: str


@dataclass(frozen=True)
class Reproduction:
    """How a repetition went.

    Attributes:
        directory: of the run.
        repetition: directory of the second run.
        outputs: files and figures, compared.
        changes: versions and sources that are not as they were, in sentences.
    """

    directory: str
    repetition: str
    outputs: tuple[Reproduced, ...]
    changes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return all(output.verdict != "differs" for output in self.outputs)


def reproduce(
    directory: Path,
    *,
    output: Path | None = None,
    overwrite: bool = False,
    settings: Sequence[str] = (),
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> Reproduction:
    """Runs a finished run again and compares.

    Args:
        directory: of the run.
        output: of the repetition; `DIRECTORY-again` if None.
        overwrite: replace a run that is there already.
        settings: `executor=NAME` and options of it, instead of the run file's; nothing else.
        workers: processes that compute; results do not depend on them.
        reporter: shows progress.

    Raises:
        InputError: if there is no finished run, or its files are not those it wrote.
        OutputError: if the repetition has no place.
    """
    run = RunDirectory(directory)
    report = run.read_json(run.report)
    if report.get("format") != "crosshook-report/1":
        message = f"{run.report}: not the report of `crosshook run`, which alone can be repeated"
        raise InputError(message)
    before = _manifest(run)
    for name, checksum in before.items():
        if run.checksum(name) != checksum:
            message = f"{run.path / name}: is not what the run wrote: its checksum differs"
            raise InputError(message)
    place = output if output is not None else directory.with_name(f"{directory.name}-again")
    if place.resolve() == directory.resolve():
        message = f"{place}: holds the run that is repeated; choose another output"
        raise OutputError(message)
    document = run.read_json(run.resolved)
    config = read_resolved(document)
    RunDirectory(place).check_free(overwrite)
    loaded = RunFile(document, config, default_registry(config.disable), place)
    loaded = loaded.computed_by(settings, workers)
    start_run(loaded, overwrite=overwrite, reporter=reporter)
    again = RunDirectory(place)
    now = _manifest(again)
    outputs = [
        _compared(name, run, again, before.get(name, "missing"), now.get(name, "missing"))
        for name in sorted(before.keys() | now.keys())
        if name not in REPORTS
    ]
    fresh = again.read_json(again.report)
    outputs += [
        Reproduced(name, old, new, "same" if old == new else "differs")
        for name, old, new in _figures(report, fresh)
    ]
    return Reproduction(str(directory), str(place), tuple(outputs), _changes(report))


def _manifest(run: RunDirectory) -> dict[str, str]:
    """Checksums of the outputs by name."""
    found: dict[str, str] = {}
    try:
        for line in run.manifest.read_text("utf-8").splitlines():
            entry = json.loads(line)
            found[str(entry["name"])] = str(entry["sha256"])
    except OSError as error:
        message = f"{run.manifest}: {error.strerror}; a finished run has one"
        raise InputError(message) from error
    except (ValueError, KeyError, TypeError) as error:
        message = f"{run.manifest}: damaged: {error}"
        raise InputError(message) from error
    return found


def _compared(
    name: str, run: RunDirectory, again: RunDirectory, before: str, now: str
) -> Reproduced:
    if before == now:
        return Reproduced(name, before, now, "same")
    paths = run.path / name, again.path / name
    same = all(path.is_file() for path in paths) and _same_events(*paths)
    return Reproduced(name, before, now, "same events" if same else "differs")


def _same_events(one: Path, two: Path) -> bool:
    """Whether two files hold the same events, to the last bit of every number."""
    try:
        with (
            open_events(one, batch_size=BATCH) as left,
            open_events(two, batch_size=BATCH) as right,
        ):
            return left.info == right.info and all(
                _equal(a, b) for a, b in zip(left, right, strict=True)
            )
    except (CrosshookError, ValueError):  # no event files, or one is longer
        return False


def _equal(one: EventBatch, two: EventBatch) -> bool:
    pairs: list[tuple[NDArray[Any], NDArray[Any]]] = [
        (one.counts, two.counts),
        (one.weights, two.weights),
    ]
    pairs += [(one.event[c], two.event[c]) for c in EVENT_COLUMNS]
    pairs += [(one.particle_columns[c], two.particle_columns[c]) for c in PARTICLE_COLUMNS]
    return all(np.array_equal(a, b) for a, b in pairs)


def _figures(before: dict[str, object], now: dict[str, object]) -> Iterator[tuple[str, str, str]]:
    """Figures of two reports, in full."""
    for part, names in (
        ("integration", ("cross_section", "error", "evaluations")),
        ("generation", ("cross_section", "error", "evaluations", "events", "overweight_share")),
    ):
        for name in names:
            old, new = (
                cast("dict[str, object]", report.get(part) or {}).get(name)
                for report in (before, now)
            )
            if old is not None or new is not None:
                yield f"{part} {name.replace('_', ' ')}", repr(old), repr(new)


def _changes(report: dict[str, object]) -> tuple[str, ...]:
    before, now = cast("dict[str, str]", report.get("versions") or {}), versions()
    return tuple(
        f"{name} was {before.get(name, 'not there')} and is {now.get(name, 'not there')}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    )
