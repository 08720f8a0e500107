"""Unweighter: keeps points with the probability that makes the rest equal in weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Pilot:
    """Weights of a pilot stage, from which maxima are chosen.

    Attributes:
        weight: full weights of all points, cut zeros included, `(n,)` in pb.
        channel: channel of each point, `(n,)` int64.
        n_channels: number of channels k.
        surrogate: the cheap estimate of each weight, `(n,)`, or None.
    """

    weight: Tensor
    channel: Tensor
    n_channels: int
    surrogate: Tensor | None = None


@dataclass(frozen=True)
class Kept:
    """Points that survived.

    Attributes:
        index: rows of the candidates, ascending, `(j,)` int64.
        factor: weight_out / weight_in of each, `(j,)`; positive.
    """

    index: Tensor
    factor: Tensor


class Candidates(Protocol):
    """Points to choose from; their exact weight may be expensive."""

    @property
    def channel(self) -> Tensor:
        """Channel of each candidate, `(n,)` int64."""
        ...

    def surrogate(self) -> Tensor:
        """A cheap estimate of every weight, `(n,)` in pb; the weight itself where it is known."""
        ...

    def weight(self, index: Tensor) -> Tensor:
        """Exact weights of the rows asked for, `(j,)` in pb; each row asked for is counted."""
        ...


class Unweighter(Protocol):
    """Fitted once to a pilot, then frozen.

    At a fixed fitted state every candidate with weight_in ≠ 0 satisfies
    E_uniform[kept · factor] = 1 exactly; weight 0 is never kept; the same factor applies to every
    weight the event carries. Weights above the maximum are kept with their excess.
    """

    n_uniform: int

    def fit(self, pilot: Pilot, rng: torch.Generator) -> tuple[str, ...]:
        """Chooses the maxima.

        Args:
            pilot: weights of a pilot stage.
            rng: for rules that resample.

        Returns:
            Sentences for the report.
        """
        ...

    def maxima(self) -> Tensor:
        """The largest |weight| of each channel that is no overweight, `(k,)` in pb."""
        ...

    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        """Chooses among candidates.

        Args:
            candidates: n points.
            uniform: random numbers in [0, 1), `(n, n_uniform)`.

        Returns:
            The kept rows with their factors.
        """
        ...
