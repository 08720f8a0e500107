"""Acceptance: the chance that the detector keeps an event, by a classifier that is calibrated.

The network learns log-odds by cross entropy, which is lowest for the true chances; its output is
then shifted and stretched until it is right on the rows held out (Platt).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from crosshook.core.learning.dense import Dense
from crosshook.plugins.transfer.learning import BLOCK, train

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.learning.descent import Lesson
    from crosshook.core.progress import Progress
    from crosshook.plugins.transfer.learning import Learnt

NEWTON_STEPS = 25
LARGEST = 50.0
"""Of log-odds: a chance of 2e-22 is none."""


@dataclass(frozen=True)
class Acceptance:
    """ε(z) = 1/(1 + exp(−(a + b·network))).

    Attributes:
        network: of the log-odds.
        shift: a, `()` float64.
        stretch: b, `()` float64.
    """

    network: Dense
    shift: Tensor
    stretch: Tensor

    def log(self, seen: Tensor) -> Tensor:
        """log ε for what networks see of truth, `(n,)` float64."""
        odds = self.network(seen.to(self.network.matrices[0].dtype))[:, 0].double()
        return functional.logsigmoid((self.shift + self.stretch * odds).clamp(-LARGEST, LARGEST))

    def state(self) -> dict[str, Tensor]:
        """All tensors."""
        own = {"acceptance.shift": self.shift, "acceptance.stretch": self.stretch}
        return own | self.network.state("acceptance")

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor]) -> Acceptance:
        """Takes back what `state` gave."""
        return cls(
            Dense.from_state(tensors, "acceptance"),
            tensors["acceptance.shift"],
            tensors["acceptance.stretch"],
        )


def learn_acceptance(
    network: Dense,
    seen: Tensor,
    accepted: Tensor,
    weight: Tensor,
    held_out: float,
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
) -> tuple[Acceptance, Learnt]:
    """Trains a network and calibrates it.

    Args:
        network: with one output; trained in place.
        seen: what it sees of truth, `(n, e)`, in random order.
        accepted: `(n,)` bool; both kinds must be there.
        weight: `(n,)`.
        held_out: share of the rows that judge the training and calibrate.
        lesson: how.
        rng: on the CPU.
        progress: told how far it is.
    """
    target = accepted.to(seen.dtype)
    # The logarithm of the share of accepted events is where to start from.
    share = float((weight * accepted).sum() / weight.sum())
    odds = torch.logit(torch.tensor(share, device="cpu").clamp(1e-6, 1 - 1e-6))
    network.offsets[-1].copy_(odds)

    def loss(rows: Tensor) -> Tensor:
        found = network(seen[rows])[:, 0]
        return functional.binary_cross_entropy_with_logits(found, target[rows], reduction="none")

    learnt = train(
        network.parameters(), loss, weight.to(seen.dtype), held_out, lesson, rng, progress
    )
    held = max(1, round(held_out * len(seen)))
    with torch.no_grad():
        found = torch.cat([network(part)[:, 0] for part in torch.split(seen[:held], BLOCK)])
    shift, stretch = _calibrated(found.double(), accepted[:held].double(), weight[:held])
    return Acceptance(network, shift, stretch), learnt


def _calibrated(odds: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The shift and stretch of log-odds that have the least cross entropy, by Newton's method.

    A unit of prior information holds them at 0 and 1 where the rows say nothing.
    """
    design = torch.stack([torch.ones_like(odds), odds], dim=1)
    unit = weight / weight.mean()
    start = odds.new_tensor([0.0, 1.0])
    values = start.clone()
    for _ in range(NEWTON_STEPS):
        chance = torch.sigmoid(design @ values)
        slope = design.T @ (unit * (target - chance)) - (values - start)
        curvature = (design.T * (unit * chance * (1 - chance))) @ design
        step = torch.linalg.solve(
            curvature + torch.eye(2, dtype=odds.dtype, device=odds.device), slope
        )
        values = values + step.clamp(-1.0, 1.0)
    return values[0], values[1]
