"""Unfolder: truth distributions from measured ones, with their families of weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from crosshook.core.report.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch
    from torch import Tensor

    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.training import FitReport
    from crosshook.core.report.sections import Headline, Table

FamilyKind = Literal[
    "nominal", "iteration", "ensemble", "bootstrap_data", "bootstrap_mc", "systematic"
]


@dataclass(frozen=True)
class Simulation:
    """Simulated events with both levels.

    Attributes:
        truth: n rows; rows of fakes are ignored through `has_truth`.
        reco: n rows; rows of missed events are ignored through `has_reco`.
        weight: generator weights, `(n,)`.
        has_truth: False for fakes, `(n,)` bool.
        has_reco: False for missed events, `(n,)` bool.
    """

    truth: Features
    reco: Features
    weight: Tensor
    has_truth: Tensor
    has_reco: Tensor


@dataclass(frozen=True)
class Measured:
    """Measured events, or backgrounds to subtract.

    Attributes:
        reco: n rows.
        weight: `(n,)`.
    """

    reco: Features
    weight: Tensor


@dataclass(frozen=True)
class WeightFamily:
    """Weights of one kind for every truth row.

    Attributes:
        kind: what varies along the columns.
        weights: `(n, k)`.
        labels: one label a column; crossing replicas share an index in their label.
    """

    kind: FamilyKind
    weights: Tensor
    labels: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Unfolded(Shown):
    """A weighted truth sample.

    Attributes:
        truth: n rows; for reweighting methods the rows of the simulation that have truth.
        families: by name; `nominal` is always there, with one column.
        notes: sentences for the report.
    """

    truth: Features
    families: Mapping[str, WeightFamily]
    notes: tuple[str, ...] = field(default_factory=tuple)

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.data_shown import unfolded_headline

        return unfolded_headline(self)

    def tables(self) -> tuple[Table, ...]:
        """Rows that are shown with them."""
        from crosshook.core.report.data_shown import unfolded_table

        return (unfolded_table(self),)


class Unfolder(Protocol):
    """Fits once, honouring weights; core runs replicas as tasks and fills the families."""

    def fit(
        self,
        simulation: Simulation,
        measured: Measured,
        background: Measured | None,
        rng: torch.Generator,
    ) -> FitReport:
        """Learns the truth distribution that explains the measured one."""
        ...

    def unfold(self) -> Unfolded:
        """The result of the fit: nominal weights, and one family of kind `iteration`."""
        ...


class ResumableUnfolder(Unfolder, Protocol):
    """An unfolder with the capabilities `resumable` and `stateful`.

    Its state between iterations is enough to go on: loaded into a fresh object that is fitted to
    the same events with a generator that begins alike, it ends at the same bits.

    Attributes:
        keep: called after every iteration, e.g. to save it as a model; None for nothing.
    """

    keep: Callable[[], None] | None

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """What is learned so far, as tensors and JSON."""
        ...

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back what `state` gave."""
        ...


class EventWiseUnfolder(Unfolder, Protocol):
    """An unfolder with capability `event_wise`."""

    def posterior(
        self, measured: Measured, n_draws: int, rng: torch.Generator
    ) -> tuple[Features, Tensor]:
        """Draws truth for each measured event.

        Returns:
            Features of n · n_draws rows, event by event, and log-weights `(n, n_draws)`.
        """
        ...
