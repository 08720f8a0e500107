"""A transfer function judged on events it has not been trained on.

Ranks (simulation-based calibration, 1804.06788): a reconstructed value among draws from T(·|z) of
its own event is uniform if T is right; so is the rank of T itself, which sees correlations between
columns.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.transfer.paired import PairedEvents

DRAWS = 31
"""Draws a rank is among; DRAWS + 1 ranks go evenly into the bins."""
BINS = 16
MOST_EVENTS = 20_000
ACCEPTANCE_BINS = 10
FEWEST = 20
"""Accepted events that can be judged."""
UNLIKELY = 1e-4
"""Rank histograms less likely than this are pointed out."""


@dataclass(frozen=True)
class RankHistogram:
    """Ranks of one quantity.

    Attributes:
        name: of the column; `T` for the density itself, `number of SET` for multiplicities.
        counts: sums of weights in bins of the rank, scaled to the effective number of events.
        chi2: of the counts against uniform.
        p_value: chance of a larger one if ranks are uniform.
    """

    name: str
    counts: tuple[float, ...]
    chi2: float
    p_value: float


@dataclass(frozen=True)
class AcceptanceBin:
    """Events of similar predicted acceptance.

    Attributes:
        predicted: mean prediction.
        found: share that was accepted.
        error: standard error of it.
    """

    predicted: float
    found: float
    error: float


@dataclass(frozen=True)
class TransferEvaluation:
    """How good a transfer function is.

    Attributes:
        events: judged, lost ones included.
        accepted: of these.
        log_prob: mean of log T over accepted events.
        log_prob_error: its standard error.
        ranks: of every column, multiplicity and T.
        acceptance: from the smallest prediction to the largest; empty if no event was lost.
        acceptance_chi2: of the shares against the predictions.
        acceptance_p_value: chance of a larger one if the predictions are right.
        microseconds: processor time of a log T.
        draw_microseconds: of a draw.
    """

    events: int
    accepted: int
    log_prob: float
    log_prob_error: float
    ranks: tuple[RankHistogram, ...]
    acceptance: tuple[AcceptanceBin, ...]
    acceptance_chi2: float
    acceptance_p_value: float
    microseconds: float
    draw_microseconds: float


def evaluate_transfer(
    function: TransferFunction, events: PairedEvents, rng: torch.Generator
) -> TransferEvaluation:
    """Judges a transfer function.

    Args:
        function: trained.
        events: not seen by the training.
        rng: for draws and ties.

    Raises:
        InputError: if there are too few accepted events.
    """
    if int(events.accepted.sum()) < FEWEST:
        message = f"{int(events.accepted.sum())} accepted events to judge by; {FEWEST} are needed"
        raise InputError(message)
    with torch.no_grad():
        kept = events.select(events.accepted).select(slice(0, MOST_EVENTS))
        start = time.process_time()
        log_prob = function.log_prob(kept.reco, kept.truth)
        per_density = (time.process_time() - start) / len(kept)
        start = time.process_time()
        drawn = function.sample(kept.truth, DRAWS, rng)
        if drawn.names != kept.reco.names:
            message = (
                f"the transfer function draws {', '.join(drawn.names) or 'no columns'}; events have "
                f"{', '.join(kept.reco.names) or 'none'}"
            )
            raise InputError(message)
        per_draw = (time.process_time() - start) / (len(kept) * DRAWS)
        of_draws = function.log_prob(drawn, kept.truth.repeated(DRAWS))
        ranks = [_ranked("T", log_prob, of_draws, kept.weight, rng)]
        for i, name in enumerate(kept.reco.names):
            ranks.append(_ranked(name, kept.reco.dense[:, i], drawn.dense[:, i], kept.weight, rng))
        ranks += [
            _ranked(
                f"number of {name}",
                _number(kept.reco, name),
                _number(drawn, name),
                kept.weight,
                rng,
            )
            for name in kept.reco.sets
        ]
        bins, chi2, p_value = _acceptance(function, events)
    share = kept.weight / kept.weight.sum()
    mean = float((share * log_prob).sum())
    error = float((share.square() * (log_prob - mean).square()).sum().sqrt())
    return TransferEvaluation(
        len(events),
        int(events.accepted.sum()),
        mean,
        error,
        tuple(ranks),
        bins,
        chi2,
        p_value,
        1e6 * per_density,
        1e6 * per_draw,
    )


def _number(features: Features, name: str) -> Tensor:
    return features.sets[name][1].sum(dim=1).double()


def _ranked(
    name: str, value: Tensor, drawn: Tensor, weight: Tensor, rng: torch.Generator
) -> RankHistogram:
    """Ranks of values `(n,)` among draws `(n · DRAWS,)`; ties are broken by lot."""
    among = drawn.reshape(len(value), DRAWS)
    below = (among < value[:, None]).sum(dim=1)
    ties = (among == value[:, None]).sum(dim=1)
    lot = torch.rand(len(value), generator=rng, dtype=torch.float64, device="cpu")
    rank = below + (lot.to(value.device) * (ties + 1)).long().clamp(max=DRAWS)
    filled = weight.new_zeros(BINS).index_add(0, rank * BINS // (DRAWS + 1), weight)
    effective = weight.sum().square() / weight.square().sum()
    counts = filled * effective / weight.sum()
    expected = effective / BINS
    chi2 = float((counts - expected).square().sum() / expected)
    return RankHistogram(name, tuple(counts.tolist()), chi2, chi2_above(chi2, BINS - 1))


def chi2_above(chi2: float, degrees: int) -> float:
    """The chance of a larger χ² with so many degrees of freedom."""
    half = torch.tensor([degrees / 2.0, chi2 / 2.0], dtype=torch.float64, device="cpu")
    return float(torch.special.gammaincc(half[0], half[1]))


def _acceptance(
    function: TransferFunction, events: PairedEvents
) -> tuple[tuple[AcceptanceBin, ...], float, float]:
    if bool(events.accepted.all()):
        return (), 0.0, 1.0
    chance = function.log_acceptance(events.truth).exp()
    order = torch.argsort(chance)
    bins, chi2 = [], 0.0
    for rows in torch.chunk(order, ACCEPTANCE_BINS):
        weight = events.weight[rows]
        share = weight / weight.sum()
        predicted = float((share * chance[rows]).sum())
        found = float((share * events.accepted[rows]).sum())
        variance = float((share.square() * chance[rows] * (1 - chance[rows])).sum())
        bins.append(AcceptanceBin(predicted, found, variance**0.5))
        chi2 += (found - predicted) ** 2 / max(variance, 1e-300)
    return tuple(bins), chi2, chi2_above(chi2, len(bins))


def evaluation_notes(found: TransferEvaluation) -> tuple[str, ...]:
    """What is not as chance would have it, a sentence each."""
    notes = [
        f"ranks of {ranks.name} are not uniform: χ² {ranks.chi2:.0f} in {len(ranks.counts)} bins"
        for ranks in found.ranks
        if ranks.p_value < UNLIKELY
    ]
    if found.acceptance_p_value < UNLIKELY:
        notes.append(
            f"the acceptance is off: χ² {found.acceptance_chi2:.0f} in "
            f"{len(found.acceptance)} bins of the prediction"
        )
    return tuple(notes)
