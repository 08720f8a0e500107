"""Transfer function `transformer-flow`: jets in any order and number (2310.07752).

A transformer reads partons and the reconstructed objects so far, and gives the numbers of the
densities of the next; see `crosshook.plugins.transfer.sequence`. Objects have no order: they are
sorted by their first column, and the density is that of sorted lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.training import FitReport
from crosshook.plugins.transfer.acceptance import Acceptance
from crosshook.plugins.transfer.attention import Shop
from crosshook.plugins.transfer.columns import check_periodic
from crosshook.plugins.transfer.learned import Teaching, check_trainable, fit_acceptance
from crosshook.plugins.transfer.learning import train
from crosshook.plugins.transfer.level import Level
from crosshook.plugins.transfer.sequence import SequenceDensity, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget
    from crosshook.core.transfer.paired import PairedSource

NAME = "transformer-flow"
CHUNK = 4096
"""Rows at a time where no gradients are wanted."""
ACCEPTANCE_DEPTH = 2


class TransformerTransfer:
    """See the module."""

    def __init__(
        self,
        context: BuildContext,
        teaching: Teaching,
        periodic: Sequence[str] | None,
        shape: Shape,
        degree: int,
    ) -> None:
        """A transformer that knows nothing yet; options as in schemas/v1/components/transformer-flow.json.

        Raises:
            ConfigurationError: if heads do not divide the width.
        """
        if shape.width % shape.heads:
            message = f"{NAME}: width {shape.width} is no multiple of {shape.heads} heads"
            raise ConfigurationError(message)
        self._device = context.torch_device
        self._teaching, self._periodic = teaching, periodic
        self._shape, self._degree = shape, degree
        self._truth: Level | None = None
        self._reco: Level | None = None
        self._density: SequenceDensity | None = None
        self._acceptance: Acceptance | None = None

    def fit(self, source: PairedSource, budget: Budget, context: BuildContext) -> FitReport:
        """Trains in place; see `TrainableTransfer.fit`.

        Raises:
            InputError: if there are too few events, or columns that cannot be learned from.
            ConfigurationError: if there is no random generator, or an option does not fit.
        """
        if context.rng is None:
            message = f"{NAME}: a training needs a random generator in its context"
            raise ConfigurationError(message)
        before = source.evaluations
        events = source.draw(budget.evaluations)
        spent = source.evaluations - before
        check_trainable(events, NAME)
        events = events.shuffled(context.rng).to(self._device)
        kept = events.select(events.accepted)
        self._truth = Level.of(events.truth, self._periodic, self._degree, "truth")
        self._reco = Level.of(kept.reco, self._periodic, self._degree, "reco")
        known = (self._truth, self._reco)
        columns = [c for level in known for c in (level.dense, *level.sets.values())]
        check_periodic(self._periodic, columns, NAME)
        for key, own in self._reco.sets.items():
            if own.periodic[0]:
                message = (
                    f"{NAME}: objects of {key!r} are ordered by their first column, which is the "
                    f"angle {own.names[0]!r}; put another one first, e.g. pt"
                )
                raise ConfigurationError(message)
        density = SequenceDensity(
            self._truth, self._reco, self._shape, self._shop(context.rng, None), fresh=True
        )
        self._density = density

        def loss(rows: Tensor) -> Tensor:
            part = kept.select(rows)
            return -density.log_prob(part.reco, part.truth).to(self._teaching.dtype)

        learnt = train(
            density.parameters(),
            loss,
            kept.weight.to(self._teaching.dtype),
            self._teaching.held_out,
            self._teaching.lesson("transfer function", self._teaching.epochs),
            context.rng,
            context.progress,
            context.store,
        )
        seen = self._truth.flat(events.truth).to(self._teaching.dtype)
        self._acceptance, notes = fit_acceptance(
            seen, events, (2 * self._shape.width, ACCEPTANCE_DEPTH), self._teaching, context
        )
        notes = (*learnt.notes("transfer function"), *notes)
        return FitReport(spent, losses=learnt.losses, notes=notes)

    def _shop(self, rng: torch.Generator | None, tensors: dict[str, Tensor] | None) -> Shop:
        shape = self._shape
        return Shop(shape.width, shape.heads, self._teaching.dtype, self._device, rng, tensors)

    def _trained(self) -> tuple[Level, Level, SequenceDensity]:
        if self._truth is None or self._reco is None or self._density is None:
            message = f"{NAME}: not trained yet"
            raise ConfigurationError(message)
        return self._truth, self._reco, self._density

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        """log T(x|z), a density of sets in which each counts once; see `TransferFunction.log_prob`.

        Raises:
            InputError: if the columns are others than in the training, or hold no numbers.
            ConfigurationError: if it is not trained.
        """
        truth_level, reco_level, density = self._trained()
        truth_level.check(truth, NAME)
        reco_level.check(reco, NAME)
        if len(reco) != len(truth):
            message = f"{NAME}: {len(reco)} rows of reco, {len(truth)} of truth"
            raise InputError(message)
        if not len(truth):
            return truth.dense.new_zeros(0)
        if torch.is_grad_enabled() and (truth.dense.requires_grad or reco.dense.requires_grad):
            return density.log_prob(reco, truth)
        with torch.no_grad():
            return torch.cat(
                [
                    density.log_prob(reco.select(rows), truth.select(rows))
                    for rows in _chunks(len(truth))
                ]
            )

    @torch.no_grad()
    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        """Draws accepted reconstructions; see `TransferFunction.sample`."""
        truth_level, reco_level, density = self._trained()
        truth_level.check(truth, NAME)
        repeated = truth.repeated(n_draws)
        if not len(repeated):
            return _nothing(reco_level, truth.dense)
        return _joined(
            [density.sample(repeated.select(rows), rng) for rows in _chunks(len(repeated))]
        )

    def log_acceptance(self, truth: Features) -> Tensor:
        """log ε(z); see `TransferFunction.log_acceptance`."""
        level, _, _ = self._trained()
        level.check(truth, NAME)
        if self._acceptance is None or not len(truth):
            return truth.dense.new_zeros(len(truth))
        with torch.set_grad_enabled(torch.is_grad_enabled() and truth.dense.requires_grad):
            return self._acceptance.log(level.flat(truth))

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """Networks, scales and columns."""
        if self._density is None:
            return {}, {}
        truth, reco, density = self._trained()
        tensors, values = truth.state()
        more, further = reco.state()
        tensors |= more | density.state()
        if self._acceptance is not None:
            tensors |= self._acceptance.state()
        return tensors, {**values, **further}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back what `state` gave."""
        if not values:
            return
        self._truth = Level.from_state(tensors, values, "truth", self._degree)
        self._reco = Level.from_state(tensors, values, "reco", self._degree)
        shop = self._shop(None, tensors)
        self._density = SequenceDensity(self._truth, self._reco, self._shape, shop, fresh=False)
        self._acceptance = (
            Acceptance.from_state(tensors) if "acceptance.shift" in tensors else None
        )


def _chunks(n: int) -> list[slice]:
    return [slice(first, first + CHUNK) for first in range(0, n, CHUNK)]


def _nothing(level: Level, like: Tensor) -> Features:
    """No rows of a level."""
    sets = {}
    for key, columns in level.sets.items():
        values = like.new_zeros((0, level.longest[key], len(columns)))
        sets[key] = (values, values[:, :, 0].bool())
    return Features(
        like.new_zeros((0, len(level.dense))),
        level.dense.names,
        level.dense.units,
        sets,
        {key: columns.names for key, columns in level.sets.items()},
        {key: columns.units for key, columns in level.sets.items()},
    )


def _joined(parts: Sequence[Features]) -> Features:
    """Features of the same columns and places, one after another."""
    first = parts[0]
    sets = {
        key: (
            torch.cat([part.sets[key][0] for part in parts]),
            torch.cat([part.sets[key][1] for part in parts]),
        )
        for key in first.sets
    }
    dense = torch.cat([part.dense for part in parts])
    return Features(dense, first.names, first.units, sets, first.set_names, first.set_units)


def make(
    context: BuildContext,
    *,
    width: int,
    heads: int,
    blocks: int,
    components: int,
    bins: int,
    encoding: int,
    periodic: Sequence[str] | None,
    epochs: float,
    batch: int,
    learning_rate: float,
    held_out: float,
    acceptance_epochs: float,
    precision: str,
) -> TransformerTransfer:
    """The component's factory."""
    teaching = Teaching(epochs, batch, learning_rate, held_out, acceptance_epochs, precision)
    shape = Shape(width, heads, blocks, components, bins)
    return TransformerTransfer(context, teaching, periodic, shape, encoding)
