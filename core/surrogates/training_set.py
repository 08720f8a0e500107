"""Training sets of amplitude surrogates: momenta with |M|², and who gives them.

A surrogate is trained by `fit(source, budget, context)`, where the source gives an `AmplitudeTable`
for a number of points and the budget counts evaluations of |M|².
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget, FitReport

COLUMNS = ("momenta", "process", "alpha_s", "amplitude", "weight", "condition")
"""What has a row for each point."""


@dataclass(frozen=True)
class AmplitudeTable:
    """Points of one or more subprocesses with as many legs, and |M|² there.

    Attributes:
        momenta: `(n, m, 4)` in GeV, incoming first, in the order of the subprocess's `pdg`.
        process: index of the subprocess, into `pdg`, `(n,)` int64.
        alpha_s: strong coupling, `(n,)`.
        amplitude: |M|² with that coupling, averaged over initial, summed over final states, with
            1/n! of identical particles, in GeV^(8-2m), `(n,)`; may be 0 or negative.
        weight: what makes |M|² the weight of the point, `(n,)`: amplitude · weight is its weight in
            pb, or in a unit common to all points (1 for unweighted points would be 1/|M|²).
        pdg: PDG ids of the legs of each subprocess, incoming first.
        qcd_order: power k of α_s in |M|² of each subprocess.
        n_incoming: 1 or 2.
        condition: model parameters, `(n, c)`, or None.
    """

    momenta: Tensor
    process: Tensor
    alpha_s: Tensor
    amplitude: Tensor
    weight: Tensor
    pdg: tuple[tuple[int, ...], ...]
    qcd_order: tuple[int, ...]
    n_incoming: int = 2
    condition: Tensor | None = None

    def __post_init__(self) -> None:
        n, legs = len(self.amplitude), len(self.pdg[0]) if self.pdg else 0
        columns = self.columns()
        wrong = [name for name, column in columns.items() if len(column) != n]
        if wrong:
            message = f"training set: {wrong[0]} has {len(columns[wrong[0]])} rows, amplitude {n}"
            raise InputError(message)
        if self.momenta.shape[1:] != (legs, 4) or any(len(p) != legs for p in self.pdg):
            shape = tuple(self.momenta.shape)
            message = f"training set: momenta of shape {shape} for subprocesses {self.pdg}"
            raise InputError(message)
        if len(self.qcd_order) != len(self.pdg):
            message = f"training set: {len(self.qcd_order)} powers of α_s for {len(self.pdg)} pdg"
            raise InputError(message)

    def __len__(self) -> int:
        return len(self.amplitude)

    def columns(self) -> dict[str, Tensor]:
        """The tensors with a row for each point."""
        return {name: c for name in COLUMNS if (c := getattr(self, name)) is not None}

    def select(self, rows: Tensor | slice) -> AmplitudeTable:
        """The table of these rows."""
        columns = {name: column[rows] for name, column in self.columns().items()}
        return replace(self, **columns)  # type: ignore[arg-type]

    def to(self, device: torch.device) -> AmplitudeTable:
        """The table on a device."""
        columns = {name: column.to(device) for name, column in self.columns().items()}
        return replace(self, **columns)  # type: ignore[arg-type]

    def log_reduced(self) -> Tensor:
        """log(| |M|² |/α_s^k), what surrogates learn, `(n,)`; -inf where |M|² is 0."""
        power = self.alpha_s.new_tensor(self.qcd_order)[self.process]
        return self.amplitude.abs().log() - power * self.alpha_s.log()


def joined(tables: Sequence[AmplitudeTable]) -> AmplitudeTable:
    """One table of several with the same subprocesses.

    Raises:
        InputError: if there are none, or they are of different subprocesses.
    """
    if not tables:
        message = "training set: there are no points"
        raise InputError(message)
    first = tables[0]
    fixed = [f.name for f in fields(AmplitudeTable) if f.name not in COLUMNS]
    for table in tables[1:]:
        differing = [name for name in fixed if getattr(table, name) != getattr(first, name)]
        if differing:
            name = differing[0]
            message = f"training set: {name} {getattr(table, name)} and {getattr(first, name)}"
            raise InputError(message)
    whole = {name: torch.cat([t.columns()[name] for t in tables]) for name in first.columns()}
    return replace(first, **whole)  # type: ignore[arg-type]


class AmplitudeSource(Protocol):
    """Gives points with |M|² and counts what they cost."""

    @property
    def evaluations(self) -> int:
        """Evaluations of |M|² so far."""
        ...

    def draw(self, n: int) -> AmplitudeTable:
        """Gives n new points, or fewer where there are no more."""
        ...


class TableSource:
    """Gives the rows of a table, in order."""

    def __init__(self, table: AmplitudeTable) -> None:
        """A source with nothing given out yet."""
        self._table = table
        self._given = 0

    @property
    def evaluations(self) -> int:
        """Rows given out."""
        return self._given

    def draw(self, n: int) -> AmplitudeTable:
        """The next n rows, or those that are left."""
        rows = slice(self._given, self._given + n)
        found = self._table.select(rows)
        self._given += len(found)
        return found


@runtime_checkable
class TrainableSurrogate(Protocol):
    """An amplitude surrogate that learns from a table; see `AmplitudeSurrogate` for `predict`."""

    def fit(self, source: AmplitudeSource, budget: Budget, context: BuildContext) -> FitReport:
        """Trains in place.

        Args:
            source: gives points with |M|².
            budget: evaluations of |M|² that may be spent.
            context: as when the component was built, with a random generator for the training.

        Returns:
            What was done; losses by step.
        """
        ...
