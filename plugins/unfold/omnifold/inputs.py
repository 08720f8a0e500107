"""Events as networks see them: scores, marks of repeated values, functions of columns, sets.

The output takes squares of scores and, by the option `knots`, piecewise linear functions of ranks
linearly, beside what hidden layers make of the scores: where a classifier's loss is at its minimum,
the mean, spread and coarse spectrum of every column then agree between the samples. Many knots cost
more noise than they remove bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.plugins.unfold.posterior.ranks import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from crosshook.core.interfaces.features import Features

SMALLEST_WIDTH = 1e-9
"""Spread of an object's column, relative to its size, below which it is constant."""


@dataclass(frozen=True)
class Inputs:
    """Inputs of n events, float32.

    Attributes:
        columns: scores and marks, then squares of scores and hat functions of ranks, `(n, c)`.
        n_values: how many of them are scores and marks: what goes through hidden layers.
        sets: scaled values `(n, L, q)`, 0 where there is no object, and masks `(n, L)`.
    """

    columns: Tensor
    n_values: int
    sets: tuple[tuple[Tensor, Tensor], ...] = ()

    def __len__(self) -> int:
        return len(self.columns)

    def rows(self, chosen: Tensor | slice) -> Inputs:
        """Some of the events."""
        sets = tuple((values[chosen], mask[chosen]) for values, mask in self.sets)
        return Inputs(self.columns[chosen], self.n_values, sets)

    def and_then(self, other: Inputs) -> Inputs:
        """These events and then the others, which are scaled alike."""
        sets = tuple(
            joined_sets(mine, theirs) for mine, theirs in zip(self.sets, other.sets, strict=True)
        )
        return Inputs(torch.cat([self.columns, other.columns]), self.n_values, sets)

    def beside(self, other: Inputs, mine: Tensor, theirs: Tensor) -> Inputs:
        """Both levels of the same events.

        Args:
            other: the other level.
            mine: where this level exists, `(n,)` bool; elsewhere its inputs are 0.
            theirs: the same of the other.
        """
        parts = []
        for inputs, known in ((self, mine), (other, theirs)):
            parts.append(torch.where(known[:, None], inputs.columns, 0.0))
        k, j = self.n_values, other.n_values
        known = torch.stack([mine, theirs], dim=1).to(parts[0].dtype)
        columns = [parts[0][:, :k], parts[1][:, :j], known, parts[0][:, k:], parts[1][:, j:]]
        sets = tuple(
            (values, mask & known_there[:, None])
            for inputs, known_there in ((self, mine), (other, theirs))
            for values, mask in inputs.sets
        )
        return Inputs(torch.cat(columns, dim=1), k + j + 2, sets)


@dataclass(frozen=True)
class Form:
    """Makes inputs of features.

    Attributes:
        numbers: ranks of the dense columns, and of how many objects each set has.
        sets: centre and width of the columns of each set that is used, by name.
        knots: of the splines; below 3 for none.
    """

    numbers: Columns
    sets: dict[str, tuple[Tensor, Tensor]]
    knots: int

    @classmethod
    def of(cls, features: Features, weight: Tensor, knots: int, use_sets: bool) -> Form:
        """The form of a sample.

        Args:
            features: n rows, finite.
            weight: `(n,)`.
            knots: of the splines; below 3 for none.
            use_sets: look at the objects of sets too.
        """
        sets = {}
        for name, (values, mask) in (features.sets if use_sets else {}).items():
            objects = values[mask]
            centre = objects.mean(dim=0) if len(objects) else values.new_zeros(values.shape[2])
            width = objects.std(dim=0, correction=0) if len(objects) else torch.ones_like(centre)
            flat = width <= SMALLEST_WIDTH * (1.0 + centre.abs())
            sets[name] = (centre, torch.where(flat, torch.ones_like(width), width))
        return cls(Columns.of(_numbers(features, sets), weight), sets, knots)

    def __call__(self, features: Features) -> Inputs:
        """Inputs of other events with the same columns."""
        values = self.numbers.inputs(_numbers(features, self.sets))
        scores = values[:, : len(self.numbers)]
        linear = [values, scores.square(), *self._splines(torch.special.ndtr(scores))]
        columns = torch.cat(linear, dim=1).to(torch.float32)
        sets = []
        for name, (centre, width) in self.sets.items():
            objects, mask = features.sets[name]
            scaled = torch.where(mask[..., None], (objects - centre) / width, 0.0)
            sets.append((scaled.to(torch.float32), mask))
        return Inputs(columns, values.shape[1], tuple(sets))

    def _splines(self, ranks: Tensor) -> list[Tensor]:
        """Hat functions at even ranks, `(n, f · (knots - 2))`, without those at the ends."""
        if self.knots < 3:
            return []
        step = 1.0 / (self.knots - 1)
        places = torch.arange(1, self.knots - 1, device=ranks.device, dtype=ranks.dtype) * step
        hats = (1.0 - (ranks[..., None] - places).abs() / step).clamp(min=0.0)
        return [hats.flatten(start_dim=1)]


def _numbers(features: Features, sets: Iterable[str]) -> Tensor:
    """Dense columns, and for each set how many objects are in it, `(n, f)`."""
    counts = [features.sets[name][1].sum(dim=1, keepdim=True) for name in sets]
    return torch.cat([features.dense, *(count.to(features.dense) for count in counts)], dim=1)


def joined_sets(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Two samples' objects one after the other, with room for the longer of the two."""
    length = max(a[1].shape[1], b[1].shape[1])
    both = []
    for values, mask in (a, b):
        missing = length - mask.shape[1]
        both.append(
            (
                torch.nn.functional.pad(values, (0, 0, 0, missing)),
                torch.nn.functional.pad(mask, (0, missing)),
            )
        )
    return torch.cat([both[0][0], both[1][0]]), torch.cat([both[0][1], both[1][1]])
