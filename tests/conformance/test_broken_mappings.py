"""Deliberately wrong channel mappings, one defect each, and the finding that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.core.component import Capabilities

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget, Source
    from crosshook.core.testkit import Finding

Pair = tuple["Tensor", "Tensor"]
DIFFERENTIABLE = Capabilities(differentiable=True, invertible=True)


class MoebiusMapping:
    """Correct: u = (1 + a) r / (1 + a r) in each dimension, with a = 0.5 + c/4 in channel c."""

    def __init__(self, context: BuildContext) -> None:
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
        assert condition is not None
        self.extra = condition[:, :1]
        return super().forward(r, channel)

    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        assert condition is not None
        self.extra = condition[:, :1]
        return super().inverse(u, channel)

    def strength(self, channel: Tensor) -> Tensor:
        return super().strength(channel) + self.extra


class ForgetsTheCondition(ConditionalMapping):
    """The inverse takes the condition for zero."""

    def inverse(self, u: Tensor, channel: Tensor, condition: Tensor | None = None) -> Pair:
        assert condition is not None
        return super().inverse(u, channel, torch.zeros_like(condition))


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


CONDITIONAL = Capabilities(conditional=True, differentiable=True)
LEARNS = Capabilities(trainable=True, stateful=True)

BROKEN = [
    (
        ForgetsTheCondition,
        CONDITIONAL,
        r"inverse\(forward\(r\)\) and r differ",
        "inverse_undoes_forward",
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
    (NotDifferentiable, DIFFERENTIABLE, r"u has no gradient to r", "gradients_flow"),
    (FailsOnNothing, None, r"raises RuntimeError: min\(\)", "shapes_and_types"),
    (
        OverspendingMapping,
        LEARNS,
        r"draws 10001 points with a budget of 10000",
        "training_keeps_its_budget",
    ),
    (ForgetfulMapping, LEARNS, r"before saving and after loading differ", "state_survives_saving"),
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
    ],
)
def test_correct_mapping_passes(
    findings_on: Callable[..., list[Finding]], factory: type, capabilities: Capabilities
) -> None:
    assert findings_on("channel_mapping", factory, capabilities) == []


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
