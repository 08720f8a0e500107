"""Checks of channel weights: α ≥ 0 that sum to 1 over the open channels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.testkit.compare import first_row, show_row
from crosshook.core.testkit.exercise import Exercise
from crosshook.core.testkit.finding import Finding
from crosshook.core.testkit.problem import ProblemSource
from crosshook.core.testkit.shrink import with_smallest
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.testkit.subject import Subject

CASES = tuple(
    Case(d, k, features) for features in (0, 3) for d, k in ((1, 1), (1, 5), (2, 5), (7, 5))
)
ROWS = (0, 1, 1000)
ROUNDING = 1e-12
SIMPLE = {"features": (0.0, 1.0), "log_density": (0.0, 1.0)}
"""What the smallest input of a finding may be made of; a prior has to stay normalised."""


def cases(subject: Subject) -> tuple[Case, ...]:
    """All cases weights are tried in; those without features unless they are needed."""
    needed = subject.capabilities.features
    return tuple(case for case in CASES if case.features or not needed)


def source(subject: Subject, case: Case, weights: object) -> ProblemSource:
    """Points for weights in training."""
    return ProblemSource(
        case.dimensions,
        case.channels,
        subject.generator("points"),
        subject.device,
        weights=cast("ChannelWeights", weights),
        features=case.features,
    )


def weights_of(subject: Subject, case: Case) -> ChannelWeights:
    """The trained weights of a case."""
    return cast("ChannelWeights", subject.trained(case, lambda w: source(subject, case, w)))


def rows(subject: Subject, case: Case, n: int, density: bool) -> dict[str, Tensor]:
    """Random inputs. In a third of the rows some channels are closed, in every seventh all are.

    Args:
        subject: gives features their number.
        case: the shape.
        n: rows.
        density: also give the channels' sampling densities.
    """
    k = case.channels
    rng = subject.generator(f"weights/{case}/{n}")
    raw = torch.randn((n, k), generator=rng, dtype=torch.float64, device="cpu") * 3.0
    closed = torch.rand((n, k), generator=rng, dtype=torch.float64, device="cpu") < 0.5
    number = torch.arange(n, device="cpu")
    closed &= (number % 3 == 1)[:, None]
    closed |= (number % 7 == 6)[:, None]
    prior = raw.masked_fill(closed, -torch.inf)
    total = prior.logsumexp(dim=1, keepdim=True)
    inputs = {"log_prior": torch.where(closed, prior, prior - total)}
    if density:
        inputs["log_density"] = (
            torch.randn((n, k), generator=rng, dtype=torch.float64, device="cpu") * 5.0
        )
    if case.features:
        shape = (n, case.features)
        inputs["features"] = (
            torch.randn(shape, generator=rng, dtype=torch.float64, device="cpu") * 2.0
        )
    return {key: tensor.to(subject.device) for key, tensor in inputs.items()}


def extreme_rows(subject: Subject, case: Case) -> dict[str, Tensor]:
    """Priors down to e⁻⁷⁰⁰, densities from e⁻⁷⁰⁰ to e⁷⁰⁰ or 0, features up to 10⁶."""
    inputs = rows(subject, case, 100, density=True)
    spread = torch.linspace(0.0, -700.0, case.channels, dtype=torch.float64)
    prior = spread.repeat(100, 1).to(subject.device)
    inputs["log_prior"] = prior - prior.logsumexp(dim=1, keepdim=True)
    inputs["log_density"] = (inputs["log_density"] * 1e3).clamp(-700.0, 700.0)
    inputs["log_density"][::5, -1] = -torch.inf
    if case.channels == 1:
        inputs["log_density"] = torch.zeros_like(inputs["log_density"])
    if "features" in inputs:
        inputs["features"] = inputs["features"] * 1e6
    return inputs


def _alpha(weights: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    chosen = cast("ChannelWeights", weights)
    log_alpha = chosen.log_weights(
        inputs.get("features"), inputs["log_prior"], inputs.get("log_density")
    )
    return {"log_alpha": log_alpha}


def exercises(subject: Subject) -> Iterator[Exercise]:
    """log_weights with and without densities and features, for every case and number of rows."""
    for case in cases(subject):
        for n in ROWS:
            for density in (False, True):
                yield Exercise(
                    "log_weights",
                    case,
                    weights_of(subject, case),
                    partial(subject.build, case),
                    rows(subject, case, n, density),
                    _alpha,
                    {"log_alpha": (case.channels,)},
                    simple=SIMPLE,
                )


def alpha_sums_to_one(subject: Subject) -> Iterator[Finding]:
    """Σ_c α_c = 1 wherever a channel is open: |logsumexp log α| ≤ 10⁻¹², also for priors and
    densities of e^±700 and for features of 10⁶.
    """
    for case in cases(subject):
        weights = weights_of(subject, case)
        trials = [rows(subject, case, 1000, density) for density in (False, True)]
        for inputs in (*trials, extreme_rows(subject, case)):
            finding = with_smallest(partial(_sum, case, weights), inputs, SIMPLE, where=str(case))
            if finding is not None:
                yield finding
                return


def _sum(case: Case, weights: object, inputs: Mapping[str, Tensor]) -> Finding | None:
    log_alpha = _alpha(weights, inputs)["log_alpha"].detach()
    is_open = inputs["log_prior"].isfinite().any(dim=1)
    total = log_alpha.logsumexp(dim=1)
    row = first_row(is_open & ~(total.abs() <= ROUNDING))
    if row < 0:
        return None
    message = f"α is not normalised: Σα = {float(total[row].exp()):.15g}"
    figures = {"log_sum": float(total[row])}
    return Finding(message, case.rows(len(total)), show_row(inputs, row), figures)


def closed_channels_stay_closed(subject: Subject) -> Iterator[Finding]:
    """Where log_prior is −∞, log α is −∞: no points are ever wasted on a closed channel."""
    for case in cases(subject):
        weights = weights_of(subject, case)
        for density in (False, True):
            inputs = rows(subject, case, 1000, density)
            finding = with_smallest(
                partial(_opened, case, weights), inputs, SIMPLE, where=str(case)
            )
            if finding is not None:
                yield finding
                return


def _opened(case: Case, weights: object, inputs: Mapping[str, Tensor]) -> Finding | None:
    log_alpha = _alpha(weights, inputs)["log_alpha"].detach()
    opened = (inputs["log_prior"] == -torch.inf) & (log_alpha > -torch.inf)
    row = first_row(opened)
    if row < 0:
        return None
    channel = int(opened[row].nonzero()[0])
    message = (
        f"opens closed channel {channel}: "
        f"log α = {float(log_alpha[row, channel]):.6g} where log_prior is -inf"
    )
    return Finding(message, case.rows(len(opened)), show_row(inputs, row))


def a_point_without_channels_has_none(subject: Subject) -> Iterator[Finding]:
    """Where all channels are closed, all log α are −∞; there is no NaN."""
    for case in cases(subject):
        weights = weights_of(subject, case)
        for density in (False, True):
            inputs = rows(subject, case, 14, density)
            inputs["log_prior"] = torch.full_like(inputs["log_prior"], -torch.inf)
            finding = with_smallest(
                partial(_out_of_nothing, case, weights), inputs, SIMPLE, where=str(case)
            )
            if finding is not None:
                yield finding
                return


def _out_of_nothing(case: Case, weights: object, inputs: Mapping[str, Tensor]) -> Finding | None:
    log_alpha = _alpha(weights, inputs)["log_alpha"].detach()
    row = first_row(log_alpha != -torch.inf)
    if row < 0:
        return None
    message = f"log α = {log_alpha[row].tolist()} where every channel is closed"
    return Finding(message, case.rows(len(log_alpha)), show_row(inputs, row))


def the_only_channel_takes_all(subject: Subject) -> Iterator[Finding]:
    """Where one channel is open, its α is 1: |log α| ≤ 10⁻¹²."""
    for case in cases(subject):
        inputs = rows(subject, case, 100, density=True)
        only = torch.arange(100, device=subject.device) % case.channels
        prior = torch.full_like(inputs["log_prior"], -torch.inf)
        inputs["log_prior"] = prior.scatter(1, only[:, None], 0.0)
        look = partial(_shared, case, weights_of(subject, case))
        finding = with_smallest(look, inputs, SIMPLE, where=str(case))
        if finding is not None:
            yield finding
            return


def _shared(case: Case, weights: object, inputs: Mapping[str, Tensor]) -> Finding | None:
    only = inputs["log_prior"].argmax(dim=1, keepdim=True)
    own = _alpha(weights, inputs)["log_alpha"].detach().gather(1, only)[:, 0]
    row = first_row(~(own.abs() <= ROUNDING))
    if row < 0:
        return None
    message = f"the only open channel gets log α = {float(own[row]):.6g}, not 0"
    return Finding(message, case.rows(len(own)), show_row(inputs, row))


CHECKS = (
    alpha_sums_to_one,
    closed_channels_stay_closed,
    a_point_without_channels_has_none,
    the_only_channel_takes_all,
)
