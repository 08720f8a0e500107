"""Cross section of the events an operation leaves, and the weights that say so in its output.

A condition cuts phase space: σ of the events that fulfil it is the fiducial cross section,
σ_fid = Σ_kept w / N with the sum over those events and N counting all events that were looked at
(Σtrials instead of N where events count their trials). A range of events is a sample of the same
process, with the same σ. What is written follows the convention of the input:

`average`, `sum`: weights times N_kept/N, so that their mean is σ_fid; those of a file normalised by
    sum are multiplied by its number of events, and the output says -4.
`trials`: weights as they are; trials of events left out are counted with the next event.
`xsecup`: weights as they are, XSECUP of each process times its share of events.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from crosshook.core.cross_section import ProcessSums, announced
from crosshook.core.events.run_info import ProcessInfo

if TYPE_CHECKING:
    from crosshook.core.cross_section import WeightSums
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.selection import Selection
    from crosshook.core.survey import Survey

AGREEMENT: Final = 0.01
"""Relative difference from σ up to which the cross sections of the init block are kept."""

EPSILON: Final = 2.0**-52
"""Rounding of float64."""


@dataclass(frozen=True)
class Fiducial:
    """Cross section of what a selection leaves of a file.

    Attributes:
        value: σ in pb.
        error: its standard error in pb.
        processes: their cross sections add up to σ, their errors in quadrature to its error.
    """

    value: float
    error: float
    processes: tuple[ProcessInfo, ...]


@dataclass(frozen=True)
class Normalisation:
    """How the events that an operation leaves of one file are written.

    Attributes:
        scale: factor of all their weights.
        info: the run information to write.
        carry_trials: trials of events left out are counted with the next event.
    """

    scale: float
    info: RunInfo
    carry_trials: bool


def fiducial(found: Survey) -> Fiducial:
    """σ of the kept events by their weights, in the convention of any rule.

    Args:
        found: a file with events and a cross section.
    """
    taken, kept = found.taken, found.kept
    if found.sigma.rule == "trials":
        unit, points = 1.0, taken.points
    else:
        unit, points = found.to_mean, float(taken.events)
    value = unit * kept.weight / points if points else 0.0
    new = (kept.weight, kept.squares, kept.squares)
    error = error_of_share(found, new, unit, points)
    ids = {p.process_id for p in found.info.processes} | set(taken.processes)
    sums = {i: kept.processes.get(i, ProcessSums()).weight for i in sorted(ids)}
    return Fiducial(value, error, shared_out(value, error, sums))


def error_of_share(
    found: Survey, new: tuple[float, float, float], unit: float, points: float
) -> float:
    """Standard error of σ by other weights w' of the same events: 0 for those left out.

    Args:
        found: the file with the sums over its weights w.
        new: Σw', Σw'² and Σw w'.
        unit: what makes Σw'/points the new σ.
        points: N or Σtrials.
    """
    base, sigma = found.taken, found.sigma
    weight, squares, cross = new
    if points <= 1 or base.weight == 0:
        return sigma.error or 0.0
    spread = found.sums.mean_error * (found.sums.events if sigma.rule == "sum" else 1)
    if sigma.error is None or math.isclose(sigma.error, spread, rel_tol=1e-9):
        # σ itself comes from this sample: points without an event count as zeros.
        spread = max(squares / points - (weight / points) ** 2, 0.0)
        return unit * math.sqrt(spread / (points - 1))
    # σ is known independently; the share Σw'/Σw comes from the sample.
    share = weight / base.weight
    spread = max(squares - 2 * share * cross + base.squares * share**2, 0.0)
    noise = 64 * EPSILON * (squares + base.squares * share**2)
    own = (sigma.value or 0.0) * math.sqrt(spread) / base.weight if spread > noise else 0.0
    return math.hypot(share * (sigma.error or 0.0), own)


def shared_out(value: float, error: float, sums: dict[int, float]) -> tuple[ProcessInfo, ...]:
    """σ and its error over processes, in proportion to their sums of weights."""
    total, size = sum(sums.values()), sum(map(abs, sums.values()))
    return tuple(
        ProcessInfo(
            i,
            value * x / total if total else 0.0,
            error * math.sqrt(abs(x) / size) if size else 0.0,
            0.0,
        )
        for i, x in sums.items()
    )


def processes_of(found: Survey) -> tuple[ProcessInfo, ...]:
    """Processes of a whole file with cross sections that add up to its σ.

    The init block gives the shares where it is filled, else the events do.
    """
    sigma, error = found.sigma.value or 0.0, found.sigma.error or 0.0
    written = {p.process_id: p.cross_section for p in found.info.processes}
    total = sum(written.values())
    given = announced(found.info) is not None and found.sigma.rule != "trials"
    if not given or not math.isclose(total, sigma, rel_tol=AGREEMENT):
        written = {i: s.weight for i, s in found.sums.processes.items()}
    return shared_out(sigma, error, written)


def normalise(found: Survey, selection: Selection) -> Normalisation:
    """How to write what a selection leaves of one file.

    Args:
        found: the file.
        selection: the range and the condition it was surveyed with.
    """
    rule, info = found.sigma.rule, found.info
    carry = rule == "trials"
    if not found.sums.events:
        return Normalisation(1.0, info, carry_trials=False)
    scale = found.to_mean if rule == "sum" else 1.0
    info = info if rule != "sum" else replace(info, weighting=-4)
    if selection.where is None:
        return Normalisation(scale, _filled(found, info, scale), carry)
    if rule == "xsecup":
        return Normalisation(1.0, replace(info, processes=_by_share(found)), carry_trials=False)
    if not carry:
        scale *= found.kept.events / found.taken.events if found.taken.events else 1.0
    processes = tuple(
        replace(p, maximum=found.kept.largest * scale) for p in fiducial(found).processes
    )
    return Normalisation(scale, replace(info, processes=processes), carry)


def _filled(found: Survey, info: RunInfo, scale: float) -> RunInfo:
    """The init block of a range of events: as it was, unless it does not tell σ."""
    known, sigma = announced(info), found.sigma.value
    if known is not None and math.isclose(known[0], sigma or 0.0, rel_tol=AGREEMENT):
        if scale == 1.0:
            return info
        own = tuple(replace(p, maximum=found.sums.largest * scale) for p in info.processes)
        return replace(info, processes=own)
    if known is not None and found.sigma.rule == "xsecup":
        return info  # -3 with negative weights: XSECUP is for |w|
    largest = found.sums.largest * scale
    return replace(info, processes=tuple(replace(p, maximum=largest) for p in processes_of(found)))


def _by_share(found: Survey) -> tuple[ProcessInfo, ...]:
    """Processes whose XSECUP rules, each times the share of its events that was kept."""
    counting = abs(found.info.weighting) != 2
    processes = []
    for p in found.info.processes:
        share, own = _share(found.taken, found.kept, p.process_id, counting)
        error = math.hypot(p.error * share, p.cross_section * own) if p.error >= 0 else p.error
        processes.append(replace(p, cross_section=p.cross_section * share, error=error))
    return tuple(processes)


def _share(
    taken: WeightSums, kept: WeightSums, process_id: int, counting: bool
) -> tuple[float, float]:
    """Share of a process that was kept, with its standard error.

    Args:
        taken: all events.
        kept: those kept.
        process_id: of the process.
        counting: by numbers of events, else by their weights.
    """
    of = taken.processes.get(process_id)
    left = kept.processes.get(process_id, ProcessSums())
    if of is None:  # no event of it: what is known of the others is the best guess
        of, left = _all(taken), _all(kept)
    if counting:
        share = left.events / of.events if of.events else 0.0
        return share, math.sqrt(share * (1 - share) / of.events) if of.events else 0.0
    share = left.weight / of.weight if of.weight else 0.0
    spread = left.squares * (1 - share) ** 2 + (of.squares - left.squares) * share**2
    return share, math.sqrt(max(spread, 0.0)) / abs(of.weight) if of.weight else 0.0


def _all(sums: WeightSums) -> ProcessSums:
    return ProcessSums(sums.events, sums.negative, sums.weight, sums.squares, sums.absolute)
