"""Amplitude surrogates: a correct one passes, each wrong one is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.component import Capabilities
from crosshook.core.interfaces.amplitude_surrogate import Prediction
from crosshook.core.interfaces.training import FitReport
from crosshook.core.testkit.amplitude_surrogate import ENERGY, momenta

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget, Source
    from crosshook.core.testkit import Finding


class EnergySurrogate:
    """Correct in form: |M|² = α_s² Σ E², with a constant error."""

    def __init__(self, context: BuildContext) -> None:
        pass

    def power(self, momenta: Tensor) -> Tensor | float:
        return 2.0

    def predict(
        self,
        momenta: Tensor,
        process: Tensor,
        alpha_s: Tensor,
        condition: Tensor | None = None,
    ) -> Prediction:
        log_abs = momenta[:, 2:, 0].square().sum(dim=1).log()
        log_abs = log_abs + self.power(momenta) * alpha_s.log()
        one = torch.ones_like(log_abs)
        return Prediction(log_abs, one, -2.0 * one)


class Standardised(EnergySurrogate):
    """Standardises with the batch's own mean, as a network left in training mode does."""

    def predict(
        self,
        momenta: Tensor,
        process: Tensor,
        alpha_s: Tensor,
        condition: Tensor | None = None,
    ) -> Prediction:
        found = super().predict(momenta, process, alpha_s)
        mean = found.log_abs.mean() if len(momenta) else 0.0
        return Prediction(found.log_abs - mean, found.sign, found.log_std)


class ZeroSign(EnergySurrogate):
    def predict(
        self,
        momenta: Tensor,
        process: Tensor,
        alpha_s: Tensor,
        condition: Tensor | None = None,
    ) -> Prediction:
        found = super().predict(momenta, process, alpha_s)
        return Prediction(found.log_abs, torch.where(alpha_s > 0.1, 1.0, 0.0).double())


class NoCoupling(EnergySurrogate):
    def power(self, momenta: Tensor) -> Tensor | float:
        return 1.7


class RunningPower(EnergySurrogate):
    def power(self, momenta: Tensor) -> Tensor | float:
        return torch.where(momenta[:, 2, 3] > 0, 2.0, 3.0)


class SinglePrecision(EnergySurrogate):
    def predict(
        self,
        momenta: Tensor,
        process: Tensor,
        alpha_s: Tensor,
        condition: Tensor | None = None,
    ) -> Prediction:
        found = super().predict(momenta.float(), process, alpha_s.float())
        return Prediction(found.log_abs, found.sign)


class Untaught(EnergySurrogate):
    """Is trained, and learns nothing: neither |M|² nor its power of α_s."""

    def fit(self, source: Source, budget: Budget, context: BuildContext) -> FitReport:
        return FitReport(source.evaluations)


BROKEN = [
    (Standardised, r"depends on the rest of the batch", "rows_independent"),
    (ZeroSign, r"sign is 0", "prediction_is_a_number_with_a_sign"),
    (NoCoupling, r"α_s enters with power 1\.7", "coupling_enters_as_a_power"),
    (RunningPower, r"α_s enters with power \d, and with \d", "coupling_enters_as_a_power"),
    (SinglePrecision, r"is torch.float32", "shapes_and_types"),
]


@pytest.mark.parametrize(
    ("factory", "words", "check"), BROKEN, ids=[f.__name__ for f, _, _ in BROKEN]
)
def test_wrong_surrogate_is_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("amplitude_surrogate", factory, words, check)


def test_a_training_that_teaches_nothing_is_rejected(reject: Callable[..., None]) -> None:
    words, check = (
        r"log_abs is off by .* where log\|M\|² spreads by",
        "training_tells_points_apart",
    )
    reject("amplitude_surrogate", Untaught, words, check, Capabilities(trainable=True))


def test_correct_surrogate_passes(findings_on: Callable[..., list[Finding]]) -> None:
    assert findings_on("amplitude_surrogate", EnergySurrogate) == []


def test_momenta_of_the_kit_are_physical() -> None:
    p = momenta(100, 5, torch.Generator().manual_seed(3))
    mass2 = p[..., 0] ** 2 - p[..., 1:].square().sum(dim=2)
    # Rounding of E² at 1 TeV.
    assert float(mass2.abs().max()) < 1e-9 * ENERGY**2
    balance = p[:, :2].sum(dim=1) - p[:, 2:].sum(dim=1)
    assert float(balance.abs().max()) < 1e-9 * ENERGY
