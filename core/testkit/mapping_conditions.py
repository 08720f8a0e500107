"""Checks of conditional channel mappings: the condition of a row is seen, and gradients reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.testkit.compare import first_row, show_row
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.mapping_cases import (
    FORWARD,
    INVERSE,
    cases,
    forward,
    mapping_of,
    points,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            mirrored = {**inputs, "condition": 1.0 - inputs["condition"]}
            here, there = way.call(mapping, inputs), way.call(mapping, mirrored)
            if all(torch.equal(here[name], there[name]) for name in here):
                message = f"{way.label} ignores the condition: another one changes nothing"
                yield Finding(message, case.rows(1000), show_row(inputs, 0))
                return


def gradients_reach_the_condition(subject: Subject) -> Iterator[Finding]:
    """A component that calls itself conditional and differentiable gives u and log_det gradients
    to the condition, finite everywhere.
    """
    chosen = conditional_cases(subject)
    if not subject.capabilities.differentiable:
        reason = "not declared differentiable"
        raise NotApplicable(reason)
    for case in chosen:
        mapping = mapping_of(subject, case)
        inputs = points(subject, case, 200)
        inputs["condition"].requires_grad_(True)
        with torch.enable_grad():
            results = forward(mapping, inputs)
        for name, value in results.items():
            gradient = None
            if value.requires_grad:
                (gradient,) = torch.autograd.grad(
                    value.sum(), inputs["condition"], retain_graph=True, allow_unused=True
                )
            if gradient is None:
                message = f"declared differentiable, but {name} has no gradient to the condition"
                yield Finding(message, case.rows(200))
                return
            row = first_row(~gradient.isfinite())
            if row >= 0:
                message = f"the gradient of {name} to the condition is {gradient[row].tolist()}"
                yield Finding(message, case.rows(200), show_row(inputs, row))
                return


CONDITION_CHECKS = (condition_counts, gradients_reach_the_condition)
