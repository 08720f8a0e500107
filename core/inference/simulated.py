"""Events of a model as a detector shows them: truth by hit or miss, then acceptance, then T(x|z)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.inference.model import TruthPoints

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.inference.model import ParametricModel
    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.transfer_function import TransferFunction

PILOT = 20_000
"""Points that tell the largest weight."""
MARGIN = 1.2
"""The largest weight is taken to be so many times the largest of the pilot."""
FEWEST = 1e-6
"""Accepted events a point below which nothing is taken to be accepted at all."""
BATCH = 20_000


@dataclass(frozen=True)
class SimulatedEvents:
    """Accepted events of one θ.

    Attributes:
        points: truth.
        reco: what the detector shows.
        tried: points that were drawn for them.
        overweight: share of the truth events whose weight was above the largest foreseen: they
            are one event all the same.
    """

    points: TruthPoints
    reco: Features
    tried: int
    overweight: float

    def __len__(self) -> int:
        return len(self.points)


def select_points(points: TruthPoints, rows: Tensor) -> TruthPoints:
    """Some rows of points."""
    return TruthPoints(
        points.u[rows],
        points.features.select(rows),
        points.inside[rows],
        {name: column[rows] for name, column in points.own.items()},
    )


def joined_points(several: list[TruthPoints]) -> TruthPoints:
    """Points of one model, one after the other."""
    first = several[0]
    return TruthPoints(
        torch.cat([p.u for p in several]),
        joined_features([p.features for p in several]),
        torch.cat([p.inside for p in several]),
        {name: torch.cat([p.own[name] for p in several]) for name in first.own},
    )


def joined_features(several: list[Features]) -> Features:
    """Features with the same columns, one after the other; sets are padded to the longest."""
    first = several[0]
    sets = {}
    for name in first.sets:
        longest = max(f.sets[name][1].shape[1] for f in several)
        values, masks = [], []
        for value, mask in (f.sets[name] for f in several):
            short = longest - mask.shape[1]
            values.append(torch.nn.functional.pad(value, (0, 0, 0, short)))
            masks.append(torch.nn.functional.pad(mask, (0, short)))
        sets[name] = (torch.cat(values), torch.cat(masks))
    return replace(first, dense=torch.cat([f.dense for f in several]), sets=sets)


@torch.no_grad()
def simulate_events(
    model: ParametricModel,
    transfer: TransferFunction,
    theta: Tensor,
    n: int,
    rng: torch.Generator,
) -> SimulatedEvents:
    """Draws n accepted events.

    Args:
        model: the process.
        transfer: the detector.
        theta: the parameter point, `(p,)`.
        n: accepted events.
        rng: of everything.

    Raises:
        NumericalError: if nothing, or next to nothing, is accepted.
    """
    _, weights = model.sample(PILOT, theta, rng)
    largest = MARGIN * float(weights.max())
    found: list[TruthPoints] = []
    shown: list[Features] = []
    have = tried = kept = over = 0
    while have < n or not found:
        points, weights = model.sample(BATCH, theta, rng)
        tried += BATCH
        keep = torch.rand(BATCH, generator=rng, dtype=torch.float64, device="cpu").to(weights)
        chosen = torch.nonzero((keep * largest < weights) & points.inside)[:, 0]
        points = select_points(points, chosen)
        kept, over = kept + len(chosen), over + int((weights > largest).sum())
        chance = torch.exp(transfer.log_acceptance(points.features))
        seen = torch.rand(len(chosen), generator=rng, dtype=torch.float64, device="cpu")
        points = select_points(points, torch.nonzero(seen.to(chance) < chance)[:, 0])
        if len(points):
            found.append(points)
            shown.append(transfer.sample(points.features, 1, rng))
            have += len(points)
        if have < FEWEST * tried + 1 and tried >= 50 * BATCH:
            where = ", ".join(
                f"{p.name} = {float(v):g}" for p, v in zip(model.parameters, theta, strict=True)
            )
            message = (
                f"{model.name} at {where}: {have} of {tried} points give an accepted event; "
                "the acceptance is zero, or next to it"
            )
            raise NumericalError(message)
    rows = slice(0, n)
    return SimulatedEvents(
        select_points(joined_points(found), torch.arange(n)),
        joined_features(shown).select(rows),
        tried,
        over / max(kept, 1),
    )
