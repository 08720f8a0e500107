"""A component that learns by itself: what its `fit` calls, with the default settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, cast

from crosshook.core.interfaces.training import FitReport
from crosshook.core.learning.learner import Learner
from crosshook.core.learning.settings import learning_settings
from crosshook.core.sampling.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.interfaces.training import Budget, Draw, Source


class Learns(Protocol):
    """Something with parameters."""

    def parameters(self) -> Iterable[Tensor]:
        """Tensors a training changes, and those `prepare` sets, which ask for no gradient."""
        ...

    def prepare(self, draw: Draw) -> None:
        """Looks at the first points of a training, e.g. to learn the scales of features."""
        ...


def learn_mapping(
    mapping: Learns, source: Source, budget: Budget, context: BuildContext
) -> FitReport:
    """Trains a mapping on what a source draws through it, by variance.

    Args:
        mapping: a channel mapping with parameters, whose `inverse` carries gradients to them.
        source: draws through the mapping.
        budget: how much.
        context: with a generator.
    """
    parts = Parts(cast("ChannelMapping", mapping), None, context)
    return _learn(parts, None, mapping, source, budget, context)


def learn_weights(
    weights: Learns, source: Source, budget: Budget, context: BuildContext
) -> FitReport:
    """Trains channel weights on what a source draws, by variance.

    Args:
        weights: channel weights with parameters.
        source: draws through the sampler they belong to.
        budget: how much.
        context: with a generator.
    """
    return _learn(None, cast("ChannelWeights", weights), weights, source, budget, context)


def _learn(
    parts: Parts | None,
    weights: ChannelWeights | None,
    learns: Learns,
    source: Source,
    budget: Budget,
    context: BuildContext,
) -> FitReport:
    settings = replace(learning_settings(), explore=0.0)
    if budget.evaluations < settings.rounds:
        return FitReport(0, notes=("budget too small to learn from",))
    before = source.evaluations
    learner = Learner(
        parts,
        weights,
        (learns,),
        source,
        settings,
        budget.evaluations,
        context,
        lambda _: None,
    )
    learner.run(0, lambda: None)
    return FitReport(source.evaluations - before, losses=tuple(learner.progressed.losses))
