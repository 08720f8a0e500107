"""A small unfolding problem: a Gaussian truth seen through a smearing detector, with losses.

Truth z and reconstruction x have one dense column each; 15 % of the simulated events are missed
and 5 % are fakes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Measured, Simulation

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.unfolder import Unfolded

N_SIMULATED = 4000
N_MEASURED = 4000
SMEARING = 0.5
EDGES = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class Problem:
    """Everything `fit` takes, as plain columns.

    Attributes:
        truth: z of the simulation, `(n,)`.
        reco: x of the simulation, `(n,)`.
        weight: its weights, `(n,)`.
        has_truth: False for fakes.
        has_reco: False for missed events.
        data: x of the measured events, `(m,)`.
        data_weight: their weights, `(m,)`.
        background: x of simulated background, or None.
        background_weight: its weights.
    """

    truth: Tensor
    reco: Tensor
    weight: Tensor
    has_truth: Tensor
    has_reco: Tensor
    data: Tensor
    data_weight: Tensor
    background: Tensor | None = None
    background_weight: Tensor | None = None

    def first(self, n: int) -> Problem:
        """The first n of the simulated, the measured and the background events."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(self, **{k: v[:n] for k, v in columns.items() if v is not None})

    def simulation(self) -> Simulation:
        """The simulated events."""
        truth, reco = one_column(self.truth, "x0"), one_column(self.reco, "x0")
        return Simulation(truth, reco, self.weight, self.has_truth, self.has_reco)

    def measured(self) -> Measured:
        """The measured events."""
        return Measured(one_column(self.data, "x0"), self.data_weight)

    def subtracted(self) -> Measured | None:
        """The background, if there is one."""
        if self.background is None or self.background_weight is None:
            return None
        return Measured(one_column(self.background, "x0"), self.background_weight)


def one_column(values: Tensor, name: str) -> Features:
    """Features with one dense column."""
    return Features(values[:, None], (name,), ("",))


def normal(n: int, rng: torch.Generator) -> Tensor:
    """Standard normal numbers on the CPU, `(n,)`."""
    return torch.randn(n, generator=rng, dtype=torch.float64, device="cpu")


def make(rng: torch.Generator, device: str, smearing: float = SMEARING) -> Problem:
    """The problem with unit weights; data and simulation have the same truth, N(0, 1)."""
    truth = normal(N_SIMULATED, rng)
    reco = truth + smearing * normal(N_SIMULATED, rng)
    chance = torch.rand(N_SIMULATED, generator=rng, dtype=torch.float64, device="cpu")
    data = normal(N_MEASURED, rng) + smearing * normal(N_MEASURED, rng)
    columns = (
        truth,
        reco,
        torch.ones_like(truth),
        chance >= 0.05,
        chance <= 0.85,
        data,
        torch.ones_like(data),
    )
    return Problem(*(column.to(device) for column in columns))


def shape_of(result: Unfolded) -> Tensor:
    """Shares of the nominal weights in bins of truth, overflow bins included."""
    return shares(result.truth.dense[:, 0], result.families["nominal"].weights[:, 0])


def shares(values: Tensor, weights: Tensor) -> Tensor:
    """Shares of the weights in bins of the values, overflow bins included."""
    edges = torch.tensor(EDGES, dtype=values.dtype, device=values.device)
    filled = torch.zeros(len(EDGES) + 1, dtype=weights.dtype, device=weights.device)
    filled = filled.index_add(0, torch.bucketize(values.contiguous(), edges), weights)
    return filled / filled.sum()


def distance(a: Tensor, b: Tensor) -> float:
    """Total variation distance of two sets of shares, from 0 to 1."""
    return 0.5 * float((a - b).abs().sum())
