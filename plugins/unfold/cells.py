"""Cells of an n-dimensional binning: edges of each column, and the number of the cell of a row.

The outermost bins of every column are open, so that each row has a cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.features import Features

    Bins = int | Sequence[float]

EVENTS_PER_CELL = 100
"""Simulated events a cell, on average, that the automatic number of bins aims at."""
MOST_BINS = 40
"""Bins of a column at most, where their number is automatic."""


class Cells:
    """A binning of feature columns.

    Attributes:
        edges: of the bins of each column, rising, without the two open ends.
    """

    def __init__(self, edges: Sequence[Tensor]) -> None:
        """Takes the edges."""
        self.edges = tuple(edges)

    @classmethod
    def of(cls, features: Features, rows: Tensor, bins: Bins | Mapping[str, Bins] | None) -> Cells:
        """The binning that options ask for.

        Quantiles count rows, whatever their weights, so that replicas share the cells.

        Args:
            features: what the quantiles are taken from.
            rows: which rows of it, `(n,)` bool.
            bins: number of quantile bins of every column, edges of every column, or either by
                name of the column; None, and what has no name there: as many as events allow.

        Raises:
            ConfigurationError: if a column is named that is not there, or edges do not rise.
        """
        dense = features.dense[rows]
        given = bins if isinstance(bins, Mapping) else dict.fromkeys(features.names, bins)
        automatic = _automatic(len(dense), len(features.names))
        edges = []
        for number, name in enumerate(features.names):
            wanted = given.get(name)
            chosen = automatic if wanted is None else wanted
            if isinstance(chosen, int):
                edges.append(_quantiles(dense[:, number], chosen))
            else:
                edges.append(_given(name, chosen).to(dense))
        return cls(edges)

    def number(self, dense: Tensor) -> Tensor:
        """The cell of each row, `(n,)` int64; not consecutive.

        Args:
            dense: `(n, f)`.
        """
        total = torch.zeros(len(dense), dtype=torch.int64, device=dense.device)
        for column, edges in enumerate(self.edges):
            place = torch.bucketize(dense[:, column].contiguous(), edges, right=True)
            total = total * (len(edges) + 1) + place
        return total

    @property
    def count(self) -> int:
        """Cells there could be."""
        total = 1
        for edges in self.edges:
            total *= len(edges) + 1
        return total


def _automatic(events: int, columns: int) -> int:
    """Bins of each column so that cells have some hundred events, at least two."""
    return max(2, min(MOST_BINS, int((events / EVENTS_PER_CELL) ** (1 / max(columns, 1)))))


def _quantiles(values: Tensor, bins: int) -> Tensor:
    """Edges between bins that hold as many rows each; fewer where values repeat."""
    if len(values) == 0 or bins < 2:
        return values.new_zeros(0)
    ordered = values.sort().values
    # Halfway to the next lower value, so that rounding moves no row over an edge.
    first = ordered[(torch.arange(1, bins, device=values.device) * len(values)) // bins]
    known, _ = distinct(ordered)
    wanted, _ = distinct(first)
    place = torch.searchsorted(known, wanted)
    place = place[place > 0]
    return 0.5 * known[place - 1] + 0.5 * known[place]


def distinct(values: Tensor) -> tuple[Tensor, Tensor]:
    """The values there are, rising, and which of them each one is."""
    found, place = torch.unique(values, return_inverse=True)
    return found, place


def _given(name: str, edges: Sequence[float]) -> Tensor:
    made = torch.tensor([float(edge) for edge in edges], dtype=torch.float64, device="cpu")
    if not bool((made.diff() > 0).all()):
        message = f"ibu: bins of {name}: edges do not rise: {list(edges)}"
        raise ConfigurationError(message)
    return made
