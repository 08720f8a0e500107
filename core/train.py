"""Training: components train themselves on draws that core weighs, counts and records.

Components with parameters, such as a flow and learned channel weights, train together in one
session of `crosshook.core.learning`. Otherwise the channel mapping comes first, and channel
weights follow on points drawn through the trained mapping. A component trains if its record says
so and its slot names no saved model, or names one and asks to train on.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from crosshook.core import random
from crosshook.core.errors import ConfigurationError, ModelError, RegistryError
from crosshook.core.interfaces.training import Budget, Stateful, Trainable
from crosshook.core.learning.checkpoint import TrainingKeeper
from crosshook.core.learning.session import Lessons, train_together
from crosshook.core.sampling.build import MAPPING, WEIGHTS
from crosshook.core.sampling.composition import Composition
from crosshook.core.sampling.invalid import check_invalid, invalid_notes
from crosshook.core.sampling.sampler import even_shares, shares_from
from crosshook.core.sampling.source import SHARE_FLOOR, SamplerSource
from crosshook.core.statistics import chi_squared
from crosshook.core.training_result import (
    CandidateResult,
    ChannelChoice,
    IterationResult,
    TrainingResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import FitReport, Iteration
    from crosshook.core.learning.alone import Learns
    from crosshook.core.learning.checkpoint import CheckpointFolder
    from crosshook.core.learning.select import Choice
    from crosshook.core.learning.session import Outcome
    from crosshook.core.learning.settings import LearningSettings
    from crosshook.core.registry import Registry
    from crosshook.core.sampling.sampler import Sampler


@dataclass(frozen=True)
class TrainingPlan:
    """A training to come.

    Attributes:
        slots: channel mapping and channel weights, by interface.
        evaluations: for all that train and have no budget of their own.
        settings: of components with parameters.
        groups: the group of each channel, or None.
        seed: of all random numbers.
        max_invalid_fraction: share of points that may be invalid.
    """

    slots: Mapping[str, Slot]
    evaluations: int
    settings: LearningSettings
    groups: tuple[int, ...] | None
    seed: int
    max_invalid_fraction: float

    def composition(self, registry: Registry) -> Composition:
        """How the mapping will make a proposal: a mapping that learns has a warm start.

        Raises:
            ConfigurationError: if channels are grouped for a mapping that cannot share.
        """
        mapping = self.slots[MAPPING]
        learns = registry.get(MAPPING, mapping.use).component.capabilities.learns
        if not learns or mapping.model is not None:
            if self.groups is not None:
                message = f"sampling.groups: {mapping.use!r} learns for each channel by itself"
                raise ConfigurationError(message)
            return Composition()
        settings = self.settings
        return Composition(None, settings.warm_start, settings.warm_layer, self.groups)


@dataclass(frozen=True)
class Lesson:
    """The part of the training that belongs to one component.

    Attributes:
        interface: of the component.
        slot: the component's place in the run file.
        evaluations: its budget; 0 if it does not train.
        why: why it does not train, or `""`.
    """

    interface: str
    slot: Slot
    evaluations: int
    why: str = ""


def plan_training(plan: TrainingPlan, registry: Registry) -> tuple[Lesson, ...]:
    """Which components train, in what order and with what budget.

    The evaluations are shared out evenly over those whose slot has no `train.evaluations` of its
    own.

    Raises:
        ConfigurationError: if a slot asks for a training its component does not have.
        ModelError: if a component learns but could not be saved for the stages that follow.
    """
    slots = plan.slots
    _check_gradients(plan, registry)
    reasons = {name: _why_not(registry, name, slot) for name, slot in slots.items()}
    sharing = [n for n, slot in slots.items() if not reasons[n] and _own_budget(slot) is None]
    each = plan.evaluations // len(sharing) if sharing else 0
    lessons = []
    for name, slot in slots.items():
        own = _own_budget(slot)
        budget = 0 if reasons[name] else each if own is None else own
        why = reasons[name] or ("" if budget else "untrained: sampling.evaluations is 0")
        lessons.append(Lesson(name, slot, budget, why))
    return tuple(lessons)


def check_keeps(registry: Registry, interface: str, name: str) -> None:
    """Blocks are computed by copies built from saved models: what was learned must be saved.

    Raises:
        ModelError: if the component is not declared stateful.
    """
    if not registry.get(interface, name).component.capabilities.stateful:
        message = (
            f"{interface} {name!r} is fitted in a run but not declared stateful: "
            "what it learns could not be kept"
        )
        raise ModelError(message)


def _why_not(registry: Registry, interface: str, slot: Slot) -> str:
    if not registry.get(interface, slot.use).component.capabilities.trainable:
        if slot.train is not None:
            message = f"sampling.{interface}.train: {slot.use!r} is not trainable"
            raise ConfigurationError(message)
        return f"{slot.use} needs no training"
    check_keeps(registry, interface, slot.use)
    return "saved model" if slot.model is not None and slot.train is None else ""


def _check_gradients(plan: TrainingPlan, registry: Registry) -> None:
    """Gradients hold for the channel weights a point was drawn with."""
    slot = plan.slots[WEIGHTS]
    learns = registry.get(WEIGHTS, slot.use).component.capabilities.learns
    fixed = slot.model is not None and slot.train is None
    if plan.settings.gradients and learns and not fixed:
        message = (
            f"sampling.training.gradients: {plan.settings.gradients} with channel weights "
            f"{slot.use!r}, which learn at the same time: gradients of their share would be out of "
            "date; set gradients to 0, or take channel_weights: prior"
        )
        raise ConfigurationError(message)


def _own_budget(slot: Slot) -> int | None:
    own = (slot.train or {}).get("evaluations")
    return None if own is None else cast("int", own)


def train(
    plan: TrainingPlan,
    sampler: Sampler,
    context: BuildContext,
    registry: Registry,
    listener: Callable[[IterationResult], None],
    checkpoints: CheckpointFolder | None = None,
) -> tuple[TrainingResult, Tensor]:
    """Trains the channel mapping and the channel weights of a sampler, in place.

    Args:
        plan: what to train, and how.
        sampler: untrained, composed as the plan says.
        context: the sampler's components were built in.
        registry: knows which of them are trainable.
        listener: told about each iteration.
        checkpoints: where they are kept and looked for: a training found there goes on. Only
            components with parameters have any, as others are quick. None keeps none.

    Returns:
        What happened, and the channel shares for the integration, `(k,)`.

    Raises:
        NumericalError: if too many points are invalid.
    """
    start = time.perf_counter()
    lessons = plan_training(plan, registry)
    if not any(lesson.evaluations for lesson in lessons):
        why = lessons[0].why
        nothing = TrainingResult(0, (), 0.0, 0, True, (why,), time.perf_counter() - start)
        return nothing, even_shares(sampler.n_channels, sampler.composition.closed)

    def heard(iteration: Iteration) -> None:
        assert source.sums is not None
        check_invalid(source.sums, plan.max_invalid_fraction, source.invalid)
        listener(_result(iteration))

    source = SamplerSource(sampler, plan.seed, heard)
    notes: tuple[str, ...] = ()
    losses: dict[str, tuple[float, ...]] = {}
    choice: Choice | None = None
    shares: Tensor | None = None
    together = [lesson for lesson in lessons if lesson.evaluations and _learns(registry, lesson)]
    if together and together[0].interface == MAPPING:
        keeper = None if checkpoints is None else TrainingKeeper(checkpoints, source)
        outcome = _session(plan, together, sampler, source, context, keeper)
        notes += outcome.notes
        losses[MAPPING] = outcome.losses
        choice = outcome.choice
        if choice is not None:
            shares = shares_from(choice.deviations.numpy(), SHARE_FLOOR)
    else:
        together = []
    for lesson in lessons:
        if lesson.evaluations and lesson not in together:
            report = _teach(lesson, plan, sampler, source, context)
            notes += report.notes
            if report.losses:
                losses[lesson.interface] = tuple(float(loss) for loss in report.losses)
    if source.sums is not None:
        notes += invalid_notes(source.sums, source.invalid)
    history = tuple(_result(i) for i in source.history)
    chi2, dof = chi_squared(
        np.array([i.estimate for i in history]), np.array([i.error for i in history])
    )
    result = TrainingResult(
        source.evaluations,
        history,
        chi2,
        dof,
        False,
        notes,
        time.perf_counter() - start,
        losses,
        () if choice is None else _candidates(choice, plan.slots[MAPPING], sampler.composition),
        0 if choice is None else choice.points,
        () if choice is None else _choices(choice, sampler),
    )
    if shares is None:
        shares = source.shares
    closed = sampler.composition.closed
    return result, shares_from(shares.numpy(), 0.0, closed) if closed else shares


def _candidates(
    choice: Choice, learned: Slot, composition: Composition
) -> tuple[CandidateResult, ...]:
    """What was judged, the simplest first; a warm start there was not is none."""
    warm = composition.warm_start
    components = {"learned": learned.use, "warm start": "" if warm is None else warm.use}
    order = ("untrained", "warm start", "learned", "chosen")
    return tuple(
        CandidateResult(
            j.name,
            j.weights,
            j.relative_deviation,
            j.efficiency,
            components.get(j.name, ""),
            j.deviation_error,
            j.efficiency_error,
        )
        for j in sorted(choice.judged, key=lambda j: (j.weights != "before", order.index(j.name)))
        if warm is not None or j.name != "warm start"
    )


def _choices(choice: Choice, sampler: Sampler) -> tuple[ChannelChoice, ...]:
    """Shares of the parts, channel by channel; without a warm start its part is the identity."""
    rows = zip(sampler.integrand.channels, choice.shares.tolist(), strict=True)
    if sampler.composition.warm_start is None:
        return tuple(ChannelChoice(name, a, 0.0, b + c) for name, (a, b, c) in rows)
    return tuple(ChannelChoice(name, *row) for name, row in rows)


def _learns(registry: Registry, lesson: Lesson) -> bool:
    return registry.get(lesson.interface, lesson.slot.use).component.capabilities.learns


def _session(
    plan: TrainingPlan,
    lessons: list[Lesson],
    sampler: Sampler,
    source: SamplerSource,
    context: BuildContext,
    keeper: TrainingKeeper | None,
) -> Outcome:
    """The mapping, and the channel weights with it if they learn too."""
    weights = sampler.weights if len(lessons) > 1 and sampler.n_channels > 1 else None
    untrained = None
    if weights is not None:
        assert isinstance(weights, Stateful)
        untrained = copy.deepcopy(weights)
    learns = (sampler.mapping,) if weights is None else (sampler.mapping, weights)
    rng = random.torch_generator(plan.seed, f"train {MAPPING}")
    return train_together(
        Lessons(
            sampler.composition.parts(sampler.mapping, sampler.warm, context),
            weights,
            untrained,
            cast("tuple[Learns, ...]", learns),
            sum(lesson.evaluations for lesson in lessons),
        ),
        sampler,
        source,
        plan.settings,
        context.with_(rng=rng),
        keeper,
    )


def _teach(
    lesson: Lesson,
    plan: TrainingPlan,
    sampler: Sampler,
    source: SamplerSource,
    context: BuildContext,
) -> FitReport:
    component = sampler.mapping if lesson.interface == MAPPING else sampler.weights
    if not isinstance(component, Trainable):
        message = (
            f"{lesson.interface} {lesson.slot.use!r} is declared trainable, "
            "but has no fit(source, budget, context)"
        )
        raise RegistryError(message)
    # A stream of its own: numbers that made the initial values must not come again.
    rng = random.torch_generator(plan.seed, f"train {lesson.interface}")
    return component.fit(source, Budget(lesson.evaluations), context.with_(rng=rng))


def _result(iteration: Iteration) -> IterationResult:
    return IterationResult(
        iteration.evaluations,
        iteration.estimate,
        iteration.error,
        iteration.channel_estimates,
        iteration.channel_errors,
    )
