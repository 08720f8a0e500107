"""Scales: the maps of all columns of a level, and how networks see them.

A column on the line enters as Chebyshev polynomials of its place and as a slowly growing function
of its value, an angle as cosines and sines of its multiples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.plugins.transfer.marginal import TURN, Marginal

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.plugins.transfer.columns import Columns


@dataclass(frozen=True)
class Scales:
    """Maps of f columns to the unit interval.

    Attributes:
        marginals: one a column.
        degree: highest polynomial or multiple that networks see.
    """

    marginals: tuple[Marginal, ...]
    degree: int

    @classmethod
    def of(cls, columns: Columns, rows: Tensor, degree: int, what: str) -> Scales:
        """Scales of the rows `(n, f)` of a training."""
        maps = []
        for i, name in enumerate(columns.names):
            place = f"{what} column {name!r}"
            circle = columns.periodic[i]
            maps.append(Marginal.around(rows) if circle else Marginal.through(rows[:, i], place))
        return cls(tuple(maps), degree)

    def to_unit(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Places `(n, f)`, and log of their slopes `(n, f)`."""
        if not self.marginals:
            return rows, rows
        found = [m.to_unit(rows[:, i]) for i, m in enumerate(self.marginals)]
        return torch.stack([u for u, _ in found], 1), torch.stack([s for _, s in found], 1)

    def from_unit(self, u: Tensor) -> Tensor:
        """Values `(n, f)` at places u."""
        if not self.marginals:
            return u
        return torch.stack([m.from_unit(u[:, i]) for i, m in enumerate(self.marginals)], 1)

    def size(self, column: int) -> int:
        """How many numbers networks see of a column."""
        return 2 * self.degree if self.marginals[column].circle else self.degree + 1

    def seen(self, column: int, x: Tensor, u: Tensor) -> Tensor:
        """What networks see of a column's values and places `(n,)`, `(n, size)`."""
        found = []
        m = self.marginals[column]
        if m.circle:
            for k in range(1, self.degree + 1):
                found += [torch.cos(TURN * k * u), torch.sin(TURN * k * u)]
            return torch.stack(found, dim=1)
        z = 2.0 * u - 1.0
        found, before = [z], torch.ones_like(z)
        for _ in range(self.degree - 1):
            following = 2.0 * z * found[-1] - before
            before = found[-1]
            found.append(following)
        found.append(torch.asinh((x - m.centre) / m.width))
        return torch.stack(found, dim=1)

    def all_seen(self, rows: Tensor) -> Tensor:
        """What networks see of whole rows `(n, f)`, `(n, all sizes)`."""
        u, _ = self.to_unit(rows)
        parts = [self.seen(i, rows[:, i], u[:, i]) for i in range(len(self.marginals))]
        return torch.cat(parts, dim=1) if parts else rows

    @property
    def total(self) -> int:
        """How many numbers networks see of a row."""
        return sum(self.size(i) for i in range(len(self.marginals)))

    def state(self, name: str) -> dict[str, Tensor]:
        """All tensors."""
        found: dict[str, Tensor] = {}
        for i, m in enumerate(self.marginals):
            found |= m.state(f"{name}.{i}")
        return found

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], name: str, count: int, degree: int) -> Scales:
        """Takes back what `state` gave of `count` columns."""
        return cls(
            tuple(Marginal.from_state(tensors, f"{name}.{i}") for i in range(count)), degree
        )
