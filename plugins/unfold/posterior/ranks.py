"""Columns as ranks in (0, 1): every column becomes uniform, and repeated values come back exactly.

Detector and truth features are of all kinds: masses with long tails, integer multiplicities, a
value that stands for "nothing found". The weighted rank of a value makes them alike. A value that
repeats, an atom, owns an interval of ranks: a random place in it is its rank, and every rank in
it is this value again. Between atoms the values of the sample are interpolated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

ATOM_SHARE, ATOM_ROWS = 1e-3, 10
"""A value is an atom if so many of the rows have it."""
DISCRETE = 20
"""A column is discrete if its values have so many rows each on average, or are all integers."""
MOST_KNOTS, EXTREMES = 8192, 256
"""Values kept of a continuous column: about so many, among them the extreme ones."""
EDGE = 3.4e-6
"""Ranks nearer to 0 or 1 than this have no finite score to speak of."""


@dataclass(frozen=True)
class Ranks:
    """The ranks of one column. a atoms, q knots.

    Attributes:
        atoms: repeated values, ascending, `(a,)`.
        low: lower end of the ranks of each, `(a,)`.
        high: upper end, `(a,)`.
        values: of the knots, not descending, `(q,)`.
        places: their ranks, ascending, `(q,)`.
    """

    atoms: Tensor
    low: Tensor
    high: Tensor
    values: Tensor
    places: Tensor

    @classmethod
    def of(cls, column: Tensor, weight: Tensor) -> Ranks:
        """Ranks of a sample.

        Args:
            column: `(n,)` finite.
            weight: `(n,)`; negative ones count as zero.
        """
        value, place, count = torch.unique(column, return_inverse=True, return_counts=True)
        mass = torch.zeros_like(value).index_add(0, place, weight.clamp(min=0.0))
        high = torch.cumsum(mass, 0) / mass.sum()
        low = torch.cat([torch.zeros_like(high[:1]), high[:-1]])
        whole = len(column) >= DISCRETE * len(value) or bool((column == column.round()).all())
        often = count >= max(ATOM_ROWS, ATOM_SHARE * len(column))
        atom = torch.ones_like(often) if whole else often
        values, places = _knots(value, low, high, atom)
        return cls(value[atom], low[atom], high[atom], values, places)

    @property
    def marks(self) -> Tensor:
        """Atoms among continuous values, which deserve an input of their own, `(j,)`."""
        return self.atoms if len(self.values) else self.atoms[:0]

    def ranks(self, column: Tensor, uniform: Tensor | None = None) -> Tensor:
        """Ranks of values, `(n,)`; of atoms at a place given by `uniform`, else in the middle."""
        found = torch.zeros_like(column)
        if len(self.values):
            found = _interpolated(column, self.values, self.places)
        if len(self.atoms):
            nearest = torch.searchsorted(self.atoms, column.contiguous())
            above = nearest == len(self.atoms)
            nearest = nearest.clamp(max=len(self.atoms) - 1)
            low, high = self.low[nearest], self.high[nearest]
            if not len(self.values):
                # A value between two atoms, which only other samples have, is at their border.
                found = torch.where(above, high, low)
            inside = torch.full_like(column, 0.5) if uniform is None else uniform
            hit = self.atoms[nearest] == column
            found = torch.where(hit, low + inside * (high - low), found)
        return found.clamp(EDGE, 1.0 - EDGE)

    def at(self, rank: Tensor) -> Tensor:
        """Values at ranks, `(n,)`: the way back."""
        found = torch.zeros_like(rank)
        if len(self.values):
            found = _interpolated(rank, self.places, self.values)
        if len(self.atoms):
            nearest = torch.searchsorted(self.high, rank.contiguous()).clamp(
                max=len(self.atoms) - 1
            )
            hit = (rank >= self.low[nearest]) & (rank <= self.high[nearest])
            if not len(self.values):
                hit = torch.ones_like(hit)
            found = torch.where(hit, self.atoms[nearest], found)
        return found


@dataclass(frozen=True)
class Columns:
    """The ranks of f columns together."""

    ranks: tuple[Ranks, ...]

    @classmethod
    def of(cls, rows: Tensor, weight: Tensor) -> Columns:
        """Ranks of a sample `(n, f)` with weights `(n,)`."""
        return cls(tuple(Ranks.of(column, weight) for column in rows.T))

    def __len__(self) -> int:
        return len(self.ranks)

    def scores(self, rows: Tensor, uniform: Tensor | None = None) -> Tensor:
        """Normal scores of rows, `(n, f)`: a standard normal distribution in every column.

        Args:
            rows: `(n, f)`.
            uniform: `(n, f)` in [0, 1), spreads atoms over their ranks; their middle if None.
        """
        columns = [
            each.ranks(rows[:, i], None if uniform is None else uniform[:, i])
            for i, each in enumerate(self.ranks)
        ]
        scores: Tensor = torch.special.ndtri(torch.stack(columns, dim=1))
        return scores

    def rows(self, scores: Tensor) -> Tensor:
        """Values of scores, `(n, f)`: the way back."""
        ranks = torch.special.ndtr(scores)
        return torch.stack([each.at(ranks[:, i]) for i, each in enumerate(self.ranks)], dim=1)

    def inputs(self, rows: Tensor) -> Tensor:
        """What networks see of rows: scores, and for each isolated atom whether it is there."""
        marks = [
            (rows[:, i, None] == each.marks).to(rows.dtype) for i, each in enumerate(self.ranks)
        ]
        return torch.cat([self.scores(rows), *marks], dim=1)

    @property
    def width(self) -> int:
        """Number of inputs."""
        return sum(1 + len(each.marks) for each in self.ranks)

    def state(self, name: str) -> dict[str, Tensor]:
        """All tensors by names that begin with `name`."""
        return {
            f"{name}.{i}.{key}": tensor
            for i, each in enumerate(self.ranks)
            for key, tensor in vars(each).items()
        }

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], name: str, count: int) -> Columns:
        """Takes back what `state` gave of `count` columns."""
        return cls(
            tuple(
                Ranks(*(tensors[f"{name}.{i}.{field.name}"] for field in fields(Ranks)))
                for i in range(count)
            )
        )


def _knots(value: Tensor, low: Tensor, high: Tensor, atom: Tensor) -> tuple[Tensor, Tensor]:
    """Values and ranks between which the continuous part is interpolated.

    Every stretch between atoms begins and ends with its own outermost values.
    """
    single = torch.nonzero(~atom)[:, 0]
    if not len(single):
        return value[:0], value[:0]
    apart = torch.diff(single) > 1
    yes = torch.ones(1, dtype=torch.bool, device=value.device)
    first, last = torch.cat([yes, apart]), torch.cat([apart, yes])
    kept = first | last | _some(len(single), value.device)
    shown = single[kept]
    middle = 0.5 * (low[shown] + high[shown])
    starts, ends = single[first], single[last]
    values = torch.cat([value[starts], value[shown], value[ends]])
    places = torch.cat([low[starts], middle, high[ends]])
    # Stable by value first: a lone value of a stretch is its start, its middle and its end.
    order = torch.argsort(values, stable=True)
    return values[order], places[order]


def _some(n: int, device: torch.device) -> Tensor:
    chosen = torch.ones(n, dtype=torch.bool, device=device)
    if n > MOST_KNOTS:
        step = math.ceil(n / MOST_KNOTS)
        number = torch.arange(n, device=device)
        chosen = (number % step == 0) | (number < EXTREMES) | (number >= n - EXTREMES)
    return chosen


def _interpolated(x: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Piecewise linear; constant outside of the knots."""
    if len(knots) == 1:
        return values.expand_as(x).clone()
    right = torch.searchsorted(knots, x.contiguous()).clamp(1, len(knots) - 1)
    x0, x1 = knots[right - 1], knots[right]
    y0, y1 = values[right - 1], values[right]
    step = torch.where(x1 > x0, x1 - x0, torch.ones_like(x0))
    return y0 + (y1 - y0) * ((x - x0) / step).clamp(0.0, 1.0)
