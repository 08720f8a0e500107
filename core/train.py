"""Training: components train themselves on draws that core weighs, counts and records.

The channel mapping comes first; channel weights follow, on points drawn through the trained
mapping. A component trains if its record says so and its slot names no saved model, or names one
and asks to train on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from crosshook.core import random
from crosshook.core.errors import ConfigurationError, ModelError, RegistryError
from crosshook.core.interfaces.training import Budget, Trainable
from crosshook.core.results import IterationResult, TrainingResult
from crosshook.core.sampling.build import MAPPING, WEIGHTS, build_context
from crosshook.core.sampling.invalid import check_invalid, invalid_notes
from crosshook.core.sampling.sampler import even_shares
from crosshook.core.sampling.source import SamplerSource
from crosshook.core.statistics import chi_squared

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.config import RunConfig
    from crosshook.core.interfaces.training import FitReport, Iteration
    from crosshook.core.progress import Progress
    from crosshook.core.registry import Registry
    from crosshook.core.sampling.sampler import Sampler


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


def plan_training(config: RunConfig, registry: Registry) -> tuple[Lesson, ...]:
    """Which components of a run train, in what order and with what budget.

    `sampling.evaluations` is shared out evenly over those whose slot has no `train.evaluations`
    of its own.

    Raises:
        ConfigurationError: if a slot asks for a training its component does not have.
        ModelError: if a component learns but could not be saved for the stages that follow.
    """
    slots = {MAPPING: config.channel_mapping, WEIGHTS: config.channel_weights}
    reasons = {name: _why_not(registry, name, slot) for name, slot in slots.items()}
    sharing = [n for n, slot in slots.items() if not reasons[n] and _own_budget(slot) is None]
    each = config.train_evaluations // len(sharing) if sharing else 0
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


def _own_budget(slot: Slot) -> int | None:
    own = (slot.train or {}).get("evaluations")
    return None if own is None else cast("int", own)


def train(
    config: RunConfig,
    sampler: Sampler,
    registry: Registry,
    progress: Progress,
    listener: Callable[[IterationResult], None],
) -> tuple[TrainingResult, Tensor]:
    """Trains the channel mapping and the channel weights of a run.

    Args:
        config: the run.
        sampler: its untrained sampler, whose components are trained in place.
        registry: knows which of them are trainable.
        progress: told how far it is.
        listener: told about each iteration.

    Returns:
        What happened, and the channel shares for the integration, `(k,)`.

    Raises:
        NumericalError: if too many points are invalid.
    """
    start = time.perf_counter()
    lessons = plan_training(config, registry)
    if not any(lesson.evaluations for lesson in lessons):
        why = lessons[0].why
        nothing = TrainingResult(0, (), 0.0, 0, True, (why,), time.perf_counter() - start)
        return nothing, even_shares(sampler.n_channels)

    def heard(iteration: Iteration) -> None:
        assert source.sums is not None
        check_invalid(source.sums, config.max_invalid_fraction, source.invalid)
        listener(_result(iteration))

    source = SamplerSource(sampler, config.seed, heard)
    notes: tuple[str, ...] = ()
    losses: dict[str, tuple[float, ...]] = {}
    for lesson in lessons:
        if lesson.evaluations:
            report = _teach(lesson, config, sampler, source, progress)
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
        source.evaluations, history, chi2, dof, False, notes, time.perf_counter() - start, losses
    )
    return result, source.shares


def _teach(
    lesson: Lesson, config: RunConfig, sampler: Sampler, source: SamplerSource, progress: Progress
) -> FitReport:
    component = sampler.mapping if lesson.interface == MAPPING else sampler.weights
    if not isinstance(component, Trainable):
        message = (
            f"{lesson.interface} {lesson.slot.use!r} is declared trainable, "
            "but has no fit(source, budget, context)"
        )
        raise RegistryError(message)
    # A stream of its own: numbers that made the initial values must not come again.
    rng = random.torch_generator(config.seed, f"train {lesson.interface}")
    context = build_context(config, sampler.integrand, progress).with_(rng=rng)
    return component.fit(source, Budget(lesson.evaluations), context)


def _result(iteration: Iteration) -> IterationResult:
    return IterationResult(
        iteration.evaluations,
        iteration.estimate,
        iteration.error,
        iteration.channel_estimates,
        iteration.channel_errors,
    )
