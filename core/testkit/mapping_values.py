"""Checks of channel mappings with discrete dimensions: exact probabilities, bins without slope."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import TYPE_CHECKING

import torch

from crosshook.core.sampling.discrete import join, locate, split
from crosshook.core.testkit.compare import disagreement
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.mapping_cases import (
    DISCRETE,
    SIMPLE,
    forward,
    inverse,
    mapping_of,
    points,
    refusal,
)
from crosshook.core.testkit.shrink import with_smallest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.testkit.subject import Case, Subject

SCAN = 64
"""Places along each discrete dimension between which the value is seen to change."""
HALVINGS = 80
"""More than the 53 + 11 that bring any two numbers of [0, 1] next to each other down to 2⁻¹⁰²²."""
FRACTIONS = (0.0, 0.01, 0.9, 1.0)


def discrete_cases(subject: Subject) -> tuple[Case, ...]:
    """The cases with discrete dimensions.

    Raises:
        NotApplicable: if the component refuses them, with its reason.
    """
    reason = refusal(subject)
    if reason:
        message = f"refuses discrete dimensions: {reason}"
        raise NotApplicable(message)
    return DISCRETE


def density_is_flat_in_a_bin(subject: Subject) -> Iterator[Finding]:
    """log q(u) is the same wherever in its bin [i/v, (i + 1)/v) a discrete coordinate lies: the
    value i counts, not the place.
    """
    for case in discrete_cases(subject):
        mapping = mapping_of(subject, case)
        inputs = points(subject, case, 1000, "u")
        for fraction in FRACTIONS:
            look = partial(_uneven, subject, case, mapping, fraction)
            finding = with_smallest(look, inputs, SIMPLE, where=str(case))
            if finding is not None:
                yield finding
                return


def _uneven(
    subject: Subject, case: Case, mapping: object, fraction: float, inputs: Mapping[str, Tensor]
) -> Finding | None:
    continuous, values = split(inputs["u"], case.discrete)
    middle = {**inputs, "u": join(continuous, values, case.discrete)}
    fractions = torch.full_like(values, fraction, dtype=torch.float64)
    moved = {**inputs, "u": join(continuous, values, case.discrete, fractions)}
    return disagreement(
        f"log q at a fraction of {fraction:g} of the bins and in their middle",
        inverse(mapping, moved)["log_det"],
        inverse(mapping, middle)["log_det"],
        subject.tolerance,
        case.rows(len(values)),
        moved,
    )


def draws_keep_to_their_bins(subject: Subject) -> Iterator[Finding]:
    """forward leads into the bin whose probability its log_det holds: for random r, and for the
    last and first r on both sides of every change of value.
    """
    for case in discrete_cases(subject):
        mapping = mapping_of(subject, case)
        for inputs in (points(subject, case, 1000), *_changes(subject, case, mapping)):
            look = partial(_elsewhere, subject, case, mapping)
            finding = with_smallest(look, inputs, SIMPLE, where=str(case))
            if finding is not None:
                yield finding
                return


def _elsewhere(
    subject: Subject, case: Case, mapping: object, inputs: Mapping[str, Tensor]
) -> Finding | None:
    drawn = forward(mapping, inputs)
    u = join(*split(drawn["u"], case.discrete), case.discrete)
    return disagreement(
        "log_det of forward and −log q in the middle of the bin it leads to",
        drawn["log_det"],
        -inverse(mapping, {**inputs, "u": u})["log_det"],
        subject.tolerance,
        case.rows(len(u)),
        inputs,
    )


def _changes(subject: Subject, case: Case, mapping: object) -> Iterator[dict[str, Tensor]]:
    """Pairs of neighbouring r between which a value changes, by bisection; one batch for each
    discrete dimension and side.
    """
    scan = (torch.arange(SCAN, dtype=torch.float64) / (SCAN - 1)).clamp(max=1.0 - 2.0**-53)
    for j, count in enumerate(case.discrete):
        column = case.dimensions + j
        start = points(subject, case, 20)
        inputs = {key: value.repeat_interleave(SCAN, 0) for key, value in start.items()}
        inputs["r"][:, column] = scan.to(inputs["r"].device).repeat(20)
        value = locate(forward(mapping, inputs)["u"][:, column], count).reshape(20, SCAN)
        row = torch.nonzero(
            torch.nn.functional.pad(value[:, 1:] != value[:, :-1], (0, 1)).reshape(-1)
        )[:, 0]
        before = value.reshape(-1)[row]
        low, high = inputs["r"][row, column], inputs["r"][row + 1, column]
        pairs = {key: tensor[row] for key, tensor in inputs.items()}
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            r = pairs["r"].clone()
            r[:, column] = middle
            same = locate(forward(mapping, {**pairs, "r": r})["u"][:, column], count) == before
            low, high = torch.where(same, middle, low), torch.where(same, high, middle)
        for side in (low, high):
            r = pairs["r"].clone()
            r[:, column] = side
            yield {**pairs, "r": r}


def probabilities_add_up(subject: Subject) -> Iterator[Finding]:
    """Without continuous dimensions Σ q(i)/Πv over all combinations of values is 1 to within the
    tolerance, in every channel.
    """
    chosen = [case for case in discrete_cases(subject) if not case.dimensions]
    for case in sorted(chosen, key=lambda case: math.prod(case.discrete)):
        mapping = mapping_of(subject, case)
        every = list(itertools.product(*(range(count) for count in case.discrete)))
        total = len(every)
        values = torch.tensor(every, dtype=torch.int64, device=subject.device)
        one = points(subject, case, 1)
        for channel in range(case.channels):
            inputs = {key: tensor.expand(total, *tensor.shape[1:]) for key, tensor in one.items()}
            inputs["channel"] = torch.full_like(inputs["channel"], channel)
            u = join(inputs["r"][:, :0], values, case.discrete)
            log_det = inverse(mapping, {**inputs, "u": u})["log_det"].detach()
            found = float(log_det.exp().sum()) / total
            if not abs(found - 1.0) <= subject.tolerance:
                message = f"the probabilities add up to {found:.10g} in channel {channel}"
                given = "; ".join(
                    f"{i}: {float(q) / total:.10g}"
                    for i, q in zip(every, log_det.exp(), strict=True)
                )
                yield Finding(message, case.rows(total), given, {"sum": found})
                return


VALUE_CHECKS = (density_is_flat_in_a_bin, draws_keep_to_their_bins, probabilities_add_up)
