"""Errors that are too small or too large in places are put right, and coverage is counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from crosshook.core.errors import InputError
from crosshook.core.surrogates.calibration import (
    ONE_SIGMA,
    Recalibration,
    coverage,
    pull_width,
    recalibration,
)

N = 40_000
WIDTH_ERROR = 0.962
"""Standard error of the 68.27 % point of |x|, x Gaussian, times √n: √(p(1-p))/(2φ(1))."""


def _sample(stage: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Residuals with σ from 10⁻³ to 1, and a log σ that is wrong by a factor of 0.3 to 3."""
    rng = torch.Generator().manual_seed(stage)
    true = torch.linspace(-3, 0, N, dtype=torch.float64) * math.log(10)
    residual = torch.randn(N, generator=rng, dtype=torch.float64) * true.exp()
    return residual, true + torch.sin(true) * math.log(3)


def test_widths_are_one_everywhere_afterwards() -> None:
    correct = recalibration(*_sample(1))
    residual, log_std = _sample(2)
    before = pull_width(residual / log_std.exp())
    assert abs(before - 1) > 0.1
    pull = residual / correct(log_std).exp()
    # Statistical errors of both samples in a twentieth, and what a line between knots misses of
    # the correction: its curvature times (a step)²/8, the step being 0.35 of log σ.
    for part in torch.tensor_split(pull[torch.argsort(log_std)], 20):
        allowed = 5 * WIDTH_ERROR * math.sqrt(2 / len(part)) + 0.35**2 * math.log(3)
        assert abs(pull_width(part) - 1) < allowed
    share = coverage(pull, 1.0)
    assert abs(share - ONE_SIGMA) < 5 * math.sqrt(ONE_SIGMA * (1 - ONE_SIGMA) / N) + 0.01


def test_the_correction_is_piecewise_linear() -> None:
    knots = torch.tensor([-3.0, -1.0, 0.5, 2.0], dtype=torch.float64)
    shift = torch.tensor([0.2, -0.4, 1.0, 0.9], dtype=torch.float64)
    x = torch.linspace(-5, 4, 101, dtype=torch.float64)
    wanted = x.numpy() + np.interp(x.numpy(), knots.numpy(), shift.numpy())
    np.testing.assert_allclose(Recalibration(knots, shift)(x).numpy(), wanted, atol=1e-14)


def test_errors_without_variety_get_one_factor() -> None:
    residual = torch.randn(500, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = recalibration(2 * residual, torch.zeros(500, dtype=torch.float64))
    assert len(found.knots) == 1
    assert abs(float(found.shift) - math.log(2)) < 5 * WIDTH_ERROR / math.sqrt(200)
    exact = recalibration(torch.zeros(500), torch.zeros(500))
    assert torch.equal(exact(torch.zeros(2)), torch.zeros(2))
    with pytest.raises(InputError, match="there are no points"):
        recalibration(torch.zeros(0), torch.zeros(0))
