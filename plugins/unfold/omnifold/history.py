"""What is kept of every iteration, and what is said of it: clipped ratios, calibration."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.statistics import chi_squared_probability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

BINS = 10
"""Of the predicted ratio, in the calibration check."""
IMPROBABLE = 1e-4
"""A calibration worse than this is told."""


@dataclass(frozen=True)
class Iteration:
    """One iteration.

    Attributes:
        number: from 1.
        reco_loss: of the first step.
        truth_loss: of the second step.
        reco_held_out: of events the first step has not learned from; NaN without any.
        truth_held_out: the same of the second step.
        clipped: simulated reco events whose ratio was clipped.
        clipped_weight: their share of the weight.
        chi2: of data against reweighted simulation in bins of the ratio that the first member of the
            ensemble predicts, for events it has never learned from.
        bins: how many such bins; 0 if nothing was held out.
        step: root mean square of the first step's log-ratio.
    """

    number: int
    reco_loss: float
    truth_loss: float
    reco_held_out: float
    truth_held_out: float
    clipped: int
    clipped_weight: float
    chi2: float
    bins: int
    step: float

    def as_values(self) -> dict[str, object]:
        """The iteration as JSON has it: null for NaN."""
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def of_values(cls, values: dict[str, object]) -> Iteration:
        """Takes back what `as_values` gave."""
        return cls(**{k: math.nan if v is None else v for k, v in values.items()})  # type: ignore[arg-type]


def calibration(log_ratio: Tensor, measured: Tensor, weight: Tensor) -> tuple[float, int]:
    """Data against reweighted simulation in bins of the predicted ratio.

    Args:
        log_ratio: predicted for events the classifier has not learned from, `(n,)`.
        measured: 1 for data, `(n,)`.
        weight: `(n,)`.

    Returns:
        χ² with the variance of both sides, and the number of bins; the normalisation is free, which
        takes one of them.
    """
    data = measured > 0
    if int(data.sum()) < 2 * BINS or int((~data).sum()) < 2 * BINS:
        return math.nan, 0
    ordered = torch.sort(log_ratio).values
    cuts = ordered[torch.arange(1, BINS, device=ordered.device) * len(ordered) // BINS]
    place = torch.bucketize(log_ratio.contiguous(), torch.unique(cuts))
    bins = int(place.max()) + 1
    folded = weight * log_ratio.exp()
    scale = weight[data].sum() / folded[~data].sum()

    def filled(rows: Tensor, values: Tensor) -> Tensor:
        empty = torch.zeros(bins, dtype=values.dtype, device=values.device)
        return empty.index_add(0, place[rows], values[rows])

    difference = filled(data, weight) - scale * filled(~data, folded)
    variance = filled(data, weight.square()) + scale**2 * filled(~data, folded.square())
    full = variance > 0
    return float((difference[full].square() / variance[full]).sum()), int(full.sum()) - 1


def sentences(history: Sequence[Iteration], clip: float) -> tuple[str, ...]:
    """What the report says of the iterations."""
    if not history:
        return ()
    last, notes = history[-1], []
    worst = max(history, key=lambda each: each.clipped)
    if worst.clipped:
        notes.append(
            f"iteration {worst.number}: {worst.clipped} ratios with {worst.clipped_weight:.2%} of "
            f"the weight were clipped at {clip:g} or 1/{clip:g}; last iteration: {last.clipped}"
        )
    else:
        notes.append(f"no ratio reached the limit of {clip:g} or 1/{clip:g}")
    if last.bins > 0:
        probability = chi_squared_probability(last.chi2, last.bins)
        fault = "" if not probability < IMPROBABLE else ": the classifier is not calibrated"
        notes.append(
            f"data against reweighted simulation in bins of the last predicted ratio, for "
            f"events not learned from: χ²/dof = {last.chi2:.3g} / {last.bins}{fault}"
        )
    notes.append(f"the last iteration changed reco weights by {last.step:.2%} (rms of the log)")
    return tuple(notes)
