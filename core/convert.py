"""Converts event files between formats, and merges several into one with the right cross section.

One input passes through as it is. Several inputs are first read for their cross sections; then
every file's weights are brought to the convention that their mean is σ (a factor of 1 for files
that follow it already), so that

- samples of one process (`average`, the default) give σ = Σ n_f σ_f / Σ n_f with the factor 1,
- samples of different processes (`sum`) give σ = Σ σ_f, weights scaled by N/n_f.

Sherpa files that all count their trials stay as they are: Σw/Σtrials is additive.

Errors add in quadrature; those of files from one crosshook run, which share most of the points that
determined σ, add up linearly.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from crosshook.core.cross_section import CrossSection, WeightSums, cross_section
from crosshook.core.errors import InputError, OutputError
from crosshook.core.events.files import create_events, open_events
from crosshook.core.events.run_info import ProcessInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.registry import Registry

Combine = Literal["average", "sum"]
SAME_ENERGY: Final = 1e-6
"""Relative difference of beam energies that printing can explain."""
COMPATIBLE: Final = 0.01
"""Relative difference of cross sections, beyond 5 standard errors, that one process may show."""


@dataclass(frozen=True)
class InputSummary:
    """One input of a conversion.

    Attributes:
        file: its path.
        events: number of its events.
        cross_section_pb: σ, None if unknown.
        cross_section_error_pb: its error, None if unknown.
        rule: how σ was found.
        scale: factor its weights took.
    """

    file: str
    events: int
    cross_section_pb: float | None
    cross_section_error_pb: float | None
    rule: str
    scale: float


@dataclass(frozen=True)
class ConvertReport:
    """What a conversion did.

    Attributes:
        output: the file written.
        events: number of its events.
        cross_section_pb: σ of the output, None if unknown.
        cross_section_error_pb: its error, None if unknown.
        rule: how σ is to be found in the output.
        inputs: what went in.
    """

    output: str
    events: int
    cross_section_pb: float | None
    cross_section_error_pb: float | None
    rule: str
    inputs: tuple[InputSummary, ...]

    def as_json(self) -> dict[str, object]:
        """The report as values JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class _Known:
    """An input after its first reading."""

    path: Path
    info: RunInfo
    sums: WeightSums
    sigma: CrossSection


def convert(
    inputs: Sequence[Path],
    output: Path,
    combine: Combine = "average",
    overwrite: bool = False,
    options: Mapping[str, object] | None = None,
    registry: Registry | None = None,
) -> ConvertReport:
    """Writes the events of some files to another, in the format of its extension.

    Args:
        inputs: one file, or several to merge.
        output: the file to write.
        combine: whether several inputs are samples of one process or of processes to add.
        overwrite: whether to replace an existing file.
        options: of the output format.
        registry: where formats come from.

    Returns:
        Numbers of events and cross sections.

    Raises:
        InputError: if an input cannot be read, or inputs do not fit together.
        OutputError: if the output exists or cannot be written.
    """
    if output.exists() and any(path.exists() and output.samefile(path) for path in inputs):
        message = f"{output}: is one of the inputs"
        raise OutputError(message)
    if len(inputs) == 1:
        return _pass_through(inputs[0], output, overwrite, options, registry)
    if output.exists() and not overwrite:
        message = f"{output}: exists already; overwriting was not asked for"
        raise OutputError(message)
    return _merge(inputs, output, combine, overwrite, options, registry)


def _pass_through(
    source: Path,
    output: Path,
    overwrite: bool,
    options: Mapping[str, object] | None,
    registry: Registry | None,
) -> ConvertReport:
    sums = WeightSums()
    with (
        open_events(source, registry=registry) as stream,
        create_events(output, stream.info, overwrite, options, registry) as writer,
    ):
        for batch in stream:
            sums.add(batch)
            writer.write(batch)
        info = stream.info
        writer.close(info)
    sigma = cross_section(info, sums)
    return ConvertReport(
        str(output),
        sums.events,
        sigma.value,
        sigma.error,
        sigma.rule,
        (InputSummary(str(source), sums.events, sigma.value, sigma.error, sigma.rule, 1.0),),
    )


def _merge(
    inputs: Sequence[Path],
    output: Path,
    combine: Combine,
    overwrite: bool,
    options: Mapping[str, object] | None,
    registry: Registry | None,
) -> ConvertReport:
    known = [_read(path, registry) for path in inputs]
    _check_fit(known, combine)
    filled = [k for k in known if k.sums.events]
    if not filled:
        message = f"{', '.join(str(p) for p in inputs)}: no events to merge"
        raise InputError(message)
    total = sum(k.sums.events for k in filled)
    by_trials = combine == "average" and all(k.sigma.rule == "trials" for k in filled)
    # Share of each file in σ: its events among all, or all of it.
    shares = [k.sums.events / total if combine == "average" else 1.0 for k in filled]
    scales = [
        1.0 if by_trials else _to_mean(k) * share * total / k.sums.events
        for k, share in zip(filled, shares, strict=True)
    ]
    info = _merged_info(filled, shares, scales, keep=by_trials)
    sums = WeightSums()
    with create_events(output, info, overwrite, options, registry) as writer:
        for k, scale in zip(filled, scales, strict=True):
            with open_events(k.path, registry=registry) as stream:
                for read in stream:
                    batch = read if scale == 1.0 else read.with_weights(scale)
                    dropped = () if by_trials else ("trials",)
                    event = {n: c for n, c in batch.event.items() if n not in dropped}
                    own = replace(info, weights=read.info.weights)
                    batch = replace(batch, event=event, info=own)
                    sums.add(batch)
                    writer.write(batch)
        writer.close(info)
    sigma = cross_section(info, sums)
    summaries = tuple(
        InputSummary(str(k.path), k.sums.events, k.sigma.value, k.sigma.error, k.sigma.rule, scale)
        for k, scale in zip(filled, scales, strict=True)
    )
    return ConvertReport(str(output), sums.events, sigma.value, sigma.error, sigma.rule, summaries)


def _read(path: Path, registry: Registry | None) -> _Known:
    sums = WeightSums()
    with open_events(path, registry=registry) as stream:
        for batch in stream:
            sums.add(batch)
        info = stream.info
    return _Known(path, info, sums, cross_section(info, sums))


def _to_mean(known: _Known) -> float:
    """Factor that makes the mean weight of a file its cross section."""
    if known.sigma.rule == "average":
        return 1.0
    if known.sigma.value is None or known.sums.weight == 0:
        message = f"{known.path}: has no cross section to merge with"
        raise InputError(message)
    return known.sigma.value * known.sums.events / known.sums.weight


def _check_fit(known: Sequence[_Known], combine: Combine) -> None:
    """Inputs must have the same beams and weights, and for one process the same cross section."""
    first = known[0]
    for other in known[1:]:
        pair = f"{first.path} and {other.path}"
        energies = zip(first.info.energies, other.info.energies, strict=True)
        if first.info.beams != other.info.beams or not all(
            math.isclose(a, b, rel_tol=SAME_ENERGY) for a, b in energies
        ):
            message = (
                f"{pair} have different beams: {first.info.beams} at {first.info.energies} GeV, "
                f"{other.info.beams} at {other.info.energies} GeV"
            )
            raise InputError(message)
        if first.info.pdf_sets != other.info.pdf_sets:
            message = (
                f"{pair} have different parton densities: "
                f"{first.info.pdf_sets}, {other.info.pdf_sets}"
            )
            raise InputError(message)
        if first.info.weight_ids != other.info.weight_ids:
            message = (
                f"{pair} have different further weights: "
                f"{', '.join(first.info.weight_ids) or 'none'}; "
                f"{', '.join(other.info.weight_ids) or 'none'}"
            )
            raise InputError(message)
        if combine == "average":
            _check_same_process(first, other, pair)


def _check_same_process(first: _Known, other: _Known, pair: str) -> None:
    a, b = first.sigma, other.sigma
    if a.value is None or b.value is None:
        return
    slack = 5 * math.hypot(a.error or 0.0, b.error or 0.0)
    slack += COMPATIBLE * max(abs(a.value), abs(b.value))
    if abs(a.value - b.value) > slack:
        message = (
            f"{pair} are no samples of one process: cross sections {a.value:.6g} and "
            f"{b.value:.6g} pb; combine them by sum if they are to be added"
        )
        raise InputError(message)


def _merged_info(
    known: Sequence[_Known], shares: Sequence[float], scales: Sequence[float], keep: bool
) -> RunInfo:
    """Run information of the merged file; the header is that of the first input."""
    info = known[0].info
    lines = "".join(
        f"{k.path.name} {k.sums.events} events, weights times {scale!r}\n"
        for k, scale in zip(known, scales, strict=True)
    )
    header = {**info.header, "crosshook_merge": f"\n{lines}"}
    generators = tuple(dict.fromkeys(g for k in known for g in k.info.generators))
    merged = replace(info, header=header, generators=generators, trailer="")
    if keep:
        return merged
    value: dict[int, float] = {}
    errors: dict[int, dict[str, float]] = {}
    for number, (k, share) in enumerate(zip(known, shares, strict=True)):
        # Files of one run share its integration: their errors add up and do not average out.
        origin = k.info.header.get("crosshook", f"file {number}").strip()
        for process in _normalised(k):
            i = process.process_id
            value[i] = value.get(i, 0.0) + share * process.cross_section
            own = errors.setdefault(i, {})
            own[origin] = own.get(origin, 0.0) + share * process.error
    variance = {i: sum(e**2 for e in own.values()) for i, own in errors.items()}
    largest = max(k.sums.largest * scale for k, scale in zip(known, scales, strict=True))
    processes = tuple(
        ProcessInfo(i, value[i], math.sqrt(variance[i]), largest) for i in sorted(value)
    )
    return replace(merged, weighting=-4, processes=processes)


def _normalised(known: _Known) -> tuple[ProcessInfo, ...]:
    """Processes of one file with cross sections that add up to its σ.

    The init block gives the shares where it is filled, else the events do.
    """
    sigma, error = known.sigma.value or 0.0, known.sigma.error or 0.0
    written = {p.process_id: p.cross_section for p in known.info.processes}
    total = sum(written.values())
    if known.sigma.rule not in ("average", "sum", "xsecup") or not math.isclose(
        total, sigma, rel_tol=COMPATIBLE
    ):
        written = {i: s.weight for i, s in known.sums.processes.items()}
        total = known.sums.weight
    return tuple(
        ProcessInfo(i, sigma * x / total, error * math.sqrt(abs(x / total)), 0.0)
        for i, x in written.items()
    )
