"""What all transfer functions that learn have in common: columns, training, acceptance, state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.training import FitReport
from crosshook.core.learning.dense import Dense
from crosshook.plugins.transfer.acceptance import Acceptance, learn_acceptance
from crosshook.plugins.transfer.columns import Columns, check_periodic
from crosshook.plugins.transfer.learning import train, usual_lesson
from crosshook.plugins.transfer.scales import Scales

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget
    from crosshook.core.learning.descent import Lesson
    from crosshook.core.transfer.paired import PairedEvents, PairedSource
    from crosshook.plugins.transfer.learning import Loss

CHUNK = 16_384
"""Rows at a time where no gradients are wanted."""
FEWEST = 50
"""Accepted events below which there is nothing to learn from."""
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Teaching:
    """Options of every training; meaning and defaults are in schemas/v1/components.

    Attributes follow the options there.
    """

    epochs: float
    batch: int
    learning_rate: float
    held_out: float
    acceptance_epochs: float
    precision: str

    @property
    def dtype(self) -> torch.dtype:
        """Of the networks."""
        return DTYPES[self.precision]

    def lesson(self, stage: str, epochs: float) -> Lesson:
        """One training, under a name for the progress bar."""
        return usual_lesson(epochs, self.batch, self.learning_rate, stage)


class Density(ABC):
    """T(x|z) of rows of dense columns, under one truth scale."""

    @abstractmethod
    def parameters(self) -> Sequence[Tensor]:
        """What a training changes."""

    @abstractmethod
    def lesson(self, x: Tensor, truth: Tensor, seen: Tensor) -> Loss:
        """−log T of rows by their numbers.

        Args:
            x: reconstructed columns, `(n, f)`.
            truth: true columns, `(n, g)`.
            seen: what networks see of them, `(n, e)`.
        """

    @abstractmethod
    def log_prob(self, x: Tensor, truth: Tensor, seen: Tensor) -> Tensor:
        """log T(x|z), `(n,)`; arguments as above."""

    @abstractmethod
    def sample(self, truth: Tensor, seen: Tensor, rng: torch.Generator) -> Tensor:
        """One draw a row, `(n, f)`."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """All tensors."""


class DenseTransfer(ABC):
    """A transfer function from dense columns to dense columns."""

    name: str

    def __init__(
        self,
        context: BuildContext,
        teaching: Teaching,
        periodic: Sequence[str] | None,
        degree: int,
        hidden: tuple[int, int],
    ) -> None:
        """A transfer function that knows nothing yet.

        Args:
            context: for the device.
            teaching: how it is trained.
            periodic: names of periodic columns, or None for all in rad.
            degree: of what networks see of a column.
            hidden: width and depth of the network of the acceptance.
        """
        self._device = context.torch_device
        self._teaching, self._periodic, self._degree = teaching, periodic, degree
        self._hidden = hidden
        self._truth: Columns | None = None
        self._reco: Columns | None = None
        self._scales: Scales | None = None
        self._density: Density | None = None
        self._acceptance: Acceptance | None = None

    @abstractmethod
    def _start(
        self,
        reco: Columns,
        truth: Columns,
        x: Tensor,
        rows: Tensor,
        seen: Tensor,
        rng: torch.Generator,
    ) -> Density:
        """An untrained density for the accepted rows of a training."""

    @abstractmethod
    def _restored(self, tensors: dict[str, Tensor], reco: Columns, truth: Columns) -> Density:
        """The density from its state."""

    def fit(self, source: PairedSource, budget: Budget, context: BuildContext) -> FitReport:
        """Trains in place; see `TrainableTransfer.fit`.

        Raises:
            InputError: if there are too few events, or columns that cannot be learned from.
            ConfigurationError: if there is no random generator, or an option does not fit.
        """
        if context.rng is None:
            message = f"{self.name}: a training needs a random generator in its context"
            raise ConfigurationError(message)
        before = source.evaluations
        events = source.draw(budget.evaluations)
        spent = source.evaluations - before
        check_trainable(events, self.name)
        events = events.shuffled(context.rng).to(self._device)
        self._check_dense(events.reco, "reco")
        self._check_dense(events.truth, "truth")
        truth, reco = events.truth, events.reco
        self._truth = Columns.of(truth.names, truth.units, self._periodic)
        self._reco = Columns.of(reco.names, reco.units, self._periodic)
        check_periodic(self._periodic, (self._truth, self._reco), self.name)
        self._scales = Scales.of(self._truth, truth.dense, self._degree, "truth")
        seen = self._scales.all_seen(truth.dense).to(self._teaching.dtype)
        kept = events.accepted
        x, rows, own = reco.dense[kept], truth.dense[kept], seen[kept]
        self._density = self._start(self._reco, self._truth, x, rows, own, context.rng)
        learnt = train(
            self._density.parameters(),
            self._density.lesson(x, rows, own),
            events.weight[kept].to(self._teaching.dtype),
            self._teaching.held_out,
            self._teaching.lesson("transfer function", self._teaching.epochs),
            context.rng,
            context.progress,
            context.store,
        )
        self._acceptance, notes = fit_acceptance(
            seen, events, self._hidden, self._teaching, context
        )
        notes = (*learnt.notes("transfer function"), *notes)
        return FitReport(spent, losses=learnt.losses, notes=notes)

    def _check_dense(self, features: Features, what: str) -> None:
        if features.sets:
            names = ", ".join(features.sets)
            message = (
                f"{self.name}: {what} has sets ({names}), this transfer function knows dense "
                "columns only; transformer-flow has sets"
            )
            raise InputError(message)
        if not features.names:
            message = f"{self.name}: {what} has no columns"
            raise InputError(message)

    def _trained(self) -> tuple[Columns, Columns, Scales, Density]:
        if (
            self._truth is None
            or self._reco is None
            or self._scales is None
            or self._density is None
        ):
            message = f"{self.name}: not trained yet"
            raise ConfigurationError(message)
        return self._truth, self._reco, self._scales, self._density

    def _truth_rows(self, truth: Features) -> Tensor:
        columns, *_ = self._trained()
        self._check_dense(truth, "truth")
        columns.check(truth.names, truth.dense.shape[1], f"{self.name}: truth")
        check_finite(truth.dense, columns, f"{self.name}: truth")
        return truth.dense

    def _seen(self, rows: Tensor) -> Tensor:
        _, _, scales, _ = self._trained()
        return scales.all_seen(rows).to(self._teaching.dtype)

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        """log T(x|z); see `TransferFunction.log_prob`.

        Raises:
            InputError: if the columns are others than in the training, or hold no numbers.
            ConfigurationError: if it is not trained.
        """
        _, columns, _, density = self._trained()
        rows = self._truth_rows(truth)
        self._check_dense(reco, "reco")
        columns.check(reco.names, reco.dense.shape[1], f"{self.name}: reco")
        check_finite(reco.dense, columns, f"{self.name}: reco")
        if len(reco) != len(truth):
            message = f"{self.name}: {len(reco)} rows of reco, {len(truth)} of truth"
            raise InputError(message)

        def some(x: Tensor, z: Tensor) -> Tensor:
            return density.log_prob(x, z, self._seen(z))

        if torch.is_grad_enabled() and (rows.requires_grad or reco.dense.requires_grad):
            return some(reco.dense, rows)
        with torch.no_grad():
            pairs = zip(torch.split(reco.dense, CHUNK), torch.split(rows, CHUNK), strict=True)
            return torch.cat([some(x, z) for x, z in pairs])

    @torch.no_grad()
    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        """Draws accepted reconstructions; see `TransferFunction.sample`."""
        _, columns, _, density = self._trained()
        rows = self._truth_rows(truth).repeat_interleave(n_draws, dim=0)
        drawn = [density.sample(part, self._seen(part), rng) for part in torch.split(rows, CHUNK)]
        return Features(torch.cat(drawn), columns.names, columns.units)

    def log_acceptance(self, truth: Features) -> Tensor:
        """log ε(z); see `TransferFunction.log_acceptance`."""
        rows = self._truth_rows(truth)
        if self._acceptance is None:
            return torch.zeros_like(rows[:, 0])
        if torch.is_grad_enabled() and rows.requires_grad:
            return self._acceptance.log(self._seen(rows))
        with torch.no_grad():
            return torch.cat(
                [self._acceptance.log(self._seen(part)) for part in torch.split(rows, CHUNK)]
            )

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """Networks, scales and columns."""
        if self._density is None:
            return {}, {}
        truth, reco, scales, density = self._trained()
        tensors = density.state() | scales.state("truth")
        if self._acceptance is not None:
            tensors |= self._acceptance.state()
        return tensors, {"truth": truth.as_json(), "reco": reco.as_json()}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back what `state` gave."""
        if not values:
            return
        self._truth = Columns.from_json(values["truth"])
        self._reco = Columns.from_json(values["reco"])
        self._scales = Scales.from_state(tensors, "truth", len(self._truth), self._degree)
        self._density = self._restored(tensors, self._reco, self._truth)
        self._acceptance = (
            Acceptance.from_state(tensors) if "acceptance.shift" in tensors else None
        )


def fit_acceptance(
    seen: Tensor,
    events: PairedEvents,
    hidden: tuple[int, int],
    teaching: Teaching,
    context: BuildContext,
) -> tuple[Acceptance | None, tuple[str, ...]]:
    """Learns which events are accepted.

    Args:
        seen: what the network sees of their truth, `(n, e)`.
        events: in random order.
        hidden: width and depth of the network.
        teaching: how.
        context: with a random generator.

    Returns:
        The acceptance, None if it is 1, and what is to be said of it.
    """
    if bool(events.accepted.all()):
        return None, ("no event of the training is lost: the acceptance is 1",)
    rng = cast("torch.Generator", context.rng)
    width, depth = hidden
    sizes = (seen.shape[1], *[width] * depth, 1)
    found, learnt = learn_acceptance(
        Dense.random(sizes, rng, seen.dtype, seen.device),
        seen,
        events.accepted,
        events.weight,
        teaching.held_out,
        teaching.lesson("acceptance", teaching.acceptance_epochs),
        rng,
        context.progress,
    )
    return found, learnt.notes("acceptance")


def check_trainable(events: PairedEvents, name: str) -> None:
    """Refuses events nothing can be learned from.

    Raises:
        InputError: if there are too few accepted events, or their weights are unusable.
    """
    kept = int(events.accepted.sum())
    if kept < FEWEST:
        message = f"{name}: {kept} accepted events of {len(events)}, at least {FEWEST} are needed"
        raise InputError(message)
    if not bool(events.weight.isfinite().all()):
        message = f"{name}: a weight of the training is no finite number"
        raise InputError(message)
    total = float(events.weight[events.accepted].sum())
    if not total > 0:
        message = f"{name}: the weights of the accepted events sum to {total:g}, not above 0"
        raise InputError(message)


def check_finite(rows: Tensor, columns: Columns, what: str) -> None:
    """Refuses values that are no numbers.

    Raises:
        InputError: naming the first column with one.
    """
    bad = ~rows.isfinite()
    if bool(bad.any()):
        number = int(torch.nonzero(bad)[0, 0])
        column = columns.names[int(torch.nonzero(bad)[0, 1])]
        message = f"{what}: {column} of row {number} is {float(rows[bad][0])}"
        raise InputError(message)
