"""Checks of channel mappings: a bijection of the unit cube with the right Jacobian."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from crosshook.core.testkit.compare import disagreement, first_row, show_row
from crosshook.core.testkit.exercise import Exercise
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.jacobian import log_determinant
from crosshook.core.testkit.mapping_cases import (
    CASES,
    FORWARD,
    INVERSE,
    SIMPLE,
    cases,
    forward,
    inverse,
    mapping_of,
    points,
    source,
)
from crosshook.core.testkit.mapping_conditions import CONDITION_CHECKS
from crosshook.core.testkit.mapping_values import VALUE_CHECKS
from crosshook.core.testkit.shrink import DRAWS, with_fewest, with_smallest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.testkit.mapping_cases import Direction
    from crosshook.core.testkit.subject import Case, Subject

__all__ = ["CASES", "CHECKS", "exercises", "source"]

ROWS = (0, 1, 1000)
BELOW_ONE = 1.0 - 2.0**-53
EDGES = (0.0, 1e-300, 1e-9, 0.5, 1.0 - 1e-9, BELOW_ONE)


def exercises(subject: Subject) -> Iterator[Exercise]:
    """forward and inverse, for every case and number of rows."""
    for case in cases(subject):
        mapping = mapping_of(subject, case)
        for n in ROWS:
            for way in (FORWARD, INVERSE):
                yield Exercise(
                    way.label,
                    case,
                    mapping,
                    partial(subject.build, case),
                    points(subject, case, n, way.start),
                    way.call,
                    {way.end: (case.width,), "log_det": ()},
                    simple=SIMPLE,
                )


def stays_in_the_cube(subject: Subject) -> Iterator[Finding]:
    """forward leads into the cube and inverse back into it: 0 ≤ u ≤ 1 and 0 ≤ r ≤ 1, with finite
    log_det on all interior points.
    """
    for case in cases(subject):
        mapping = mapping_of(subject, case)
        for way in (FORWARD, INVERSE):
            inputs = points(subject, case, 1000, way.start)
            finding = with_smallest(
                partial(_inside, case, mapping, way), inputs, SIMPLE, where=str(case)
            )
            if finding is not None:
                yield finding
                return


def _inside(
    case: Case, mapping: object, way: Direction, inputs: Mapping[str, Tensor]
) -> Finding | None:
    results = way.call(mapping, inputs)
    out, log_det = results[way.end], results["log_det"]
    row = first_row(~((out >= 0) & (out <= 1)))
    if row >= 0:
        message = f"{way.label} leaves the unit cube: {way.end} = {out[row].tolist()}"
        return Finding(message, case.rows(len(out)), show_row(inputs, row))
    row = first_row(~log_det.isfinite())
    if row >= 0:
        message = f"log_det of {way.label} is {float(log_det[row])} inside the cube"
        return Finding(message, case.rows(len(out)), show_row(inputs, row))
    return None


def gradients_flow(subject: Subject) -> Iterator[Finding]:
    """A component that calls itself differentiable gives u a gradient to r, finite everywhere."""
    if not subject.capabilities.differentiable:
        reason = "not declared differentiable"
        raise NotApplicable(reason)
    for case in cases(subject):
        look = partial(_without_gradient, case, mapping_of(subject, case))
        finding = with_smallest(look, points(subject, case, 200), SIMPLE, where=str(case))
        if finding is not None:
            yield finding
            return


def _without_gradient(case: Case, mapping: object, inputs: Mapping[str, Tensor]) -> Finding | None:
    r = inputs["r"].requires_grad_(True)
    place = case.rows(len(r))
    with torch.enable_grad():
        u = forward(mapping, inputs)["u"]
    if not u.requires_grad:
        return Finding("declared differentiable, but u has no gradient to r", place)
    gradient = torch.autograd.grad(u.sum(), r)[0]
    row = first_row(~gradient.isfinite())
    if row < 0:
        return None
    message = f"the gradient of u is {gradient[row].tolist()}"
    return Finding(message, place, show_row(inputs, row))


def log_det_is_the_jacobian(subject: Subject) -> Iterator[Finding]:
    """log_det of forward is log|det ∂u/∂r| and that of inverse is log|det ∂r/∂u|: forward against
    autograd where the component is differentiable, all else against finite differences.
    """
    for case in cases(subject):
        mapping = mapping_of(subject, case)
        for way in (FORWARD, INVERSE):
            inputs = points(subject, case, 200, way.start)
            look = partial(_jacobian, subject, case, mapping, way)
            finding = with_smallest(look, inputs, SIMPLE, where=str(case))
            if finding is not None:
                yield finding
                return


def _jacobian(
    subject: Subject, case: Case, mapping: object, way: Direction, inputs: Mapping[str, Tensor]
) -> Finding | None:
    # An inverse may be found by bisection, which autograd cannot see.
    analytic = subject.capabilities.differentiable and way is FORWARD
    found = log_determinant(partial(_moved, mapping, way, inputs), inputs[way.start], analytic)
    judged = found.certain
    if float(judged.double().mean()) < 0.5:
        message = f"{way.label} is too rough to differentiate: {found.method} fail"
        return Finding(message, case.rows(len(judged)))
    claimed = way.call(mapping, inputs)["log_det"].detach()[judged]
    value = found.value[judged]
    spread = float((claimed - value).max() - (claimed - value).min())
    kind = "by a constant" if spread <= subject.tolerance else "by an amount that varies"
    what = f"log_det of {way.label} and log|det ∂{way.end}/∂{way.start}|"
    return disagreement(
        f"{what} by {found.method} ({kind})",
        claimed,
        value,
        subject.tolerance + found.uncertainty[judged],
        case.rows(len(judged)),
        {key: v[judged] for key, v in inputs.items()},
    )


def _moved(mapping: object, way: Direction, inputs: Mapping[str, Tensor], x: Tensor) -> Tensor:
    return way.call(mapping, {**inputs, way.start: x})[way.end]


def inverse_undoes_forward(subject: Subject) -> Iterator[Finding]:
    """inverse(forward(r)) = r, and the two log_det add up to 0."""
    yield from _round_trip(subject, FORWARD, INVERSE)


def forward_undoes_inverse(subject: Subject) -> Iterator[Finding]:
    """forward(inverse(u)) = u on points that no forward produced, and the log_det add up to 0."""
    yield from _round_trip(subject, INVERSE, FORWARD)


def _round_trip(subject: Subject, there: Direction, back: Direction) -> Iterator[Finding]:
    name = there.start
    for case in cases(subject):
        mapping = mapping_of(subject, case)
        inputs = points(subject, case, 1000, name)
        look = partial(_there_and_back, subject, case, mapping, there, back)
        finding = with_smallest(look, inputs, SIMPLE, where=str(case))
        if finding is not None:
            yield finding
            return


def _there_and_back(
    subject: Subject,
    case: Case,
    mapping: object,
    there: Direction,
    back: Direction,
    inputs: Mapping[str, Tensor],
) -> Finding | None:
    name, rows = there.start, case.rows(len(inputs["channel"]))
    first = there.call(mapping, inputs)
    second = back.call(mapping, {**inputs, there.end: first[there.end]})
    what = f"{back.label}({there.label}({name})) and {name}"
    finding = disagreement(what, second[name], inputs[name], subject.tolerance, rows, inputs)
    if finding is not None:
        return finding
    what = f"log_det of {back.label} and −log_det of {there.label}"
    wanted = -first["log_det"]
    return disagreement(what, second["log_det"], wanted, subject.tolerance, rows, inputs)


def density_is_normalised(subject: Subject) -> Iterator[Finding]:
    """q(u) = exp(log_det of inverse) is a density on the whole cube: ∫ q du = 1, and its image has
    volume 1: ∫ (1/q) q du = 1. Both by Monte Carlo within 5σ, with half of the points uniform and
    half from q, so that q/(½ + ½q) and 1/(½ + ½q) are bounded by 2 and σ can be trusted.
    """
    for case in cases(subject):
        look = partial(_not_one, subject, case, mapping_of(subject, case))
        finding = with_fewest(look, 20_000, DRAWS)
        if finding is not None:
            yield finding
            return


def _not_one(subject: Subject, case: Case, mapping: object, n: int) -> Finding | None:
    flat = points(subject, case, n, "u")
    drawn = points(subject, case, n, "r")
    # One channel at a time; the last is the one whose training saw zeros only.
    for channel in sorted({0, case.channels - 1}):
        for inputs in (flat, drawn):
            inputs["channel"] = torch.full_like(inputs["channel"], channel)
        with torch.no_grad():
            u = forward(mapping, drawn)["u"]
            halves = [inverse(mapping, flat)["log_det"].exp()]
            halves.append(inverse(mapping, {**drawn, "u": u})["log_det"].exp())
        for what, terms in (
            ("∫ q(u) du", [q / (0.5 + 0.5 * q) for q in halves]),
            ("the volume of the image", [1.0 / (0.5 + 0.5 * q) for q in halves]),
        ):
            mean = float(sum(0.5 * t.mean() for t in terms))
            error = float(sum(0.25 * t.var() / n for t in terms)) ** 0.5
            if not abs(mean - 1.0) <= 5.0 * error + subject.tolerance:
                message = f"{what} is {mean:.5f} ± {error:.5f} in channel {channel}, not 1"
                figures = {"mean": mean, "error": error}
                return Finding(message, case.draws(n), figures=figures)
    return None


def edges_are_finite(subject: Subject) -> Iterator[Finding]:
    """At r = 0 and r = 1 − 2⁻⁵³, in one coordinate or in all, u is in [0, 1] and log_det finite;
    at u = 0 and u = 1 inverse stays in [0, 1] and its log_det is neither NaN nor +∞.
    """
    for case in cases(subject):
        mapping = mapping_of(subject, case)
        for way in (FORWARD, INVERSE):
            inputs = _edge_points(subject, case, way.start)
            finding = with_smallest(
                partial(_off_the_edge, case, mapping, way), inputs, SIMPLE, where=str(case)
            )
            if finding is not None:
                yield finding
                return


def _off_the_edge(
    case: Case, mapping: object, way: Direction, inputs: Mapping[str, Tensor]
) -> Finding | None:
    results = way.call(mapping, inputs)
    out, log_det = results[way.end], results["log_det"]
    inside = ((out >= 0) & (out <= 1)).all(dim=1)
    fine = ~log_det.isnan() & (log_det < torch.inf)
    if way is FORWARD:
        fine = log_det.isfinite()
    row = first_row(~(inside & fine))
    if row < 0:
        return None
    message = (
        f"{way.label} gives {out[row].tolist()} and log_det {float(log_det[row])} "
        "at the edge of the cube"
    )
    return Finding(message, case.rows(len(out)), show_row(inputs, row))


def _edge_points(subject: Subject, case: Case, name: str) -> dict[str, Tensor]:
    """Every edge value in every coordinate alone, and in all at once, for every channel."""
    values = (*EDGES, 1.0) if name == "u" else EDGES
    rows = []
    for edge in values:
        rows.append([edge] * case.width)
        for i in range(case.width):
            rows.append([edge if j == i else 0.37 for j in range(case.width)])
    numbers = torch.tensor(rows, dtype=torch.float64).repeat(case.channels, 1)
    channel = torch.arange(case.channels).repeat_interleave(len(rows))
    inputs = {name: numbers, "channel": channel}
    conditions = subject.conditions_of(case)
    if conditions:
        inputs["condition"] = torch.full((len(numbers), conditions), 0.5).double()
    return {key: tensor.to(subject.device) for key, tensor in inputs.items()}


def channels_do_not_mix(subject: Subject) -> Iterator[Finding]:
    """Points of one channel give the same result among points of other channels as alone, however
    the channels are interleaved, and also when a channel has no points at all.
    """
    for case in cases(subject):
        if case.channels == 1:
            continue
        mapping = mapping_of(subject, case)
        inputs = points(subject, case, 1000)
        look = partial(_alone_and_mixed, subject, case, mapping)
        finding = with_smallest(look, inputs, SIMPLE, where=str(case))
        if finding is not None:
            yield finding
            return


def _alone_and_mixed(
    subject: Subject, case: Case, mapping: object, inputs: Mapping[str, Tensor]
) -> Finding | None:
    mixed = forward(mapping, inputs)
    for channel in range(case.channels):
        own = inputs["channel"] == channel
        part = {key: v[own] for key, v in inputs.items()}
        alone = forward(mapping, part)
        for name, got in alone.items():
            finding = disagreement(
                f"{name} of a channel alone and interleaved with others (channel {channel})",
                got,
                mixed[name][own],
                subject.tolerance,
                case.rows(len(inputs["channel"])),
                part,
            )
            if finding is not None:
                return finding
    return None


CHECKS = (
    stays_in_the_cube,
    gradients_flow,
    log_det_is_the_jacobian,
    inverse_undoes_forward,
    forward_undoes_inverse,
    density_is_normalised,
    edges_are_finite,
    channels_do_not_mix,
    *CONDITION_CHECKS,
    *VALUE_CHECKS,
)
