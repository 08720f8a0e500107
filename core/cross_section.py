"""The cross section a file of events stands for, by the convention the file follows.

Files disagree about what their weights mean (IDWTUP of hep-ph/0109068, and habits beside it).
`cross_section` names the rule it used and why:

`trials`: σ = Σw / Σtrials. Sherpa gives each event the number of points tried for it.
`average`: σ is the mean weight. IDWTUP ±1 and ±4.
`sum`: σ is the sum of the weights, where that and not the mean agrees with XSECUP.
`xsecup`: σ is what the init block says. IDWTUP ±2 and ±3; for -3 times (N₊ - N₋)/N, because XSECUP
    is the cross section of |w| there (as Pythia 8 reads it).
`unknown`: neither events nor init block tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray, IntArray
    from crosshook.core.events.run_info import ProcessInfo, RunInfo

CrossSectionRule = Literal["trials", "average", "sum", "xsecup", "unknown"]
AGREEMENT: Final = 0.01
"""Relative difference, beyond 5 standard errors, at which mean and XSECUP count as different."""
SAME: Final = 1e-4
"""Relative difference up to which weights count as normalised to XSECUP: its printed digits."""
PLACEHOLDER_ERROR: Final = 1e3
"""XERRUP/XSECUP above which the pair is no measurement (JHUGen writes 1e14)."""


@dataclass
class ProcessSums:
    """Sums over the events of one process.

    Attributes:
        events: number of events.
        negative: how many have a negative weight.
        weight: Σw.
        squares: Σw².
        absolute: Σ|w|.
    """

    events: int = 0
    negative: int = 0
    weight: float = 0.0
    squares: float = 0.0
    absolute: float = 0.0


@dataclass
class WeightSums:
    """Sums over the events of a file, taken in batch by batch.

    Attributes:
        events: number of events n.
        negative: events with w < 0.
        zero: events with w = 0.
        weight: Σw.
        squares: Σw².
        absolute: Σ|w|.
        largest: max|w|.
        smallest: min|w|, infinity without events.
        trials: Σtrials, or None if the file gives none.
        processes: sums by process id.
    """

    events: int = 0
    negative: int = 0
    zero: int = 0
    weight: float = 0.0
    squares: float = 0.0
    absolute: float = 0.0
    largest: float = 0.0
    smallest: float = math.inf
    trials: float | None = None
    processes: dict[int, ProcessSums] = field(default_factory=dict)

    def add(self, batch: EventBatch) -> None:
        """Takes in the events of a batch."""
        trials = float(batch.event["trials"].sum()) if "trials" in batch.event else None
        self.add_weights(
            np.asarray(batch.event["weight"], np.float64),
            np.asarray(batch.event["process_id"]),
            trials,
        )

    def add_weights(self, w: FloatArray, process_id: IntArray, trials: float | None) -> None:
        """Takes in events of which this is known.

        Args:
            w: their weights, `(n,)`.
            process_id: of each, `(n,)`.
            trials: Σtrials, or None if they give none.
        """
        if len(w) == 0:
            return
        size = np.abs(w)
        self.events += len(w)
        self.negative += int(np.count_nonzero(w < 0))
        self.zero += int(np.count_nonzero(w == 0))
        self.weight += float(w.sum())
        self.squares += float((w * w).sum())
        self.absolute += float(size.sum())
        self.largest = max(self.largest, float(size.max()))
        self.smallest = min(self.smallest, float(size.min()))
        if trials is not None:
            self.trials = (self.trials or 0.0) + trials
        for number in np.unique(process_id).tolist():
            chosen = w[process_id == number]
            sums = self.processes.setdefault(number, ProcessSums())
            sums.events += len(chosen)
            sums.negative += int(np.count_nonzero(chosen < 0))
            sums.weight += float(chosen.sum())
            sums.squares += float((chosen * chosen).sum())
            sums.absolute += float(np.abs(chosen).sum())

    @property
    def points(self) -> float:
        """Points the events stand for: Σtrials, or n."""
        return self.trials if self.trials else float(self.events)

    @property
    def mean(self) -> float:
        """Σw over the points; 0 without events."""
        return self.weight / self.points if self.points else 0.0

    @property
    def mean_error(self) -> float:
        """Standard error of `mean`, points without an event counting as zeros."""
        n = self.points
        if n <= 1:
            return 0.0
        spread = self.squares / n - self.mean**2
        # Equal weights leave rounding noise of either sign.
        noise = 8 * np.finfo(np.float64).eps * self.squares / n
        return math.sqrt(spread / (n - 1)) if spread > noise else 0.0

    @property
    def kish(self) -> float | None:
        """(Σw)²/(n Σw²) over the events, or None without weights."""
        return self.weight**2 / (self.events * self.squares) if self.squares else None

    @property
    def negative_fraction(self) -> float:
        """Share of events with a negative weight."""
        return self.negative / self.events if self.events else 0.0


@dataclass(frozen=True)
class CrossSection:
    """A file's cross section.

    Attributes:
        value: σ in pb, or None if unknown.
        error: its standard error in pb, or None if unknown.
        rule: how it was found; see the module.
        reason: why that rule, in words.
    """

    value: float | None
    error: float | None
    rule: CrossSectionRule
    reason: str


def cross_section(info: RunInfo, sums: WeightSums) -> CrossSection:
    """The cross section of a file.

    Args:
        info: what the file says about its run.
        sums: over all its events.

    Returns:
        σ with its error, the rule and the reason.
    """
    given = announced(info)
    kind = abs(info.weighting)
    if sums.events == 0:
        if given is None:
            return CrossSection(None, None, "unknown", "no events, and XSECUP is not set")
        return CrossSection(*given, "xsecup", "no events; XSECUP is all there is")
    if sums.trials:
        reason = "every event says how many trials it took"
        return CrossSection(sums.mean, sums.mean_error, "trials", reason)
    if given is None:
        return CrossSection(
            sums.mean,
            sums.mean_error or None,
            "average",
            f"XSECUP is not set, so the mean weight is taken although IDWTUP is {info.weighting}"
            if kind not in (1, 4)
            else f"IDWTUP is {info.weighting}; XSECUP is not set",
        )
    if kind not in (1, 4):
        return _from_init(info, sums)
    return _from_weights(info, sums, *given)


def _from_weights(
    info: RunInfo, sums: WeightSums, sigma: float, error: float | None
) -> CrossSection:
    """IDWTUP ±1 and ±4: the mean is meant, some files are normalised by sum or not at all."""
    slack = 5 * math.hypot(sums.mean_error, error or 0.0) + AGREEMENT * abs(sigma)
    n = sums.events
    if abs(sums.mean - sigma) <= slack:
        normalised = abs(sums.mean - sigma) <= SAME * abs(sigma) or sums.mean_error == 0
        return CrossSection(
            sums.mean,
            error if normalised else sums.mean_error,
            "average",
            f"IDWTUP is {info.weighting} and the mean weight agrees with XSECUP"
            + (", whose error is given" if normalised else ""),
        )
    slack = 5 * math.hypot(n * sums.mean_error, error or 0.0) + AGREEMENT * abs(sigma)
    if abs(sums.weight - sigma) <= slack:
        spread = n * sums.mean_error
        return CrossSection(
            sums.weight,
            spread or error,
            "sum",
            f"IDWTUP is {info.weighting}, but the sum of weights, not their mean, agrees with "
            f"XSECUP ({sums.weight:.6g}, {sums.mean:.6g}, {sigma:.6g} pb)",
        )
    if sums.largest == sums.smallest == 1.0:
        value, spread_, _ = _signed(info, sums)
        return CrossSection(
            value, spread_, "xsecup", f"weights are 1 although IDWTUP is {info.weighting}"
        )
    return CrossSection(
        sums.mean,
        sums.mean_error or error,
        "average",
        f"IDWTUP is {info.weighting}; neither mean nor sum of the weights agrees with XSECUP "
        f"({sums.mean:.6g}, {sums.weight:.6g}, {sigma:.6g} pb)",
    )


def _from_init(info: RunInfo, sums: WeightSums) -> CrossSection:
    """IDWTUP ±2 and ±3: the init block knows."""
    if info.weighting == -3 and sums.negative:
        value, error, asymmetry = _signed(info, sums)
        reason = f"IDWTUP is -3: XSECUP times (N+ - N-)/N = {asymmetry:.4f}"
        return CrossSection(value, error, "xsecup", reason)
    sigma, error_ = _total(info.processes)
    return CrossSection(sigma, error_, "xsecup", f"IDWTUP is {info.weighting}")


def _signed(info: RunInfo, sums: WeightSums) -> tuple[float, float | None, float]:
    """σ of unit-weight events with signs, its error, and (N₊ - N₋)/N over all processes."""
    value = variance = 0.0
    for process in info.processes:
        counted = sums.processes.get(process.process_id, ProcessSums())
        n = counted.events
        asymmetry = 1.0 - 2.0 * counted.negative / n if n else 0.0
        value += process.cross_section * asymmetry
        variance += (process.error * asymmetry) ** 2
        if n:
            variance += process.cross_section**2 * (1.0 - asymmetry**2) / n
    overall = 1.0 - 2.0 * sums.negative / sums.events
    return value, math.sqrt(variance), overall


def announced(info: RunInfo) -> tuple[float, float | None] | None:
    """ΣXSECUP with its error, or None where it is missing or a placeholder.

    A process of cross section 0 beside others is one of which no event passed a selection.
    """
    filled = [p for p in info.processes if p.cross_section != 0.0]
    if not filled or any(_placeholder(p) for p in filled):
        return None
    return _total(info.processes)


def _total(processes: tuple[ProcessInfo, ...]) -> tuple[float, float | None]:
    errors = [p.error for p in processes]
    error = math.hypot(*errors) if all(0 <= e < math.inf for e in errors) else None
    return sum(p.cross_section for p in processes), error


def _placeholder(process: ProcessInfo) -> bool:
    """Whether XSECUP was never filled: NaN, 0, -1 (POWHEG), 1 ± 1 (Sherpa), 1 ± 1e14 (JHUGen)."""
    sigma, error = process.cross_section, process.error
    if not math.isfinite(sigma) or sigma in (0.0, -1.0) or (sigma < 0 and error <= 0):
        return True
    return error > PLACEHOLDER_ERROR * abs(sigma) or sigma == error == process.maximum == 1.0
