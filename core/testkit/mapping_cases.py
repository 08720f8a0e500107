"""Channel mappings under test: the cases they are tried in, their inputs, and how they are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.testkit.problem import ProblemSource
from crosshook.core.testkit.shrink import UNIT
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.testkit.subject import Subject

CASES = tuple(Case(d, k) for d, k in ((1, 1), (2, 1), (7, 1), (1, 5), (2, 5), (7, 5)))
UNCONDITIONAL = (Case(2, 5, unconditional=True),)
"""For components that can take conditions: most tasks have none."""
DISCRETE = (
    Case(0, 1, discrete=(49,)),
    Case(0, 5, discrete=(2, 3)),
    Case(1, 5, discrete=(3,)),
    Case(2, 1, discrete=(2, 3)),
)
"""Among them 49 values, because 1/49 · 49 < 1 in float64: a bin must be found where it was put."""

SIMPLE = {"channel": (0,), "condition": UNIT, "r": UNIT, "u": UNIT}
"""What the smallest input of a finding may be made of."""


def cases(subject: Subject) -> tuple[Case, ...]:
    """All cases a component is tried in; those with discrete dimensions unless it refuses them."""
    chosen = CASES + (UNCONDITIONAL if subject.conditions else ())
    return chosen if refusal(subject) else chosen + DISCRETE


def refusal(subject: Subject) -> str:
    """Why a component refuses discrete dimensions, in its own words; `""` if it takes them."""
    try:
        subject.build(DISCRETE[0])
    except ConfigurationError as error:
        return str(error)
    return ""


def source(subject: Subject, case: Case, mapping: object) -> ProblemSource:
    """Points for a mapping in training."""
    return ProblemSource(
        case.dimensions,
        case.channels,
        subject.generator("points"),
        subject.device,
        mapping=cast("ChannelMapping", mapping),
        conditions=subject.conditions_of(case),
        discrete=case.discrete,
    )


def mapping_of(subject: Subject, case: Case) -> ChannelMapping:
    """The trained mapping of a case."""
    return cast("ChannelMapping", subject.trained(case, lambda m: source(subject, case, m)))


def points(subject: Subject, case: Case, n: int, name: str = "r") -> dict[str, Tensor]:
    """Random inputs: numbers `(n, d)` called `name`, channels in random order, conditions."""
    rng = subject.generator(f"{name}/{case}/{n}")
    numbers = torch.rand((n, case.width), generator=rng, dtype=torch.float64, device="cpu")
    channel = torch.randint(0, case.channels, (n,), generator=rng, device="cpu")
    inputs = {name: numbers, "channel": channel}
    conditions = subject.conditions_of(case)
    if conditions:
        inputs["condition"] = torch.rand(
            (n, conditions), generator=rng, dtype=torch.float64, device="cpu"
        )
    return {key: tensor.to(subject.device) for key, tensor in inputs.items()}


def forward(mapping: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """u and log_det for inputs r, channel and, where there are any, condition."""
    chosen = cast("ChannelMapping", mapping)
    given = inputs["r"], inputs["channel"], inputs.get("condition")
    u, log_det = _pair(chosen.forward(*given), "forward", "u")
    return {"u": u, "log_det": log_det}


def inverse(mapping: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """r and log_det for inputs u, channel and, where there are any, condition."""
    chosen = cast("ChannelMapping", mapping)
    given = inputs["u"], inputs["channel"], inputs.get("condition")
    r, log_det = _pair(chosen.inverse(*given), "inverse", "r")
    return {"r": r, "log_det": log_det}


def _pair(returned: object, method: str, name: str) -> tuple[Tensor, Tensor]:
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        kind = type(returned).__name__
        message = f"{method} gives a {kind}, wanted a tuple of two tensors ({name}, log_det)"
        raise TypeError(message)
    first, second = returned
    return first, second


@dataclass(frozen=True)
class Direction:
    """forward or inverse.

    Attributes:
        label: name of the method.
        start: name of what goes in.
        end: name of what comes out.
        call: calls the method.
    """

    label: str
    start: str
    end: str
    call: Callable[[object, Mapping[str, Tensor]], dict[str, Tensor]]


FORWARD = Direction("forward", "r", "u", forward)
INVERSE = Direction("inverse", "u", "r", inverse)
