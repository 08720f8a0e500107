"""Training of one network, which stops where held-out events are predicted worse and worse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.descent import Descent, Lesson

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.progress import Progress
    from crosshook.plugins.unfold.omnifold.network import RatioNetwork

NOISE = 0.15
"""Losses of n held-out events differ by this over √n: 3 σ where log-ratios change by 5 %."""


def usual_lesson(epochs: float, batch: int, rate: float, stage: str) -> Lesson:
    """How a ratio is trained."""
    return Lesson(epochs, batch, rate, stage, looks=8)


@dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes:
        network: with averaged parameters: the last, or the best if the last are worse beyond noise.
        loss: mean over the last stretch of steps.
        held_out: its loss on held-out events; NaN if there are none.
    """

    network: RatioNetwork
    loss: float
    held_out: float


@dataclass
class _Judge:
    """Looks at held-out events after each stretch of a training, and remembers the best one.

    Attributes:
        of: loss of the held-out events with the averages as they are.
        n: how many they are.
        patience: looks without a better one after which the training stops.
        best: loss of the best averages so far.
        kept: these averages.
        failures: looks in a row that were worse than the best beyond noise.
        found: the last loss.
    """

    of: Callable[[Descent], float]
    n: int
    patience: int
    best: float = math.inf
    kept: list[Tensor] | None = None
    failures: int = 0
    found: float = math.nan

    def __call__(self, descent: Descent) -> bool:
        """Whether to stop."""
        if not self.n:
            return False
        self.found = self.of(descent)
        if self.found < self.best:
            self.best, self.kept = self.found, descent.averages()
        worse = self.found > self.best + NOISE / math.sqrt(self.n)
        self.failures = self.failures + 1 if worse else 0
        return self.failures >= self.patience


def descend(
    network: RatioNetwork,
    loss: Callable[[RatioNetwork, Tensor], Tensor],
    training: Tensor,
    held_out: Tensor,
    lesson: Lesson,
    patience: int,
    rng: torch.Generator,
    progress: Progress,
) -> Trained:
    """Trains a copy.

    Args:
        network: to start from.
        loss: of a network and the numbers of some events.
        training: numbers of the events to learn from, `(n,)` int64.
        held_out: numbers of those to judge by; none if empty.
        lesson: how.
        patience: looks without a better one after which the training stops.
        rng: on the CPU; for the order of events.
        progress: told how far it is.
    """
    network, judged = network.copy(), network.copy()

    def order(_: Descent) -> Tensor:
        chosen = torch.randperm(len(training), generator=rng, device="cpu")
        return training[chosen.to(training.device)]

    @torch.no_grad()
    def of(descent: Descent) -> float:
        for parameter, averaged in zip(judged.parameters(), descent.mean, strict=True):
            parameter.copy_(averaged)
        return float(loss(judged, held_out))

    judge = _Judge(of, len(held_out), patience)
    descent = Descent(network.parameters(), len(training), lesson, rng, order)
    descent.run(lambda rows: loss(network, rows), progress, look=judge)
    last, found = descent.losses[-1], judge.found
    if judge.kept is not None and (judge.failures or not math.isfinite(found)):
        for parameter, best in zip(network.parameters(), judge.kept, strict=True):
            parameter.copy_(best)
        found = judge.best
    return Trained(network, last, found)
