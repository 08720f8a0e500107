"""Transfer functions: a correct Gaussian one passes, each wrong one is found out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.interfaces.features import Features

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.testkit import Finding


class GaussianTransfer:
    """Correct: x_i = 1.1 z_i + (0.2 + 0.1 |z_i|) · normal; accepted with ε = exp(−z²/10)."""

    def __init__(self, context: BuildContext) -> None:
        self.names = context.features

    def width(self, z: Tensor) -> Tensor:
        return 0.2 + 0.1 * z.abs()

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        width = self.width(truth.dense)
        t = (reco.dense - 1.1 * truth.dense) / width
        return (-0.5 * t**2 - width.log() - 0.5 * math.log(2 * math.pi)).sum(dim=1)

    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        z = truth.dense.repeat_interleave(n_draws, dim=0)
        noise = torch.randn(z.shape, generator=rng, dtype=z.dtype, device=rng.device).to(z.device)
        return Features(1.1 * z + self.width(z) * noise, self.names, truth.units)

    def log_acceptance(self, truth: Features) -> Tensor:
        return -truth.dense.square().sum(dim=1) / 10.0


class NormalisedToNineTenths(GaussianTransfer):
    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        return super().log_prob(reco, truth) + math.log(0.9)


class TimesAcceptance(GaussianTransfer):
    """A density over all events instead of the accepted ones."""

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        return super().log_prob(reco, truth) + self.log_acceptance(truth)


class ShiftedSample(GaussianTransfer):
    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        drawn = super().sample(truth, n_draws, rng)
        return Features(drawn.dense + 0.03, drawn.names, drawn.units)


class DrawsInTheWrongOrder(GaussianTransfer):
    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        drawn = super().sample(truth, n_draws, rng)
        n, f = truth.dense.shape
        shuffled = drawn.dense.reshape(n, n_draws, f).transpose(0, 1).reshape(n * n_draws, f)
        return Features(shuffled, drawn.names, drawn.units)


class AcceptanceAboveOne(GaussianTransfer):
    def log_acceptance(self, truth: Features) -> Tensor:
        return 0.01 + super().log_acceptance(truth)


class DeafToItsGenerator(GaussianTransfer):
    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        return super().sample(truth, n_draws, torch.Generator(device="cpu").manual_seed(1))


class GlobalNoise(GaussianTransfer):
    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        z = truth.dense.repeat_interleave(n_draws, dim=0)
        return Features(z + torch.randn_like(z), self.names, truth.units)


class OneDrawShort(GaussianTransfer):
    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        return super().sample(truth, max(n_draws - 1, 1), rng)


class BatchWidth(GaussianTransfer):
    def width(self, z: Tensor) -> Tensor:
        return 0.2 + 0.1 * (z.abs().mean(dim=0) if len(z) else z)


BROKEN = [
    (NormalisedToNineTenths, r"∫ T\(x\|z\) dx = 0\.(89|90)", "density_is_normalised"),
    (TimesAcceptance, r"T is not normalised", "density_is_normalised"),
    (ShiftedSample, r"sample does not follow log_prob", "sample_follows_log_prob"),
    (DrawsInTheWrongOrder, r"sample does not follow log_prob", "sample_follows_log_prob"),
    (AcceptanceAboveOne, r"acceptance 1\.\d+ above 1", "acceptance_is_a_probability"),
    (DeafToItsGenerator, r"ignores its generator", "sample_has_a_row_per_draw"),
    (GlobalNoise, r"global state: torch's generator", "global_state_untouched"),
    (OneDrawShort, r"rows drawn: 14, wanted 7 rows with 3 draws", "sample_has_a_row_per_draw"),
    (BatchWidth, r"log_prob of log_prob depends on the rest of the batch", "rows_independent"),
]


@pytest.mark.parametrize(
    ("factory", "words", "check"), BROKEN, ids=[f.__name__ for f, _, _ in BROKEN]
)
def test_wrong_transfer_function_is_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("transfer_function", factory, words, check)


def test_correct_transfer_function_passes(findings_on: Callable[..., list[Finding]]) -> None:
    assert findings_on("transfer_function", GaussianTransfer) == []
