"""Checks of conditional channel mappings: the condition of a row is seen, and gradients reach it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from crosshook.core.testkit.compare import first_row, show_row
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.mapping_cases import (
    FORWARD,
    INVERSE,
    SIMPLE,
    cases,
    forward,
    mapping_of,
    points,
)
from crosshook.core.testkit.shrink import with_smallest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.testkit.mapping_cases import Direction
    from crosshook.core.testkit.subject import Case, Subject


def conditional_cases(subject: Subject) -> tuple[Case, ...]:
    """The cases with condition vectors.

    Raises:
        NotApplicable: if the component takes none.
    """
    if not subject.conditions:
        reason = "not declared conditional"
        raise NotApplicable(reason)
    return tuple(case for case in cases(subject) if subject.conditions_of(case))


def condition_counts(subject: Subject) -> Iterator[Finding]:
    """A component that calls itself conditional looks at the condition: trained where the peaks
    move with it, forward and inverse of the same points differ under another condition.
    """
    for case in conditional_cases(subject):
        if not case.dimensions:
            continue  # The problem's shares of the values do not depend on the condition.
        mapping = mapping_of(subject, case)
        for way in (FORWARD, INVERSE):
            inputs = points(subject, case, 1000, way.start)
            # The last channel is closed; nothing asks a training to move anything there.
            inputs["channel"] = torch.zeros_like(inputs["channel"])
            finding = with_smallest(
                partial(_ignored, case, mapping, way), inputs, SIMPLE, where=str(case)
            )
            if finding is not None:
                yield finding
                return


def _ignored(
    case: Case, mapping: object, way: Direction, inputs: Mapping[str, Tensor]
) -> Finding | None:
    mirrored = {**inputs, "condition": 1.0 - inputs["condition"]}
    here, there = way.call(mapping, inputs), way.call(mapping, mirrored)
    if not all(torch.equal(here[name], there[name]) for name in here):
        return None
    message = f"{way.label} ignores the condition: another one changes nothing"
    return Finding(message, case.rows(len(inputs["channel"])), show_row(inputs, 0))


def gradients_reach_the_condition(subject: Subject) -> Iterator[Finding]:
    """A component that calls itself conditional and differentiable gives u and log_det gradients
    to the condition, finite everywhere.
    """
    chosen = conditional_cases(subject)
    if not subject.capabilities.differentiable:
        reason = "not declared differentiable"
        raise NotApplicable(reason)
    for case in chosen:
        look = partial(_unreached, case, mapping_of(subject, case))
        finding = with_smallest(look, points(subject, case, 200), SIMPLE, where=str(case))
        if finding is not None:
            yield finding
            return


def _unreached(case: Case, mapping: object, inputs: Mapping[str, Tensor]) -> Finding | None:
    condition = inputs["condition"].requires_grad_(True)
    place = case.rows(len(condition))
    with torch.enable_grad():
        results = forward(mapping, inputs)
    for name, value in results.items():
        gradient = None
        if value.requires_grad:
            (gradient,) = torch.autograd.grad(
                value.sum(), condition, retain_graph=True, allow_unused=True
            )
        if gradient is None:
            message = f"declared differentiable, but {name} has no gradient to the condition"
            return Finding(message, place)
        row = first_row(~gradient.isfinite())
        if row >= 0:
            message = f"the gradient of {name} to the condition is {gradient[row].tolist()}"
            return Finding(message, place, show_row(inputs, row))
    return None


CONDITION_CHECKS = (condition_counts, gradients_reach_the_condition)
