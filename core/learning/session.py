"""A training session: warm start, rounds, choice; leaves a sampler with what was chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.training import Budget, Trainable
from crosshook.core.learning.dropping import drop_channels
from crosshook.core.learning.learner import Learner
from crosshook.core.learning.select import Choice, Fresh, choose
from crosshook.core.sampling.gradient import PROBES
from crosshook.core.sampling.parts import Parts, even_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.interfaces.training import Draw, FitReport, Source
    from crosshook.core.learning.alone import Learns
    from crosshook.core.learning.checkpoint import TrainingKeeper
    from crosshook.core.learning.settings import LearningSettings
    from crosshook.core.sampling.proposal import Proposal
    from crosshook.core.sampling.sampler import Sampler

FRESH_SHARES = (0.7, 0.2, 0.1)
"""Of the parts in the points a choice is made on."""


@dataclass(frozen=True)
class Lessons:
    """What a session trains.

    Attributes:
        parts: the mapping in training with its warm start.
        weights: channel weights in training, or None.
        untrained_weights: a copy of them as they start.
        learns: what has parameters among them.
        evaluations: budget of the whole session.
    """

    parts: Parts
    weights: ChannelWeights | None
    untrained_weights: ChannelWeights | None
    learns: tuple[Learns, ...]
    evaluations: int


@dataclass(frozen=True)
class Outcome:
    """What a session leaves besides a trained sampler.

    Attributes:
        losses: by step.
        choice: what was chosen, or None if nothing was to choose.
        notes: sentences for the report.
    """

    losses: tuple[float, ...]
    choice: Choice | None
    notes: tuple[str, ...]


class _Recorder:
    """A source whose draws go into the learner's buffer: the warm start's points are not lost.

    It hands on the continuous dimensions alone, which are those a warm start has.
    """

    def __init__(self, source: Source, learner: Learner, shares: Tensor, dimensions: int) -> None:
        self._source, self._learner, self._shares = source, learner, shares
        self._dimensions = dimensions

    @property
    def evaluations(self) -> int:
        return self._source.evaluations

    def draw(self, n: int) -> Draw:
        draw = self._source.draw(n)
        self._learner.take(draw, self._shares)
        return replace(draw, u=draw.u[:, : self._dimensions])


def train_together(
    lessons: Lessons,
    sampler: Sampler,
    source: Source,
    settings: LearningSettings,
    context: BuildContext,
    keeper: TrainingKeeper | None = None,
) -> Outcome:
    """Trains a mapping, and channel weights with it, and chooses what to keep.

    Args:
        lessons: what to train.
        sampler: draws with whatever proposal it is given here, and keeps the chosen one.
        source: draws through the sampler.
        settings: how.
        context: with a generator for the training.
        keeper: keeps checkpoints, and has the one to go on from; None keeps none.
    """

    def use(proposal: Proposal) -> None:
        sampler.proposal = proposal

    parts, total = lessons.parts, lessons.evaluations
    n_warm = round(settings.warm_share * total) if parts.warm is not None else 0
    n_select = round(settings.selection * total)
    n_check = round(settings.validation * total)
    components = {"learner": parts.learner, "warm start": parts.warm, "weights": lessons.weights}
    if keeper is not None and keeper.found is not None:
        keeper.restore_components(components, sampler.device)
    learner = Learner(
        parts,
        lessons.weights,
        lessons.learns,
        source,
        settings,
        max(0, total - n_warm - n_select - n_check - (2 * PROBES if settings.gradients else 0)),
        context,
        use,
    )
    notes: tuple[str, ...] = ()

    def keep() -> None:
        if keeper is not None:
            keeper.keep(components, learner, notes)

    if keeper is not None and keeper.found is not None:
        notes = keeper.restore(learner, sampler.device)
    elif n_warm:
        notes += _warm_up(parts, learner, source, Budget(n_warm), context, use)
        keep()
    learner.run(n_check, keep)
    if learner.progressed.skipped:
        notes += (f"{learner.progressed.skipped} steps without finite gradient were left out",)
    choice = None
    if n_select:
        choice = _chosen(lessons, sampler, source, n_select, settings, context)
        _keep(sampler, choice.shares, context)
        if lessons.untrained_weights is not None and not choice.learned_weights:
            sampler.weights = lessons.untrained_weights
            notes += ("the trained channel weights did no better than the prior: left out",)
    else:
        _keep(sampler, even_rows(context.channels, (1.0, 0.0, 0.0), sampler.device), context)
    if settings.drop_channels:
        names = sampler.integrand.channels
        dropped = drop_channels(learner.buffer, sampler.weights, names, settings.drop_channels)
        notes += dropped.notes
        closing = replace(sampler.composition, closed=dropped.closed)
        sampler.compose(closing, sampler.warm, context)
    return Outcome(tuple(learner.progressed.losses), choice, notes)


def _keep(sampler: Sampler, shares: Tensor, context: BuildContext) -> None:
    """Freezes the mixture into the sampler."""
    rows = tuple(tuple(row) for row in shares.tolist())
    sampler.compose(replace(sampler.composition, shares=rows), sampler.warm, context)


def _warm_up(
    parts: Parts,
    learner: Learner,
    source: Source,
    budget: Budget,
    context: BuildContext,
    use: Callable[[Proposal], None],
) -> tuple[str, ...]:
    """Trains the warm start by its own means, on points that are kept."""
    warm = parts.warm
    if not isinstance(warm, Trainable):
        return ()
    shares = even_rows(context.channels, (0.0, 1.0, 0.0), context.torch_device)
    use(parts.proposal(shares))
    report: FitReport = warm.fit(
        _Recorder(source, learner, shares, context.dimensions), budget, context
    )
    return report.notes


def _chosen(
    lessons: Lessons,
    sampler: Sampler,
    source: Source,
    n: int,
    settings: LearningSettings,
    context: BuildContext,
) -> Choice:
    """The choice on n fresh points."""
    parts = lessons.parts
    shares = even_rows(context.channels, FRESH_SHARES, sampler.device)
    sampler.proposal = parts.proposal(shares)
    draw = source.draw(n)
    rows = (draw.u, draw.channel, draw.condition)
    with torch.no_grad():
        columns = [m.inverse(*rows)[1] for m in parts.mappings()]
        log_value = torch.log(draw.value.abs())
        own = draw.channel[:, None]
        targets = [log_value + draw.log_alpha.gather(1, own)[:, 0]]
        if lessons.untrained_weights is not None:
            # Trained weights have drawn these points; what they were before comes first.
            before = lessons.untrained_weights.log_weights(draw.features, draw.log_prior, None)
            targets.insert(0, log_value + before.gather(1, own)[:, 0])
    fresh = Fresh(draw.channel, torch.stack(columns, dim=1), -draw.log_det, tuple(targets))
    return choose(fresh, context.channels, settings.objective, parts.groups)
