"""What a proposal is told of an event: its reconstruction, and where asked for θ, as even numbers.

Angles enter as cosine and sine, other columns relative to their mean and spread in the training
sample, those that are positive with their logarithm, in which resolutions are even. Objects of a set are sorted by their first column, largest first, and padded: their order
means nothing, and a proposal is right whatever it is told, only better or worse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.inference.model import Parameter
    from crosshook.core.interfaces.features import Features

LARGEST = 6.0
"""Standard deviations beyond which values look alike."""
ANGLE = "rad"


@dataclass(frozen=True)
class Scaled:
    """Columns and how they are turned into numbers.

    Attributes:
        names: of the columns.
        periods: of columns that have one, else 0.
        mean: of the others.
        spread: of the others.
        smallest: of columns that are positive, whose logarithm counts too, else 0.
        log_mean: of these logarithms.
        log_spread: of these logarithms.
    """

    names: tuple[str, ...]
    periods: tuple[float, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    smallest: tuple[float, ...]
    log_mean: tuple[float, ...]
    log_spread: tuple[float, ...]

    @classmethod
    def of(cls, names: Sequence[str], periods: Sequence[float], columns: Tensor) -> Scaled:
        """Looks at a sample `(n, c)`."""
        least = columns.amin(dim=0) if len(columns) else columns.new_zeros(len(names))
        least = torch.where((least > 0) & (columns.new_tensor(periods) == 0), least, 0.0)
        logs = torch.log(torch.where(least > 0, columns, 1.0))
        numbers = [*_mean_and_spread(columns), least, *_mean_and_spread(logs)]
        return cls(tuple(names), tuple(periods), *(tuple(each.tolist()) for each in numbers))

    def __call__(self, columns: Tensor) -> Tensor:
        """`(..., c)` to `(..., numbers)`."""
        made = []
        for i, period in enumerate(self.periods):
            column = columns[..., i]
            if period:
                turn = column * (2 * math.pi / period)
                made += [torch.cos(turn), torch.sin(turn)]
            else:
                scaled = (column - self.mean[i]) / self.spread[i]
                made.append(scaled.clamp(-LARGEST, LARGEST))
            if self.smallest[i]:
                log = torch.log(column.clamp(min=self.smallest[i]))
                scaled = (log - self.log_mean[i]) / self.log_spread[i]
                made.append(scaled.clamp(-LARGEST, LARGEST))
        return torch.stack(made, dim=-1) if made else columns[..., :0]

    @property
    def size(self) -> int:
        """Numbers made of a row."""
        both = zip(self.periods, self.smallest, strict=True)
        return sum(2 if period or smallest else 1 for period, smallest in both)


def _mean_and_spread(columns: Tensor) -> tuple[Tensor, Tensor]:
    """Of each column; 0 and 1 where that means nothing."""
    mean = columns.mean(dim=0) if len(columns) else columns.new_zeros(columns.shape[1])
    spread = columns.std(dim=0) if len(columns) > 1 else torch.ones_like(mean)
    return mean, torch.where(spread > 0, spread, 1.0)


@dataclass(frozen=True)
class Conditions:
    """Turns events into condition vectors.

    Attributes:
        dense: the dense columns.
        sets: columns of each set by name, with the largest number of objects seen.
        theta: the parameters; None if the proposal is not told.
    """

    dense: Scaled
    sets: dict[str, tuple[Scaled, int]]
    theta: Scaled | None

    @classmethod
    def of(
        cls, reco: Features, parameters: Sequence[Parameter], theta: Tensor | None
    ) -> Conditions:
        """Looks at a training sample.

        Args:
            reco: reconstructed events.
            parameters: of the model.
            theta: `(n, p)` of the events, or None if the proposal is not to be told.
        """
        units = reco.units or ("",) * len(reco.names)
        dense = Scaled.of(reco.names, _periods(units), reco.dense)
        sets = {}
        for name, (values, mask) in reco.sets.items():
            width = values.shape[2]
            names = reco.set_names.get(name, tuple(f"{name}{i}" for i in range(width)))
            kinds = reco.set_units.get(name, ("",) * width)
            most = max(int(mask.sum(dim=1).max()), 1) if len(mask) else 1
            sets[name] = (Scaled.of(names, _periods(kinds), values[mask]), most)
        known = None
        if theta is not None:
            periods = [parameter.period or 0.0 for parameter in parameters]
            known = Scaled.of([parameter.name for parameter in parameters], periods, theta)
        return cls(dense, sets, known)

    def __call__(self, reco: Features, theta: Tensor | None = None) -> Tensor:
        """Condition vectors `(n, c)`.

        Args:
            reco: n events.
            theta: `(n, p)`, if the proposal is told.

        Raises:
            InputError: if the events have other columns or objects.
        """
        self.check(reco)
        parts = [self.dense(reco.dense)]
        for name, (scaled, most) in self.sets.items():
            values, mask = _largest_first(*reco.sets[name], most)
            numbers = scaled(values) * mask[..., None]
            parts += [numbers.reshape(len(reco), -1), mask.to(values.dtype)]
        if self.theta is not None:
            assert theta is not None
            parts.append(self.theta(theta))
        return torch.cat(parts, dim=1)

    @property
    def size(self) -> int:
        """Length of a condition vector."""
        sets = sum(most * (scaled.size + 1) for scaled, most in self.sets.values())
        return self.dense.size + sets + (self.theta.size if self.theta is not None else 0)

    def blocks(self) -> list[tuple[list[range], list[int]]]:
        """Of each set, where its objects stand in a condition vector, and whether they are there."""
        found, at = [], self.dense.size
        for scaled, most in self.sets.values():
            objects = [
                range(at + k * scaled.size, at + (k + 1) * scaled.size) for k in range(most)
            ]
            at += most * scaled.size
            found.append((objects, list(range(at, at + most))))
            at += most
        return found

    def check(self, reco: Features) -> None:
        """Refuses events that are not like those of the training; arguments as of `__call__`."""
        if tuple(reco.names) != self.dense.names or set(reco.sets) != set(self.sets):
            given = ", ".join((*reco.names, *reco.sets)) or "nothing"
            wanted = ", ".join((*self.dense.names, *self.sets)) or "nothing"
            message = f"events: have {given}; the transfer function gives {wanted}"
            raise InputError(message)

    def as_json(self) -> dict[str, object]:
        """For a model file."""
        return {
            "dense": vars(self.dense),
            "sets": {name: [vars(scaled), most] for name, (scaled, most) in self.sets.items()},
            "theta": None if self.theta is None else vars(self.theta),
        }

    @classmethod
    def from_json(cls, given: dict[str, object]) -> Conditions:
        """Takes back what `as_json` gave."""
        sets = cast("dict[str, list[object]]", given["sets"])
        return cls(
            _scaled(given["dense"]),
            {name: (_scaled(one), int(cast("int", most))) for name, (one, most) in sets.items()},
            None if given["theta"] is None else _scaled(given["theta"]),
        )


def _scaled(given: object) -> Scaled:
    values = cast("dict[str, list[float]]", given)
    names = cast("dict[str, list[str]]", given)["names"]
    numbers = {name: tuple(value) for name, value in values.items() if name != "names"}
    return Scaled(names=tuple(names), **numbers)


def _periods(units: Sequence[str]) -> list[float]:
    return [2 * math.pi if unit == ANGLE else 0.0 for unit in units]


def _largest_first(values: Tensor, mask: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The first objects of each event by their first column, padded or cut to `most`."""
    key = torch.where(mask, values[..., 0], torch.full_like(values[..., 0], -torch.inf))
    order = torch.argsort(key, dim=1, descending=True, stable=True)[:, :most]
    chosen = torch.gather(values, 1, order[..., None].expand(-1, -1, values.shape[2]))
    there = torch.gather(mask, 1, order)
    short = most - order.shape[1]
    if short > 0:
        chosen = torch.nn.functional.pad(chosen, (0, 0, 0, short))
        there = torch.nn.functional.pad(there, (0, short))
    # what a padded row holds means nothing, NaN included
    return torch.where(there[..., None], chosen, torch.zeros_like(chosen)), there
