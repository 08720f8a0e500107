"""A discrete dimension of the mapping: exact probabilities, and the floor."""

from __future__ import annotations

import pytest
import torch

from crosshook.plugins.vegas.values import FLOOR, even_knots, knots_of


def test_no_value_is_closed() -> None:
    knots = knots_of(torch.tensor([0.0, 1.0, 3.0, 0.0], dtype=torch.float64))
    probability = knots.diff()
    assert float(probability.sum()) == pytest.approx(1.0, abs=1e-15)
    floor = FLOOR / 4
    expected = torch.tensor([floor, 0.25, 0.75, floor]).double() / (1 + 2 * floor)
    torch.testing.assert_close(probability, expected, rtol=1e-6, atol=0)


def test_untrained_values_are_equally_probable() -> None:
    knots = even_knots(2, 4, torch.zeros(0, dtype=torch.float64))
    assert knots.tolist() == [[0.0, 0.25, 0.5, 0.75, 1.0]] * 2
