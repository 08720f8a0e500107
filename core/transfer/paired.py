"""Paired events: what happened, what the detector showed of it, and whether it showed anything.

A transfer function is trained by `fit(source, budget, context)`, where the source gives
`PairedEvents` and the budget counts simulated events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.training import Budget, FitReport


@dataclass(frozen=True)
class PairedEvents:
    """Simulated events with both levels; every event has truth.

    Attributes:
        truth: n rows.
        reco: n rows; those of lost events mean nothing.
        accepted: False where the detector lost the event, `(n,)` bool.
        weight: generator weights, `(n,)`.
    """

    truth: Features
    reco: Features
    accepted: Tensor
    weight: Tensor

    def __post_init__(self) -> None:
        n = len(self.truth)
        sizes = {
            "reco": len(self.reco),
            "accepted": len(self.accepted),
            "weight": len(self.weight),
        }
        for name, size in sizes.items():
            if size != n:
                message = f"paired events: {size} rows of {name}, {n} of truth"
                raise InputError(message)

    def __len__(self) -> int:
        return len(self.truth)

    def select(self, rows: Tensor | slice) -> PairedEvents:
        """The rows with these numbers, or where a mask `(n,)` is True."""
        return PairedEvents(
            self.truth.select(rows), self.reco.select(rows), self.accepted[rows], self.weight[rows]
        )

    def to(self, device: torch.device) -> PairedEvents:
        """The same on a device."""
        return PairedEvents(
            self.truth.to(device),
            self.reco.to(device),
            self.accepted.to(device),
            self.weight.to(device),
        )

    def shuffled(self, rng: torch.Generator) -> PairedEvents:
        """The rows in random order."""
        return self.select(torch.randperm(len(self), generator=rng, device="cpu"))


class PairedSource(Protocol):
    """Gives simulated events and counts them."""

    @property
    def evaluations(self) -> int:
        """Events given out so far."""
        ...

    def draw(self, n: int) -> PairedEvents:
        """Gives n new events, or fewer where there are no more."""
        ...


class PairedTable:
    """Gives the rows of a table, in order."""

    def __init__(self, table: PairedEvents) -> None:
        """A source with nothing given out yet."""
        self._table = table
        self._given = 0

    @property
    def evaluations(self) -> int:
        """Rows given out."""
        return self._given

    def draw(self, n: int) -> PairedEvents:
        """The next n rows, or those that are left."""
        found = self._table.select(slice(self._given, self._given + n))
        self._given += len(found)
        return found


@runtime_checkable
class TrainableTransfer(Protocol):
    """A transfer function that learns from paired events; see `TransferFunction` for the rest."""

    def fit(self, source: PairedSource, budget: Budget, context: BuildContext) -> FitReport:
        """Trains in place, from scratch.

        Args:
            source: gives simulated events.
            budget: events that may be drawn.
            context: as when the component was built, with a random generator for the training.

        Returns:
            What was done; losses by stretches of steps.
        """
        ...
