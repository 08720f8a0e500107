"""Several event files as one sample: which fit together, and the run information of the whole.

Every file's weights are brought to the convention that their mean is σ (a factor of 1 for files
that follow it already), so that

- samples of one process (`average`) give σ = Σ n_f σ_f / Σ n_f with the factor 1,
- samples of different processes (`sum`) give σ = Σ σ_f, weights scaled by N/n_f.

Sherpa files that all count their trials stay as they are: Σw/Σtrials is additive.

Errors add in quadrature; those of files from one crosshook run, which share most of the points that
determined σ, add up linearly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from crosshook.core.errors import InputError
from crosshook.core.events.run_info import ProcessInfo, noted
from crosshook.core.fiducial import fiducial, processes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.survey import Survey

Combine = Literal["average", "sum"]
SAME_ENERGY: Final = 1e-6
"""Relative difference of beam energies that printing can explain."""
COMPATIBLE: Final = 0.01
"""Relative difference of cross sections, beyond 5 standard errors, that one process may show."""


@dataclass(frozen=True)
class Merger:
    """How files become one.

    Attributes:
        files: those with events.
        scales: factor of all weights of each.
        info: run information of the whole.
        keep_trials: events go on counting their trials.
    """

    files: tuple[Survey, ...]
    scales: tuple[float, ...]
    info: RunInfo
    keep_trials: bool


def merger(found: Sequence[Survey], combine: Combine, selecting: bool) -> Merger:
    """Works out how to merge files.

    Args:
        found: the files.
        combine: whether they are samples of one process or of processes to add.
        selecting: whether only the events they keep are written.

    Raises:
        InputError: if they do not fit together or hold no events.
    """
    check_fit(found, combine)
    filled = tuple(k for k in found if k.sums.events)
    if not filled:
        message = f"{', '.join(str(k.path) for k in found)}: no events to merge"
        raise InputError(message)
    total = sum(k.sums.events for k in filled)
    written = sum(k.kept.events for k in filled)
    by_trials = combine == "average" and all(k.sigma.rule == "trials" for k in filled)
    # Share of each file in σ: its events among all, or all of it.
    shares = [k.sums.events / total if combine == "average" else 1.0 for k in filled]
    scales = tuple(
        1.0 if by_trials else k.to_mean * share * written / k.sums.events
        for k, share in zip(filled, shares, strict=True)
    )
    info = _merged_info(filled, shares, scales, by_trials, selecting)
    return Merger(filled, scales, info, by_trials)


def check_fit(known: Sequence[Survey], combine: Combine) -> None:
    """Inputs must have the same beams and weights, and for one process the same cross section.

    Raises:
        InputError: naming the first pair that does not fit.
    """
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


def _check_same_process(first: Survey, other: Survey, pair: str) -> None:
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
    known: Sequence[Survey],
    shares: Sequence[float],
    scales: Sequence[float],
    by_trials: bool,
    selecting: bool,
) -> RunInfo:
    """Run information of the merged file; the header is that of the first input."""
    info = known[0].info
    lines = "".join(
        f"{k.path.name} {k.sums.events} events, weights times {scale!r}\n"
        for k, scale in zip(known, scales, strict=True)
    )
    generators = tuple(dict.fromkeys(g for k in known for g in k.info.generators))
    merged = replace(noted(info, "crosshook_merge", lines), generators=generators, trailer="")
    if by_trials and not selecting:
        return merged
    value: dict[int, float] = {}
    errors: dict[int, dict[str, float]] = {}
    for number, (k, share) in enumerate(zip(known, shares, strict=True)):
        # Files of one run share its integration: their errors add up and do not average out.
        origin = k.info.header.get("crosshook", f"file {number}").strip()
        for process in fiducial(k).processes if selecting else processes_of(k):
            i = process.process_id
            value[i] = value.get(i, 0.0) + share * process.cross_section
            own = errors.setdefault(i, {})
            own[origin] = own.get(origin, 0.0) + share * process.error
    variance = {i: sum(e**2 for e in own.values()) for i, own in errors.items()}
    largest = max(k.kept.largest * scale for k, scale in zip(known, scales, strict=True))
    processes = tuple(
        ProcessInfo(i, value[i], math.sqrt(variance[i]), largest) for i in sorted(value)
    )
    weighting = info.weighting if by_trials else -4
    return replace(merged, weighting=weighting, processes=processes)
