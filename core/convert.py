"""Converts event files between formats, selects, merges and splits, with the right cross section.

One input passes through as it is. Selections and merges read their inputs twice: once for the
cross sections, once to write. What happens to weights and to the init block is told in
`crosshook.core.fiducial` (selections) and `crosshook.core.merging`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.core.cross_section import WeightSums, cross_section
from crosshook.core.errors import ConfigurationError, OutputError
from crosshook.core.events.files import create_events, open_events
from crosshook.core.events.run_info import noted
from crosshook.core.events.split_files import SplitFiles, numbered
from crosshook.core.events.trials import CarriedTrials
from crosshook.core.fiducial import normalise
from crosshook.core.merging import merger
from crosshook.core.report.shown import Shown
from crosshook.core.selection import Selection
from crosshook.core.survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crosshook.core.cross_section import CrossSection
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import OnError, SkippedEvent
    from crosshook.core.merging import Combine
    from crosshook.core.registry import Registry
    from crosshook.core.report.sections import Headline, Table
    from crosshook.core.survey import Survey


@dataclass(frozen=True)
class InputSummary:
    """One input of a conversion.

    Attributes:
        file: its path.
        events: number of its events.
        selected: how many of them were written.
        cross_section_pb: σ of all its events, None if unknown.
        cross_section_error_pb: its error, None if unknown.
        rule: how σ was found.
        scale: factor its weights took.
    """

    file: str
    events: int
    selected: int
    cross_section_pb: float | None
    cross_section_error_pb: float | None
    rule: str
    scale: float


@dataclass(frozen=True)
class OutputSummary:
    """One file that was written.

    Attributes:
        file: its path.
        events: number of its events.
    """

    file: str
    events: int


@dataclass(frozen=True, repr=False)
class ConvertReport(Shown):
    """What a conversion did.

    Attributes:
        output: the file asked for.
        outputs: the files written: that one, or the numbered ones it was split into.
        events: number of events in them.
        cross_section_pb: σ of the output, None if unknown.
        cross_section_error_pb: its error, None if unknown.
        rule: how σ is to be found in the output.
        inputs: what went in.
        where: the condition on events, if any.
        skipped: events that could not be read and were left out.
    """

    output: str
    outputs: tuple[OutputSummary, ...]
    events: int
    cross_section_pb: float | None
    cross_section_error_pb: float | None
    rule: str
    inputs: tuple[InputSummary, ...]
    where: str | None
    skipped: tuple[SkippedEvent, ...]

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.file_accounts import convert_headline

        return convert_headline(self)

    def tables(self) -> tuple[Table, ...]:
        """What went in."""
        from crosshook.core.report.file_accounts import convert_table

        return (convert_table(self),)

    def as_json(self) -> dict[str, object]:
        """The report as values JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class _Part:
    """One input on its way into the output."""

    found: Survey
    scale: float
    trials: bool


@dataclass(frozen=True)
class _Target:
    """Where and how to write."""

    output: Path
    split: int | None
    overwrite: bool
    options: Mapping[str, object] | None
    registry: Registry | None
    on_error: OnError


def convert(
    inputs: Sequence[str | Path] | str | Path,
    output: str | Path,
    combine: Combine = "average",
    overwrite: bool = False,
    options: Mapping[str, object] | None = None,
    registry: Registry | None = None,
    *,
    where: str | None = None,
    events: slice | str | None = None,
    split: int | None = None,
    on_error: OnError = "stop",
) -> ConvertReport:
    """Writes the events of some files to another, in the format of its extension.

    Args:
        inputs: one file, or several to merge.
        output: the file to write.
        combine: whether several inputs are samples of one process or of processes to add.
        overwrite: whether to replace an existing file.
        options: of the output format.
        registry: where formats come from.
        where: only events that fulfil this condition, e.g. `pt[0] > 30`; the language is that of
            `crosshook.core.events.event_expression`. σ of the output is fiducial.
        events: only this range of a single input, counted from 0: `slice(100, 200)` or `"100:200"`.
        split: events a file; files are numbered, `events-1.lhe`, `events-2.lhe`, ...
        on_error: `skip` leaves out events that cannot be read and lists them.

    Returns:
        Numbers of events and cross sections.

    Raises:
        ConfigurationError: if the condition or the range is none.
        InputError: if an input cannot be read, or inputs do not fit together.
        OutputError: if the output exists or cannot be written.
    """
    paths = [Path(p) for p in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    target = _Target(Path(output), split, overwrite, options, registry, on_error)
    selection = Selection.of(where, events)
    _check(paths, target, selection)
    if len(paths) == 1 and selection.everything and split is None:
        return _pass_through(paths[0], target)
    found = [survey(path, selection, registry, on_error) for path in paths]
    if len(found) > 1:
        merged = merger(found, combine, where is not None)
        parts = [
            _Part(k, scale, merged.keep_trials)
            for k, scale in zip(merged.files, merged.scales, strict=True)
        ]
        info = merged.info
    else:
        how = normalise(found[0], selection)
        parts, info = [_Part(found[0], how.scale, how.carry_trials)], how.info
    info = _noted(info, parts, selection)
    return _write(parts, found, info, selection, target)


def _check(paths: Sequence[Path], target: _Target, selection: Selection) -> None:
    output = target.output
    if not paths:
        message = "no event files were given"
        raise ConfigurationError(message)
    if output.exists() and any(path.exists() and output.samefile(path) for path in paths):
        message = f"{output}: is one of the inputs"
        raise OutputError(message)
    if target.split is None and output.exists() and not target.overwrite:
        message = f"{output}: exists already; overwriting was not asked for"
        raise OutputError(message)
    if len(paths) > 1 and not selection.is_whole:
        message = "--events: a range of events is taken from one file, not from several"
        raise ConfigurationError(message)
    if target.split is not None and target.split < 1:
        message = f"--split: {target.split} events a file; at least 1"
        raise ConfigurationError(message)


def _pass_through(source: Path, target: _Target) -> ConvertReport:
    sums = WeightSums()
    with (
        open_events(source, registry=target.registry, on_error=target.on_error) as stream,
        create_events(
            target.output, stream.info, target.overwrite, target.options, target.registry
        ) as writer,
    ):
        for batch in stream:
            sums.add(batch)
            writer.write(batch)
        info, skipped = stream.info, tuple(stream.skipped)
        writer.close(info)
    sigma = cross_section(info, sums)
    read = _summary(source, sums, sums.events, sigma, 1.0)
    written = (OutputSummary(str(target.output), sums.events),)
    return _report(target, written, sums, sigma, [read], None, skipped)


def _write(
    parts: Sequence[_Part],
    found: Sequence[Survey],
    info: RunInfo,
    selection: Selection,
    target: _Target,
) -> ConvertReport:
    """Second reading: the selected events, scaled, to one file or several."""
    total = sum(part.found.kept.events for part in parts)
    size, names = target.split, [target.output]
    if size is not None:
        count = max(-(-total // size), 1)
        names = [numbered(target.output, i, count, target.registry) for i in range(1, count + 1)]
    sums = WeightSums()
    place = (info, target.overwrite, target.options, target.registry)
    with SplitFiles(names, size, *place) as files:
        for part in parts:
            for batch in _selected(part, selection, target):
                own = replace(batch, info=replace(info, weights=batch.info.weights))
                sums.add(own)
                files.write(own)
        files.close()
    sigma = cross_section(info, sums)
    if not sums.events and any(part.found.taken.events > 0 for part in parts):
        sigma = replace(sigma, value=0.0, error=0.0)
    scales = {part.found.path: part.scale for part in parts}
    read = [
        _summary(k.path, k.sums, k.kept.events, k.sigma, scales.get(k.path, 1.0)) for k in found
    ]
    written = tuple(OutputSummary(str(path), events) for path, events in files.written)
    skipped = tuple(s for k in found for s in k.skipped)
    return _report(target, written, sums, sigma, read, selection.where, skipped)


def _selected(part: _Part, selection: Selection, target: _Target) -> Iterator[EventBatch]:
    """The events of one input that are written, with the weights they are written with."""
    carried = CarriedTrials()
    with open_events(
        part.found.path, registry=target.registry, on_error=target.on_error
    ) as stream:
        for batch, passing in selection.apply(stream, stream.info):
            kept: EventBatch | None
            if part.trials:
                kept = carried.keep(batch, passing)
            else:
                kept = _without_trials(batch if passing.all() else batch[passing])
            if kept is not None and len(kept):
                yield kept if part.scale == 1.0 else kept.with_weights(part.scale)
    last = carried.finish()
    if last is not None:
        yield last


def _without_trials(batch: EventBatch) -> EventBatch:
    if "trials" not in batch.event:
        return batch
    return replace(batch, event={n: c for n, c in batch.event.items() if n != "trials"})


def _noted(info: RunInfo, parts: Sequence[_Part], selection: Selection) -> RunInfo:
    """The run information with a block that says what was left out and what weights took."""
    lines = []
    if selection.where is not None:
        taken = sum(part.found.taken.events for part in parts)
        kept = sum(part.found.kept.events for part in parts)
        lines.append(f"{kept} of {taken} events, where {selection.where}")
        lines.append("the cross section is that of these events")
    if len(parts) == 1 and parts[0].scale != 1.0:
        lines.append(f"weights times {parts[0].scale!r}: their mean is the cross section in pb")
    return noted(info, "crosshook_convert", "\n".join([*lines, ""])) if lines else info


def _summary(
    path: Path, sums: WeightSums, selected: int, sigma: CrossSection, scale: float
) -> InputSummary:
    return InputSummary(
        str(path), sums.events, selected, sigma.value, sigma.error, sigma.rule, scale
    )


def _report(
    target: _Target,
    written: tuple[OutputSummary, ...],
    sums: WeightSums,
    sigma: CrossSection,
    read: Sequence[InputSummary],
    where: str | None,
    skipped: tuple[SkippedEvent, ...],
) -> ConvertReport:
    return ConvertReport(
        str(target.output),
        written,
        sums.events,
        sigma.value,
        sigma.error,
        sigma.rule,
        tuple(read),
        where,
        skipped,
    )
