"""Logical arrays of variable shape: dense columns and named sets of objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@dataclass(frozen=True)
class Features:
    """Reconstructed or true observables of n events.

    Attributes:
        dense: one row an event, `(n, f)` float64.
        names: name of each dense column.
        units: unit of each dense column, `""` for none.
        sets: variable-length objects: name to (values `(n, L, q)`, mask `(n, L)` bool).
    """

    dense: Tensor
    names: tuple[str, ...]
    units: tuple[str, ...] = ()
    sets: Mapping[str, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.dense.shape[0])
