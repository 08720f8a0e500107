"""Scales by name, number and expression, against sums written out."""

from __future__ import annotations

import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.process.scales import Scale

TOPS = (6, -6)


@pytest.fixture
def final() -> torch.Tensor:
    """One pair: p_T 3 and 5, masses 12 and 0, E² = m² + p_T² + p_z²."""
    rows = [[13.0, 3.0, 0.0, 4.0], [13.0, 0.0, 5.0, -12.0]]
    return torch.tensor([rows], dtype=torch.float64)


@pytest.mark.parametrize(
    ("choice", "value"),
    [
        ("sum_pt", 8.0),
        ("ht", 153**0.5 + 5.0),
        ("ht/2", (153**0.5 + 5.0) / 2),
        ("m", (26**2 - 3**2 - 5**2 - 8**2) ** 0.5),
        (91.2, 91.2),
        (1.0e-3, 1.0e-3),
        ("2*sum_pt", 16.0),
    ],
)
def test_values(choice: str | float, value: float, final: torch.Tensor) -> None:
    found = Scale(choice, "scales.renormalisation", TOPS)(final)
    assert found.tolist() == pytest.approx([value], rel=1e-14)


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("mll", "no leptons"),
        ("sum_pd", "no quantity 'sum_pd'; known:"),
        ("pt[2]", "no final-state leg 2"),
        ("pt[0] > 3", "a condition, where a quantity is needed"),
        (float("inf"), "no quantity 'inf'"),
    ],
)
def test_refused_before_the_run(choice: str | float, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^scales\.factorisation: ") as caught:
        Scale(choice, "scales.factorisation", TOPS)
    assert reason in str(caught.value)
