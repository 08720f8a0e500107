"""One level of events with sets: dense columns, and sets of objects with columns of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import InputError
from crosshook.plugins.transfer.columns import Columns
from crosshook.plugins.transfer.learned import check_finite
from crosshook.plugins.transfer.scales import Scales

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.features import Features


@dataclass(frozen=True)
class Level:
    """Columns and scales of truth or reconstruction.

    Attributes:
        what: `truth` or `reco`, for messages.
        dense: columns of the event.
        scales: of these.
        sets: columns of each set.
        set_scales: of these.
        longest: most objects of each set in the training.
    """

    what: str
    dense: Columns
    scales: Scales
    sets: dict[str, Columns]
    set_scales: dict[str, Scales]
    longest: dict[str, int]

    @classmethod
    def of(
        cls, features: Features, periodic: Sequence[str] | None, degree: int, what: str
    ) -> Level:
        """The level as the events of a training have it."""
        dense = Columns.of(features.names, features.units, periodic)
        sets, scales, longest = {}, {}, {}
        for name, (values, there) in features.sets.items():
            count = values.shape[2]
            names = features.set_names.get(name, tuple(f"{name}{i}" for i in range(count)))
            columns = Columns.of(names, features.set_units.get(name, ()), periodic)
            sets[name] = columns
            scales[name] = Scales.of(columns, values[there], degree, f"{what} {name}")
            longest[name] = int(there.sum(dim=1).max())
        own = Scales.of(dense, features.dense, degree, what)
        return cls(what, dense, own, sets, scales, longest)

    def check(self, features: Features, name: str) -> None:
        """Refuses features of other columns or sets, and values that are no numbers.

        Args:
            features: to check.
            name: of the component.

        Raises:
            InputError: naming what is wrong.
        """
        place = f"{name}: {self.what}"
        self.dense.check(features.names, features.dense.shape[1], place)
        check_finite(features.dense, self.dense, place)
        if set(features.sets) != set(self.sets):
            message = (
                f"{place}: sets {', '.join(features.sets) or 'none'}; the transfer function was "
                f"trained with {', '.join(self.sets) or 'none'}"
            )
            raise InputError(message)
        for key, (values, there) in features.sets.items():
            columns = self.sets[key]
            known = features.set_names.get(key, columns.names)
            columns.check(known, values.shape[2], f"{place} {key}")
            check_finite(values[there], columns, f"{place} {key}")

    def ordered(self, features: Features, key: str) -> tuple[Tensor, Tensor]:
        """Objects of a set by falling first column, zeros where there is none.

        Returns:
            Values `(n, L, q)` and mask `(n, L)`, L as large as the events need.
        """
        values, there = features.sets[key]
        first = torch.where(there, values[:, :, 0], -torch.inf)
        order = torch.argsort(first, dim=1, descending=True, stable=True)
        count = there.sum(dim=1)
        longest = int(count.max()) if len(count) else 0
        order = order[:, :longest]
        inside = torch.arange(longest, device=count.device) < count[:, None]
        sorted_values = values.gather(1, order[:, :, None].expand(-1, -1, values.shape[2]))
        return torch.where(inside[:, :, None], sorted_values, 0.0), inside

    def objects_seen(self, key: str, values: Tensor, there: Tensor) -> Tensor:
        """What networks see of objects `(n, L, q)`, `(n, L, s)`; zeros where there is none."""
        n, longest, q = values.shape
        flat = self.set_scales[key].all_seen(values.reshape(n * longest, q))
        return flat.reshape(n, longest, flat.shape[1]) * there[:, :, None]

    def flat(self, features: Features) -> Tensor:
        """All a level says as one row an event: columns, then objects in order, `(n, e)`.

        Raises:
            InputError: if an event has more objects than any of the training.
        """
        parts = [self.scales.all_seen(features.dense)]
        for key in self.sets:
            values, there = self.ordered(features, key)
            seen = torch.cat([self.objects_seen(key, values, there), there[:, :, None]], dim=2)
            room = self.longest[key]
            if seen.shape[1] > room:
                row = int(there.sum(dim=1).argmax())
                message = (
                    f"{self.what}: event {row} has {seen.shape[1]} {key}; the transfer function was "
                    f"trained with {room} at most, and knows no acceptance of more"
                )
                raise InputError(message)
            padded = seen.new_zeros((len(seen), room, seen.shape[2]))
            padded[:, : seen.shape[1]] = seen
            parts.append(padded.flatten(1))
        return torch.cat(parts, dim=1)

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """Scales, and columns as JSON."""
        tensors = self.scales.state(f"{self.what}.dense")
        for key, scales in self.set_scales.items():
            tensors |= scales.state(f"{self.what}.set.{key}")
        values: dict[str, object] = {self.what: self.dense.as_json()}
        values[f"{self.what}_sets"] = {
            key: {**columns.as_json(), "longest": self.longest[key]}
            for key, columns in self.sets.items()
        }
        return tensors, values

    @classmethod
    def from_state(
        cls, tensors: dict[str, Tensor], values: dict[str, object], what: str, degree: int
    ) -> Level:
        """Takes back what `state` gave."""
        dense = Columns.from_json(values[what])
        given = cast("dict[str, dict[str, int]]", values[f"{what}_sets"])
        sets = {key: Columns.from_json(columns) for key, columns in given.items()}
        return cls(
            what,
            dense,
            Scales.from_state(tensors, f"{what}.dense", len(dense), degree),
            sets,
            {
                key: Scales.from_state(tensors, f"{what}.set.{key}", len(columns), degree)
                for key, columns in sets.items()
            },
            {key: int(columns["longest"]) for key, columns in given.items()},
        )
