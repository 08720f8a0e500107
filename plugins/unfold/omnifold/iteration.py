"""One iteration of OmniFold: from the data to simulated reco, and from there to truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.plugins.unfold.omnifold.history import Iteration, calibration

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.plugins.unfold.omnifold.preparation import Prepared
    from crosshook.plugins.unfold.omnifold.settings import Settings
    from crosshook.plugins.unfold.omnifold.steps import Steps


@dataclass(frozen=True)
class Ratios:
    """Unfolded over simulated weights, absolute.

    Attributes:
        truth: ν of every truth row, `(n,)`.
        members: the same by each member of the ensemble, `(e, n)`.
        fakes: of all fakes: their shape is the simulation's.
    """

    truth: Tensor
    members: Tensor
    fakes: float


def prior(prepared: Prepared) -> Ratios:
    """Before the first iteration: the simulation scaled to the data."""
    scale = float(prepared.data_weight.sum() / prepared.seen_weight.sum())
    flat = torch.full_like(prepared.truth_weight, scale)
    return Ratios(flat, flat[None], scale)


def iterate(
    number: int,
    before: Ratios,
    prepared: Prepared,
    steps: Steps,
    settings: Settings,
    rng: torch.Generator,
) -> tuple[Ratios, Iteration]:
    """One iteration.

    Args:
        number: from 1.
        before: ratios so far.
        prepared: the events.
        steps: learns.
        settings: of the component.
        rng: on the CPU.
    """
    matched = prepared.source >= 0
    rows = prepared.source[matched]
    ratio = torch.full_like(prepared.seen_weight, before.fakes)
    ratio[matched] = before.truth[rows]
    pushed = prepared.seen_weight * ratio
    m, l = len(pushed), len(prepared.data_weight)
    measured = torch.cat([torch.zeros_like(pushed), pushed.new_ones(l)])
    weight = torch.cat([pushed, prepared.data_weight])
    first = steps.classify(prepared.reco, measured, weight, rng)
    log_gain, limit = first.log_ratio[:m], math.log(settings.clip)
    clipped = (log_gain.abs() > limit) & (pushed > 0)
    log_gain = log_gain.clamp(-limit, limit)
    # The data's sum is kept, whatever the classifier says of it.
    total, found = prepared.data_weight.sum(), (pushed * log_gain.exp()).sum()
    log_gain = log_gain + (total / found).log()
    pulled = ratio * log_gain.exp()
    target, used = before.truth.clone(), prepared.truth_weight
    target[rows] = pulled[matched]
    if settings.missed == "expectation":
        reconstructed = torch.zeros_like(used)
        reconstructed[rows] = 1.0
        used = used * reconstructed
    # Targets near 1: the absolute scale is no task for a network.
    kept = (used * target).sum()
    second = steps.regress(prepared.truth, target * (used.sum() / kept), used, rng)

    def scaled(log_ratio: Tensor) -> Tensor:
        new = log_ratio.exp()
        return new * (kept / (used * new).sum())

    fake = ~matched & (pushed > 0)
    fakes = before.fakes
    if bool(fake.any()):
        fakes *= float((pushed * log_gain.exp())[fake].sum() / pushed[fake].sum())
    chi2, bins = calibration(
        first.members[0][first.unseen], measured[first.unseen], weight[first.unseen]
    )
    done = Iteration(
        number,
        first.loss,
        second.loss,
        first.held_out,
        second.held_out,
        int(clipped.sum()),
        float(pushed[clipped].sum() / pushed.sum()),
        chi2,
        bins,
        float(((pushed * log_gain.square()).sum() / pushed.sum()).sqrt()),
    )
    members = torch.stack([scaled(each) for each in second.members])
    return Ratios(scaled(second.log_ratio), members, fakes), done
