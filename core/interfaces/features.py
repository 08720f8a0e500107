"""Logical arrays of variable shape: dense columns and named sets of objects."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from crosshook.core.report.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from crosshook.core.report.sections import Headline, Table


@dataclass(frozen=True, repr=False)
class Features(Shown):
    """Reconstructed or true observables of n events.

    Attributes:
        dense: one row an event, `(n, f)` float64.
        names: name of each dense column.
        units: unit of each dense column, `""` for none.
        sets: variable-length objects: name to (values `(n, L, q)`, mask `(n, L)` bool). Their order
            means nothing, and neither do values where the mask is False.
        set_names: names of the q columns of each set.
        set_units: their units.
    """

    dense: Tensor
    names: tuple[str, ...]
    units: tuple[str, ...] = ()
    sets: Mapping[str, tuple[Tensor, Tensor]] = field(default_factory=dict)
    set_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    set_units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.data_shown import features_headline

        return features_headline(self)

    def tables(self) -> tuple[Table, ...]:
        """Rows that are shown with them."""
        from crosshook.core.report.data_shown import features_table

        return (features_table(self),)

    def __len__(self) -> int:
        return int(self.dense.shape[0])

    def select(self, rows: Tensor | slice) -> Features:
        """The rows with these numbers, or where a mask `(n,)` is True."""
        sets = {name: (values[rows], mask[rows]) for name, (values, mask) in self.sets.items()}
        return replace(self, dense=self.dense[rows], sets=sets)

    def repeated(self, n: int) -> Features:
        """Every row n times in a row."""
        sets = {
            name: (values.repeat_interleave(n, dim=0), mask.repeat_interleave(n, dim=0))
            for name, (values, mask) in self.sets.items()
        }
        return replace(self, dense=self.dense.repeat_interleave(n, dim=0), sets=sets)

    def to(self, device: torch.device) -> Features:
        """The same on a device."""
        sets = {name: (v.to(device), mask.to(device)) for name, (v, mask) in self.sets.items()}
        return replace(self, dense=self.dense.to(device), sets=sets)
