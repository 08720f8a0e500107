"""Simulated pairs (u, x) at θ all over the grid: what proposals and estimators learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.inference.simulated import (
    joined_features,
    select_points,
    simulate_events,
)

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.inference.model import ParametricModel, TruthPoints
    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.progress import Progress

THETAS = 24
"""Parameter points events are simulated at."""
POINTS_A_PAIR = 4
"""Weighted points that a pair is drawn out of."""


@dataclass(frozen=True)
class Pairs:
    """Simulated events of many θ.

    Attributes:
        u: truth in the unit cube, `(n, d)`.
        reco: n events.
        theta: `(n, p)`.
    """

    u: Tensor
    reco: Features
    theta: Tensor


def _rows(theta: Tensor) -> Tensor:
    return torch.linspace(0, len(theta) - 1, min(THETAS, len(theta)), device="cpu").round().long()


def simulate_pairs(
    model: ParametricModel,
    transfer: TransferFunction,
    theta: Tensor,
    n: int,
    rng: torch.Generator,
    progress: Progress,
) -> Pairs:
    """Independent events evenly from the given parameter points `(t, p)`, at most `THETAS`."""
    rows = _rows(theta)
    each = -(-n // len(rows))
    us, recos, thetas = [], [], []
    for done, row in enumerate(rows):
        found = simulate_events(model, transfer, theta[row], each, rng)
        us.append(found.points.u)
        recos.append(found.reco)
        thetas.append(theta[row].expand(each, -1))
        progress.update("simulate", done + 1, len(rows))
    return Pairs(torch.cat(us), joined_features(recos), torch.cat(thetas))


@torch.no_grad()
def resampled_pairs(
    model: ParametricModel,
    transfer: TransferFunction,
    theta: Tensor,
    n: int,
    rng: torch.Generator,
    progress: Progress,
) -> Pairs:
    """The same out of far fewer points: z drawn by weight from a pool, x of each draw anew.

    A z of a large weight comes several times, each with an x of its own, which does no harm to who
    learns p(z|x), but would to who takes events for independent. Arguments are those of
    `simulate_pairs`.

    Raises:
        NumericalError: if nothing is accepted.
    """
    rows = _rows(theta)
    each = -(-n // len(rows))
    us, recos, thetas = [], [], []
    for done, row in enumerate(rows):
        picked = points_by_weight(model, theta[row], each, rng, transfer)
        us.append(picked.u)
        recos.append(transfer.sample(picked.features, 1, rng))
        thetas.append(theta[row].expand(each, -1))
        progress.update("simulate", done + 1, len(rows))
    return Pairs(torch.cat(us), joined_features(recos), torch.cat(thetas))


@torch.no_grad()
def points_by_weight(
    model: ParametricModel,
    theta: Tensor,
    n: int,
    rng: torch.Generator,
    transfer: TransferFunction | None = None,
) -> TruthPoints:
    """Points drawn by weight from a pool of weighted ones; one of a large weight comes several times.

    Args:
        model: whose points.
        theta: one parameter point, `(p,)`.
        n: how many.
        rng: of everything.
        transfer: its acceptance counts in the weight; None for points before any detector.

    Raises:
        NumericalError: if all weights are 0.
    """
    points, weight = model.sample(POINTS_A_PAIR * n, theta, rng)
    weight = torch.where(points.inside, weight, 0.0)
    if transfer is not None:
        accepted = torch.exp(transfer.log_acceptance(points.features))
        weight = torch.where(points.inside, weight * accepted, 0.0)
    if not float(weight.sum()) > 0:
        why = "is inside of the process" if transfer is None else "is accepted"
        message = (
            f"{model.name}: none of {len(points)} points at θ = {theta.tolist()} {why}; the "
            "density or the acceptance is zero, or next to it"
        )
        raise NumericalError(message)
    # one random number for all: each point comes as often as it should, up to one
    start = torch.rand(1, generator=rng, dtype=torch.float64, device="cpu")
    steps = (torch.arange(n, dtype=torch.float64, device="cpu") + start) / n
    summed = torch.cumsum(weight, dim=0)
    chosen = torch.searchsorted(summed / summed[-1], steps.to(summed)).clamp(max=len(points) - 1)
    return select_points(points, chosen)
