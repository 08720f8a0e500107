"""Checks of the record and of what it promises: options, capabilities, training, saved state."""

from __future__ import annotations

import inspect
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.interfaces.training import FitReport, Stateful, Trainable
from crosshook.core.model import save_model
from crosshook.core.options import load_schema
from crosshook.core.registry import load_target
from crosshook.core.testkit.compare import disagreement
from crosshook.core.testkit.conduct import on_fewest_rows
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.shrink import with_fewest
from crosshook.core.testkit.subject import SEED
from crosshook.core.unfinished import unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.training import Source
    from crosshook.core.testkit.exercise import Exercise
    from crosshook.core.testkit.subject import Case, Subject

    MakeSource = Callable[[Subject, Case, object], Source]


def nothing_is_left_to_fill_in(subject: Subject) -> Iterator[Finding]:
    """Nothing in the component's module raises the UnfinishedError of a new plugin's template."""
    component = subject.registered.component
    factory = load_target(component.target, component.name)
    try:
        source = inspect.getsource(sys.modules[factory.__module__])
    except (OSError, TypeError, KeyError):  # without source: no template, which is text
        return
    for place in unfinished(source):
        yield Finding(f"{place.hint} ({place.name}, line {place.line} of {factory.__module__})")


def options_match_the_factory(subject: Subject) -> Iterator[Finding]:
    """The schema is the one source of options: the factory takes `context` and, by keyword and
    without defaults, exactly the schema's properties; each has a default or is required, and help.
    """
    component = subject.registered.component
    schema = load_schema(component.schema)
    properties = cast("Mapping[str, Mapping[str, object]]", schema.get("properties", {}))
    required = cast("list[str]", schema.get("required", []))
    signature = inspect.signature(load_target(component.target, component.name))
    names, takes_any = [], False
    for i, parameter in enumerate(signature.parameters.values()):
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_any = True
        elif i > 0:
            names.append(parameter.name)
            if parameter.default is not parameter.empty:
                yield Finding(
                    f"the factory gives option {parameter.name} a default of its own; "
                    "defaults belong in the schema"
                )
    if not takes_any and (missing := sorted(set(properties) - set(names))):
        yield Finding(f"the schema has options the factory does not take: {', '.join(missing)}")
    if extra := sorted(set(names) - set(properties)):
        yield Finding(f"the factory takes options the schema does not have: {', '.join(extra)}")
    if schema.get("additionalProperties") is not False:
        yield Finding("the schema lets unknown options pass: additionalProperties is not false")
    for name, rule in properties.items():
        if "default" not in rule and name not in required:
            yield Finding(f"option {name} has no default in the schema and is not required")
        if "description" not in rule:
            yield Finding(f"option {name} has no description in the schema")


def capabilities_are_kept(subject: Subject, case: Case) -> Iterator[Finding]:
    """What the record promises, the object has: `fit` if trainable, `state` and `load_state` if
    stateful; and what learns in the sampling loop can be saved.
    """
    claimed, built = subject.capabilities, subject.build(case)
    if claimed.trainable and not isinstance(built, Trainable):
        yield Finding("declared trainable, but has no fit(source, budget, context)")
    if claimed.stateful and not isinstance(built, Stateful):
        yield Finding("declared stateful, but lacks state() or load_state(tensors, values)")
    if claimed.trainable and not claimed.stateful:
        yield Finding("declared trainable but not stateful: a training could not be saved")


def state_survives_saving(exercises: Iterable[Exercise], subject: Subject) -> Iterator[Finding]:
    """A trained component that is saved as tensors and JSON and loaded into a fresh one gives the
    same results, bit for bit.
    """
    if not subject.capabilities.stateful:
        reason = "not declared stateful"
        raise NotApplicable(reason)
    seen: set[int] = set()
    for exercise in exercises:
        if exercise.rows < 2 or id(exercise.built) in seen:
            continue
        seen.add(id(exercise.built))
        finding = on_fewest_rows(exercise, partial(_lost_in_saving, subject))
        if finding is not None:
            yield finding
            return


def _lost_in_saving(subject: Subject, exercise: Exercise) -> Finding | None:
    context = subject.context(exercise.shape)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        built = cast("Stateful", exercise.built)
        try:
            save_model(built, directory, subject.interface, subject.slot(), context)
        except (TypeError, ValueError, AttributeError) as error:
            message = f"state() is not made of tensors and JSON: {error}"
            return Finding(message, exercise.case)
        loaded = subject.registry.build(subject.interface, subject.slot(str(directory)), context)
    wanted, got = exercise.run(), exercise.run(loaded)
    what = f"of {exercise.label} before saving and after loading"
    return _differing(what, got, wanted, 0.0, exercise)


def _differing(
    what: str,
    got: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    tolerance: float,
    exercise: Exercise,
) -> Finding | None:
    inputs = exercise.inputs if exercise.row_wise else {}
    for name, value in wanted.items():
        finding = disagreement(
            f"{name} {what}", got[name], value, tolerance, exercise.case, inputs
        )
        if finding is not None:
            return finding
    return None


def training_keeps_its_budget(
    exercise: Exercise, subject: Subject, make_source: MakeSource
) -> Iterator[Finding]:
    """fit spends no more evaluations than its budget and reports what it spent; it draws no global
    random numbers, and the same seed gives the same component.
    """
    if not subject.capabilities.trainable:
        reason = "not declared trainable"
        raise NotApplicable(reason)
    look = partial(_badly_trained, exercise, subject, make_source)
    finding = with_fewest(look, subject.evaluations)
    if finding is not None:
        yield finding


def _badly_trained(
    exercise: Exercise, subject: Subject, make_source: MakeSource, budget: int
) -> Finding | None:
    state = torch.get_rng_state()
    place = f"{exercise.shape}, a budget of {budget}, seed {SEED}"
    given = replace(subject, evaluations=budget)
    results = []
    for _ in range(2):
        built = exercise.fresh()
        source = make_source(given, exercise.shape, built)
        report = given.train(built, exercise.shape, source)
        spent = source.evaluations
        if spent > budget:
            return Finding(f"fit draws {spent} points with a budget of {budget}", place)
        if not isinstance(report, FitReport) or report.evaluations != spent:
            found = getattr(report, "evaluations", report)
            message = f"fit reports {found} evaluations, the source counted {spent}"
            return Finding(message, place)
        if not torch.equal(torch.get_rng_state(), state):
            torch.set_rng_state(state)
            return Finding("fit changes global state: torch's generator", place)
        results.append(exercise.run(built))
        torch.rand(5, device="cpu")
        state = torch.get_rng_state()
    what = f"of {exercise.label} after two trainings from the same seed"
    finding = _differing(what, results[1], results[0], subject.tolerance, exercise)
    return None if finding is None else replace(finding, case=place)
