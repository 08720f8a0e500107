"""Deliberately wrong channel mappings, one defect each, and the finding that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

from crosshook.core.component import Capabilities
from crosshook.core.errors import ConfigurationError
from crosshook.core.sampling.discrete import locate, place
from crosshook.core.testkit import checks_for, subject_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget, Source
    from crosshook.core.registry import Registry
    from crosshook.core.testkit import Finding

Pair = tuple["Tensor", "Tensor"]
DIFFERENTIABLE = Capabilities(differentiable=True, invertible=True)


class MoebiusMapping:
    """Correct: u = (1 + a) r / (1 + a r) in each dimension, with a = 0.5 + c/4 in channel c."""

    def __init__(self, context: BuildContext) -> None:
        if context.discrete:
            message = "subject: its density is not constant in the bins of discrete dimensions"
            raise ConfigurationError(message)
        self.bend = 0.5

    def strength(self, channel: Tensor) -> Tensor:
        return (self.bend + 0.25 * channel.to(torch.float64))[:, None]

    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        a = self.strength(channel)
        u = (1 + a) * r / (1 + a * r)
        return u.clamp(max=1.0), ((1 + a) / (1 + a * r) ** 2).log().sum(dim=1)

    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        a = self.strength(channel)
        r = u / (1 + a - a * u)
        return r.clamp(max=1.0), ((1 + a) / (1 + a - a * u) ** 2).log().sum(dim=1)


class ConditionalMapping(MoebiusMapping):
    """Correct: the first condition bends every dimension further."""

    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        self.extra = r.new_zeros((len(r), 1)) if condition is None else condition[:, :1]
        return super().forward(r, channel)

    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        self.extra = u.new_zeros((len(u), 1)) if condition is None else condition[:, :1]
        return super().inverse(u, channel)

    def strength(self, channel: Tensor) -> Tensor:
        return super().strength(channel) + self.extra


class ForgetsTheCondition(ConditionalMapping):
    """The inverse takes the condition for zero."""

    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        return super().inverse(u, channel)


class IgnoresTheCondition(ConditionalMapping):
    def strength(self, channel: Tensor) -> Tensor:
        return MoebiusMapping.strength(self, channel)


class FirstRowsCondition(ConditionalMapping):
    """Every row gets the condition of the first."""

    def strength(self, channel: Tensor) -> Tensor:
        first = self.extra[:1].expand(self.extra.shape) if len(self.extra) else self.extra
        return MoebiusMapping.strength(self, channel) + first


class CutsTheCondition(ConditionalMapping):
    """Differentiable in r only."""

    def strength(self, channel: Tensor) -> Tensor:
        return MoebiusMapping.strength(self, channel) + self.extra.detach()


class NeedsTheCondition(ConditionalMapping):
    """Fails where the task has no conditions."""

    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        assert condition is not None, "no condition"
        return super().forward(r, channel, condition)


class ConstantInLogDet(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        u, log_det = super().forward(r, channel)
        return u, log_det + 0.01

    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        r, log_det = super().inverse(u, channel)
        return r, log_det - 0.01


class SlopeInLogDet(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        u, log_det = super().forward(r, channel)
        return u, log_det + 0.01 * (r[:, 0] - 0.5)

    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        r, log_det = super().inverse(u, channel)
        return r, log_det - 0.01 * (r[:, 0] - 0.5)


class WrongInverse(MoebiusMapping):
    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        r, log_det = super().inverse(u, channel)
        return (r + 0.001).clamp(max=1.0), log_det


class SameSign(MoebiusMapping):
    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        r, log_det = super().inverse(u, channel)
        return r, -log_det


class OutsideTheCube(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        return r * 1.1 - 0.05, torch.full_like(r[:, 0], r.shape[1] * np.log(1.1))


class HalfTheCube(MoebiusMapping):
    """A bijection onto [0, ½] × ...: its image misses half of the cube."""

    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        u = torch.cat([0.5 * r[:, :1], r[:, 1:]], dim=1)
        return u, torch.full_like(r[:, 0], -np.log(2.0))

    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        r = torch.cat([(2.0 * u[:, :1]).clamp(max=1.0), u[:, 1:]], dim=1)
        return r, torch.full_like(u[:, 0], np.log(2.0))


class NotANumberAtZero(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        u, log_det = super().forward(r, channel)
        return u, log_det + 0.0 * r.log().sum(dim=1)


class SinglePrecision(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        u, log_det = super().forward(r, channel)
        return u.float(), log_det.float()


class Dither(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        u, log_det = super().forward(r + 1e-12 * torch.rand(r.shape, device=r.device), channel)
        return u.clamp(max=1.0), log_det


class Reseeds(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        np.random.seed(1)
        return super().forward(r, channel)


class SpoilsItsInput(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        result = super().forward(r, channel)
        r.clamp_(1e-3, 1 - 1e-3)
        return result


class LooksAtTheBatch(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        u, log_det = super().forward(r, channel)
        return u, log_det + 0.1 * (r.mean() - 0.5) if len(r) else log_det


class OneChannelForAll(MoebiusMapping):
    def strength(self, channel: Tensor) -> Tensor:
        first = channel[:1].expand(channel.shape) if len(channel) else channel
        return super().strength(first)


class SilentOnMeta(MoebiusMapping):
    """What it raises there has no message."""

    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        if torch.get_default_device().type == "meta":
            raise RuntimeError
        return super().forward(r, channel)


class ForgetsTheDevice(MoebiusMapping):
    def strength(self, channel: Tensor) -> Tensor:
        return torch.tensor([0.5])[:, None]


class NotDifferentiable(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        return super().forward(r.detach(), channel)


class FailsOnNothing(MoebiusMapping):
    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        r.min()
        return super().forward(r, channel)


class OverspendingMapping(MoebiusMapping):
    def fit(self, source: Source, budget: Budget, context: BuildContext) -> object:
        source.draw(budget.evaluations + 1)
        return None

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        return {"bend": torch.tensor([self.bend], device="cpu")}, {}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        self.bend = float(tensors["bend"][0])


class ForgetfulMapping(OverspendingMapping):
    """Trained, but load_state forgets what was learned."""

    def fit(self, source: Source, budget: Budget, context: BuildContext) -> object:
        from crosshook.core.interfaces.training import FitReport

        source.draw(10)
        self.bend = 0.75
        return FitReport(10)

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        self.bend = 0.5


class ValueMapping(MoebiusMapping):
    """Correct: value i of v has probability ∝ 1 + i + c in channel c, apart from the other axes."""

    def __init__(self, context: BuildContext) -> None:
        self.bend = 0.5
        self.discrete = context.discrete

    def steps(self, channel: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Lower ends of the intervals of r, and their lengths, `(n, v)`."""
        first = torch.arange(1, count + 1, dtype=torch.float64, device=channel.device)
        share = first + channel[:, None]
        share = share / share.sum(dim=1, keepdim=True)
        return torch.cumsum(share, 1) - share, share

    def place(self, value: Tensor, fraction: Tensor, count: int) -> Tensor:
        return place(value, fraction, count)

    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        d = r.shape[1] - len(self.discrete)
        u, log_det = super().forward(r[:, :d], channel)
        columns = [u]
        for j, count in enumerate(self.discrete):
            low, share = self.steps(channel, count)
            value = ((r[:, d + j, None] >= low).sum(dim=1) - 1).clamp(min=0)[:, None]
            fraction = (r[:, d + j, None] - low.gather(1, value)) / share.gather(1, value)
            columns.append(self.place(value, fraction.clamp(0, 1), count))
            log_det = log_det - (count * share.gather(1, value)[:, 0]).log()
        return torch.cat(columns, dim=1), log_det

    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        d = u.shape[1] - len(self.discrete)
        r, log_det = super().inverse(u[:, :d], channel)
        columns = [r]
        for j, count in enumerate(self.discrete):
            low, share = self.steps(channel, count)
            value = locate(u[:, d + j, None], count)
            fraction = u[:, d + j, None] * count - value
            columns.append((low + fraction * share).gather(1, value).clamp(max=1.0))
            log_det = log_det + (count * share.gather(1, value)[:, 0]).log()
        return torch.cat(columns, dim=1), log_det


class TakesValuesForNumbers(MoebiusMapping):
    """Bends discrete dimensions as if they were continuous."""

    def __init__(self, context: BuildContext) -> None:
        self.bend = 0.5


class ClosesAValue(ValueMapping):
    """Never draws the first value."""

    def steps(self, channel: Tensor, count: int) -> tuple[Tensor, Tensor]:
        share = torch.arange(count, dtype=torch.float64, device=channel.device)
        share = (share / share.sum()).expand(len(channel), count)
        return torch.cumsum(share, 1) - share, share


class ForgetsTheProbability(ValueMapping):
    """Right bins, but their probabilities are not in log_det."""

    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        u, _ = super().forward(r, channel)
        d = r.shape[1] - len(self.discrete)
        return u, MoebiusMapping.forward(self, r[:, :d], channel)[1]

    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        r, _ = super().inverse(u, channel)
        d = u.shape[1] - len(self.discrete)
        return r, MoebiusMapping.inverse(self, u[:, :d], channel)[1]


class ProbabilitiesTooLarge(ValueMapping):
    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        r, log_det = super().inverse(u, channel)
        return r, log_det + 1e-3


class OverTheEdge(ValueMapping):
    """The last numbers of a bin round into the next, or the first ones into the one before."""

    def place(self, value: Tensor, fraction: Tensor, count: int) -> Tensor:
        return ((value + fraction) / count).clamp(max=1.0)


class DiscreteFailure(MoebiusMapping):
    """Neither takes discrete dimensions nor refuses them."""

    def __init__(self, context: BuildContext) -> None:
        self.bend = 0.5
        if context.discrete:
            message = "too many values to unpack"
            raise ValueError(message)


CONDITIONAL = Capabilities(conditional=True, differentiable=True)
LEARNS = Capabilities(trainable=True, stateful=True)


class OnlyNumbers(MoebiusMapping):
    """Forgets that the Jacobian belongs to the result."""

    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        u: Any = super().forward(r, channel, condition)[0]
        return cast("Pair", u)


class LogOfNegative(MoebiusMapping):
    """NaN in some of the rows, each of which is NaN alone, too."""

    def forward(self, r: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        u, log_det = super().forward(r, channel, condition)
        return u, torch.where(r[:, 0] > 0.5, torch.nan, log_det)


BROKEN = [
    (
        ForgetsTheCondition,
        CONDITIONAL,
        r"inverse\(forward\(r\)\) and r differ",
        "inverse_undoes_forward",
    ),
    (
        IgnoresTheCondition,
        CONDITIONAL,
        r"forward ignores the condition",
        "condition_counts",
    ),
    (
        FirstRowsCondition,
        CONDITIONAL,
        r"depends on the rest of the batch",
        "rows_independent",
    ),
    (
        CutsTheCondition,
        CONDITIONAL,
        r"u has no gradient to the condition",
        "gradients_reach_the_condition",
    ),
    (
        NeedsTheCondition,
        CONDITIONAL,
        r"raises AssertionError: no condition",
        "stays_in_the_cube",
    ),
    (
        ConstantInLogDet,
        None,
        r"log_det of forward and log.det ∂u/∂r. .*by a constant",
        "log_det_is_the_jacobian",
    ),
    (ConstantInLogDet, DIFFERENTIABLE, r"autograd \(by a constant\)", "log_det_is_the_jacobian"),
    (
        SlopeInLogDet,
        None,
        r"log_det of forward and log.det ∂u/∂r. .*amount that varies",
        "log_det_is_the_jacobian",
    ),
    (
        SlopeInLogDet,
        DIFFERENTIABLE,
        r"autograd \(by an amount that varies\)",
        "log_det_is_the_jacobian",
    ),
    (WrongInverse, None, r"inverse\(forward\(r\)\) and r differ", "inverse_undoes_forward"),
    (
        SameSign,
        None,
        r"log_det of inverse and −log_det of forward differ",
        "inverse_undoes_forward",
    ),
    (OutsideTheCube, None, r"leaves the unit cube", "stays_in_the_cube"),
    (HalfTheCube, None, r"∫ q\(u\) du is 1\.\d+ .* not 1", "density_is_normalised"),
    (NotANumberAtZero, None, r"log_det nan at the edge", "edges_are_finite"),
    (SinglePrecision, None, r"is torch.float32, wanted torch.float64", "shapes_and_types"),
    (Dither, None, r"global state: torch's generator", "global_state_untouched"),
    (Dither, None, r"changes from one call to the next", "repeatable"),
    (Reseeds, None, r"global state: numpy's generator", "global_state_untouched"),
    (SpoilsItsInput, None, r"mutates its input r", "inputs_unchanged"),
    (LooksAtTheBatch, None, r"depends on the rest of the batch", "rows_independent"),
    (OneChannelForAll, None, r"interleaved with others", "channels_do_not_mix"),
    (ForgetsTheDevice, None, r"made without a device", "explicit_device"),
    (SilentOnMeta, None, r"a tensor was made without a device at ", "explicit_device"),
    (NotDifferentiable, DIFFERENTIABLE, r"u has no gradient to r", "gradients_flow"),
    (FailsOnNothing, None, r"raises RuntimeError: min\(\)", "shapes_and_types"),
    (
        OverspendingMapping,
        LEARNS,
        r"draws 10001 points with a budget of 10000",
        "training_keeps_its_budget",
    ),
    (ForgetfulMapping, LEARNS, r"before saving and after loading differ", "state_survives_saving"),
    (
        TakesValuesForNumbers,
        None,
        r"log q at a fraction of 0 of the bins and in their middle differ",
        "density_is_flat_in_a_bin",
    ),
    (ClosesAValue, None, r"log_det of inverse is -inf inside", "stays_in_the_cube"),
    (ForgetsTheProbability, None, r"log_det of forward and log.det", "log_det_is_the_jacobian"),
    (ProbabilitiesTooLarge, None, r"add up to 1\.001\d* in channel 0", "probabilities_add_up"),
    (OverTheEdge, None, r"in the middle of the bin it leads to", "draws_keep_to_their_bins"),
    (OnlyNumbers, None, r"forward gives a Tensor, wanted a tuple of two ten", "shapes_and_types"),
    (LogOfNegative, None, r"log_det of forward holds \d+ NaN", "shapes_and_types"),
    (DiscreteFailure, None, r"raises ValueError: too many values", "shapes_and_types"),
    (MoebiusMapping, Capabilities(trainable=True), r"no fit\(source", "capabilities_are_kept"),
]


@pytest.mark.parametrize(
    ("factory", "capabilities", "words", "check"),
    BROKEN,
    ids=[f"{factory.__name__}-{i}" for i, (factory, *_) in enumerate(BROKEN)],
)
def test_wrong_mapping_is_rejected(
    reject: Callable[..., None],
    factory: type,
    capabilities: Capabilities | None,
    words: str,
    check: str,
) -> None:
    reject("channel_mapping", factory, words, check, capabilities)


@pytest.mark.parametrize(
    ("factory", "capabilities"),
    [
        (MoebiusMapping, Capabilities()),
        (MoebiusMapping, DIFFERENTIABLE),
        (ConditionalMapping, CONDITIONAL),
        (ValueMapping, DIFFERENTIABLE),
    ],
)
def test_correct_mapping_passes(
    findings_on: Callable[..., list[Finding]], factory: type, capabilities: Capabilities
) -> None:
    assert findings_on("channel_mapping", factory, capabilities) == []


def test_refusing_discrete_dimensions_is_recorded(registry_of: Callable[..., Registry]) -> None:
    registry = registry_of("channel_mapping", MoebiusMapping)
    subject = subject_of("subject", registry, interface="channel_mapping")
    outcomes = {c.name: c.outcome(subject) for c in checks_for("channel_mapping")}
    for name in ("density_is_flat_in_a_bin", "draws_keep_to_their_bins", "probabilities_add_up"):
        assert outcomes[name].status == "skipped"
        assert outcomes[name].reason == (
            "refuses discrete dimensions: "
            "subject: its density is not constant in the bins of discrete dimensions"
        )
    assert outcomes["stays_in_the_cube"].status == "passed"


def test_nan_is_not_taken_for_dependence_on_other_rows(
    findings_on: Callable[..., list[Finding]],
) -> None:
    checks = {finding.check for finding in findings_on("channel_mapping", LogOfNegative)}
    assert "stays_in_the_cube" in checks
    assert "rows_independent" not in checks


def test_finding_names_law_case_and_input(findings_on: Callable[..., list[Finding]]) -> None:
    finding = next(
        f
        for f in findings_on("channel_mapping", ConstantInLogDet)
        if f.check == "log_det_is_the_jacobian"
    )
    assert finding.case == "d=1, k=1, n=200"
    assert finding.given.startswith("row ")
    assert "log|det ∂u/∂r|" in finding.law
    assert finding.figures["difference"] == pytest.approx(0.01, abs=1e-4)
