"""Sums over the points of a stage, channel by channel: what travels instead of events.

σ = Σ_c mean_c(v), var = Σ_c s_c²/n_c, with v the weights without share. Zeros count; NaN and
infinite weights are counted apart and stop a run when there are too many.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.sampling.sampler import Sample

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """An integral.

    Attributes:
        value: in pb.
        error: its standard error in pb.
    """

    value: float
    error: float


@dataclass(frozen=True)
class Sums:
    """Sums over points, `(k,)` each unless stated; k channels, p process ids.

    Attributes:
        points: all points, cut ones included.
        invalid: points with NaN or infinite weight; they enter no other sum.
        zeros: points with weight 0.
        negative: points with weight below 0.
        total: Σ v in pb.
        squares: Σ v² in pb².
        absolute: Σ |v| in pb.
        largest: max |v| in pb.
        parts: Σ v of each process id, `(k, p)` in pb.
        part_squares: Σ v² of each process id, `(k, p)` in pb².
    """

    points: Ints
    invalid: Ints
    zeros: Ints
    negative: Ints
    total: Floats
    squares: Floats
    absolute: Floats
    largest: Floats
    parts: Floats
    part_squares: Floats

    @classmethod
    def of(cls, channel: Tensor, weight: Tensor, k: int, parts: Tensor | None = None) -> Sums:
        """Sums of a block.

        Args:
            channel: `(n,)` int64.
            weight: v, `(n,)`.
            k: number of channels.
            parts: v of each process id, `(n, p)`, or None.
        """
        finite = torch.isfinite(weight)
        v = torch.where(finite, weight, torch.zeros_like(weight)).detach()
        size = v.abs()

        def count(mask: Tensor) -> Ints:
            return torch.bincount(channel[mask], minlength=k).cpu().numpy()

        def add(values: Tensor) -> Floats:
            zeros = torch.zeros((k, *values.shape[1:]), dtype=v.dtype, device=v.device)
            return zeros.index_add(0, channel, values).cpu().numpy()

        largest = torch.zeros(k, dtype=v.dtype, device=v.device)
        largest = largest.scatter_reduce(0, channel, size, "amax")
        shares = v[:, None] if parts is None else parts.detach()
        shares = torch.where(finite[:, None], shares, torch.zeros_like(shares))
        return cls(
            points=count(torch.ones_like(finite)),
            invalid=count(~finite),
            zeros=count(finite & (weight == 0)),
            negative=count(finite & (weight < 0)),
            total=add(v),
            squares=add(v * v),
            absolute=add(size),
            largest=largest.cpu().numpy(),
            parts=add(shares),
            part_squares=add(shares * shares),
        )

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            **{
                f.name: np.maximum(getattr(self, f.name), getattr(other, f.name))
                if f.name == "largest"
                else getattr(self, f.name) + getattr(other, f.name)
                for f in fields(self)
            }
        )

    def as_json(self) -> dict[str, object]:
        """The same as values JSON can hold, exactly."""
        return {f.name: getattr(self, f.name).tolist() for f in fields(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Sequence[object]]) -> Sums:
        """Takes back what `as_json` gave."""
        return cls(**{name: np.array(column) for name, column in values.items()})

    @property
    def n(self) -> int:
        """All points."""
        return int(self.points.sum())

    @property
    def valid(self) -> Ints:
        """Points that enter the means, `(k,)`."""
        return self.points - self.invalid

    def means(self) -> Floats:
        """The part of the integral in each channel, `(k,)` in pb."""
        return self.total / np.maximum(self.valid, 1)

    def deviations(self) -> Floats:
        """Standard deviations s_c of v, `(k,)` in pb; |v| where there is one point only."""
        n = np.maximum(self.valid, 2)
        variance: Floats = (self.squares - self.total**2 / n) / (n - 1)
        return np.sqrt(np.where(self.valid == 1, self.squares, np.maximum(variance, 0.0)))

    def errors(self) -> Floats:
        """Standard errors of `means`, `(k,)` in pb."""
        return self.deviations() / np.sqrt(np.maximum(self.valid, 1))

    def estimate(self) -> Estimate:
        """The integral over all channels."""
        return Estimate(float(self.means().sum()), float(np.sqrt(np.sum(self.errors() ** 2))))

    def part_estimates(self) -> list[Estimate]:
        """The integral of each process id, p of them."""
        values = (self.parts / np.maximum(self.valid, 1)[:, None]).sum(axis=0)
        n = np.maximum(self.valid, 2)[:, None]
        variance = (self.part_squares / n - (self.parts / n) ** 2) / (n - 1)
        alone = (self.valid == 1)[:, None]
        errors = np.sqrt(np.where(alone, self.part_squares, np.maximum(variance, 0)).sum(axis=0))
        return [Estimate(float(v), float(e)) for v, e in zip(values, errors, strict=True)]


def block_sums(sample: Sample, k: int) -> Sums:
    """Sums of a block, process by process where the integrand tells them apart."""
    parts = sample.evaluation.parts
    if parts is not None:
        value = sample.evaluation.value
        ratio = torch.where(value == 0, torch.zeros_like(value), sample.weight / value)
        parts = parts * ratio[:, None]
    return Sums.of(sample.channel, sample.weight, k, parts)


def add_in_order(sums: list[Sums]) -> Sums:
    """The sum of several blocks, in the order given."""
    result = sums[0]
    for further in sums[1:]:
        result = result + further
    return result
