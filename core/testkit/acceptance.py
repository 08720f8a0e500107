"""E[kept · factor] of an unweighter: exactly, by scanning its uniform number, or by repetition; and
how often it asks for an exact weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.unweighter import Unweighter

GRID = 256
BISECTIONS = 60


class KnownCandidates:
    """Points whose weights are known, with a surrogate that may be inexact."""

    def __init__(self, channel: Tensor, weight: Tensor, surrogate: Tensor | None = None) -> None:
        """Takes the columns, `(n,)` each; without a surrogate the weight is its own."""
        self._channel = channel
        self._weight = weight
        self._surrogate = weight if surrogate is None else surrogate
        self.asked = 0
        self.known = torch.zeros_like(channel, dtype=torch.bool)

    @property
    def channel(self) -> Tensor:
        """Channel of each candidate."""
        return self._channel

    def surrogate(self) -> Tensor:
        """The estimate of every weight."""
        return self._surrogate

    def weight(self, index: Tensor) -> Tensor:
        """Exact weights of some rows, counted."""
        self.asked += int(index.numel())
        self.known[index] = True
        return self._weight[index]


@dataclass(frozen=True)
class WeightClasses:
    """Candidates to be tried with many uniform numbers.

    Attributes:
        channel: `(m,)` int64.
        weight: `(m,)`.
        surrogate: `(m,)`; the weights themselves where it is exact.
    """

    channel: Tensor
    weight: Tensor
    surrogate: Tensor

    def repeated(self, times: int) -> WeightClasses:
        """Every class so many times, the copies of a class together."""
        return WeightClasses(
            self.channel.repeat_interleave(times),
            self.weight.repeat_interleave(times),
            self.surrogate.repeat_interleave(times),
        )

    def chosen(self, rows: Tensor) -> WeightClasses:
        """Some of the classes."""
        return WeightClasses(self.channel[rows], self.weight[rows], self.surrogate[rows])


def kept_factor(unweighter: Unweighter, classes: WeightClasses, uniform: Tensor) -> Tensor:
    """kept · factor of every candidate, `(n,)`: 0 where it is dropped.

    Args:
        unweighter: fitted.
        classes: n candidates.
        uniform: `(n, n_uniform)`.
    """
    candidates = KnownCandidates(
        classes.channel.clone(), classes.weight.clone(), classes.surrogate.clone()
    )
    kept = unweighter.unweight(candidates, uniform)
    out = torch.zeros_like(classes.weight)
    return out.index_put((kept.index,), kept.factor.to(out))


def expectation_by_scan(unweighter: Unweighter, classes: WeightClasses) -> tuple[Tensor, Tensor]:
    """∫₀¹ kept(v) · factor(v) dv of every class, exact where it is piecewise constant in v.

    Each switch between two values is bisected to the last bit.

    Args:
        unweighter: fitted, with n_uniform = 1.
        classes: m candidates.

    Returns:
        The integrals `(m,)`, and whether the function was piecewise constant, `(m,)` bool.
    """
    m = len(classes.weight)
    device = classes.weight.device
    v = torch.linspace(0.0, 1.0, GRID + 1, dtype=torch.float64, device=device)
    v[-1] = 1.0 - 2.0**-53
    tried = kept_factor(unweighter, classes.repeated(GRID + 1), v.repeat(m)[:, None])
    table = tried.reshape(m, GRID + 1)
    width = v[1:] - v[:-1]
    steady = table[:, 1:] == table[:, :-1]
    total = (torch.where(steady, table[:, 1:], torch.zeros_like(steady.double())) * width).sum(1)
    regular = torch.ones(m, dtype=torch.bool, device=device)
    rows, cells = torch.nonzero(~steady, as_tuple=True)
    if not len(rows):
        return total, regular
    low, high = v[cells].clone(), v[cells + 1].clone()
    below, above = table[rows, cells], table[rows, cells + 1]
    switching = classes.chosen(rows)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        found = kept_factor(unweighter, switching, middle[:, None])
        regular[rows[(found != below) & (found != above)]] = False
        low = torch.where(found == below, middle, low)
        high = torch.where(found == below, high, middle)
    area = below * (high - v[cells]) + above * (v[cells + 1] - high)
    return total.index_add(0, rows, area), regular


def expectation_by_repetition(
    unweighter: Unweighter, classes: WeightClasses, times: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mean of kept · factor over random numbers, and its standard error, `(m,)` each."""
    many = classes.repeated(times)
    shape = (len(many.weight), unweighter.n_uniform)
    uniform = torch.rand(shape, generator=rng, dtype=torch.float64, device="cpu")
    tried = kept_factor(unweighter, many, uniform.to(many.weight.device))
    table = tried.reshape(-1, times)
    return table.mean(dim=1), table.std(dim=1) / times**0.5


def asking_by_repetition(
    unweighter: Unweighter, classes: WeightClasses, times: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """How often the exact weight of a class was asked for, and `Kept.chance`, `(m, times)` each."""
    many = classes.repeated(times)
    shape = (len(many.weight), unweighter.n_uniform)
    uniform = torch.rand(shape, generator=rng, dtype=torch.float64, device="cpu")
    candidates = KnownCandidates(many.channel, many.weight, many.surrogate)
    kept = unweighter.unweight(candidates, uniform.to(many.weight.device))
    known = candidates.known.to(many.weight)
    chance = torch.ones_like(known) if kept.chance is None else kept.chance.to(known)
    return known.reshape(-1, times), chance.reshape(-1, times)
