"""Deliberately wrong channel weights, one defect each, and the finding that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.testkit import Finding


class BalancedWeights:
    """Correct: prior times density, normalised over the open channels."""

    def __init__(self, context: BuildContext) -> None:
        pass

    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        raw = log_prior if log_density is None else log_prior + log_density
        total = raw.logsumexp(dim=1, keepdim=True)
        return torch.where(total > -torch.inf, raw - total, raw)


class Unnormalised(BalancedWeights):
    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        return super().log_weights(features, log_prior, log_density) + 1e-6


class ForgetsTheSum(BalancedWeights):
    """Right for normalised priors alone, wrong as soon as densities come in."""

    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        return log_prior if log_density is None else log_prior + log_density


class OpensClosed(BalancedWeights):
    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        floor = torch.full_like(log_prior, -700.0)
        closed = (log_prior == -torch.inf).all(dim=1, keepdim=True)
        lifted = torch.where(closed, log_prior, torch.maximum(log_prior, floor))
        return super().log_weights(features, lifted, None)


class NaNWithoutChannels(BalancedWeights):
    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        return log_prior.log_softmax(dim=1)


class UniformWithoutChannels(BalancedWeights):
    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        found = super().log_weights(features, log_prior, log_density)
        closed = (log_prior == -torch.inf).all(dim=1, keepdim=True)
        return torch.where(closed, torch.zeros_like(found), found)


class Underflows(BalancedWeights):
    """Normalises outside the logarithm: e⁻⁷⁰⁰ times e⁻⁷⁰⁰ is 0, and e⁷⁰⁰ squared is infinite."""

    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        raw = log_prior.exp() * (1.0 if log_density is None else log_density.exp())
        raw = raw / raw.square().sum(dim=1, keepdim=True).sqrt().clamp(min=1e-300)
        total = raw.sum(dim=1, keepdim=True)
        return torch.where(total > 0, raw / total, raw).log()


class OneRowForAll(BalancedWeights):
    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        found = super().log_weights(features, log_prior, None)
        tilt = torch.where(found.isfinite(), found, torch.zeros_like(found)).mean(dim=0)
        return super().log_weights(features, found + 0.1 * tilt) if len(found) else found


class NeedsFeatures(BalancedWeights):
    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        assert features is not None, "no features"
        return super().log_weights(features, log_prior, log_density)


BROKEN = [
    (Unnormalised, r"α is not normalised: Σα = 1\.000001", "alpha_sums_to_one"),
    (ForgetsTheSum, r"α is not normalised", "alpha_sums_to_one"),
    (OpensClosed, r"opens closed channel", "closed_channels_stay_closed"),
    (NaNWithoutChannels, r"holds \d+ NaN", "shapes_and_types"),
    (
        UniformWithoutChannels,
        r"where every channel is closed",
        "a_point_without_channels_has_none",
    ),
    (Underflows, r"α is not normalised|NaN", "alpha_sums_to_one"),
    (OneRowForAll, r"depends on the rest of the batch", "rows_independent"),
    (NeedsFeatures, r"raises AssertionError: no features", "shapes_and_types"),
]


@pytest.mark.parametrize(
    ("factory", "words", "check"), BROKEN, ids=[f.__name__ for f, _, _ in BROKEN]
)
def test_wrong_weights_are_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("channel_weights", factory, words, check)


def test_correct_weights_pass(findings_on: Callable[..., list[Finding]]) -> None:
    assert findings_on("channel_weights", BalancedWeights) == []
