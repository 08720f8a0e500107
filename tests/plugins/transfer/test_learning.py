"""The training loop: what is no number is counted or refused, never silently survived."""

from __future__ import annotations

import math

import pytest
import torch

from crosshook.core.errors import InputError, NumericalError
from crosshook.core.progress import Silent
from crosshook.plugins.transfer.learning import train, usual_lesson
from crosshook.plugins.transfer.marginal import Marginal

LESSON = usual_lesson(4, 10, 0.1, "line")
WEIGHT = torch.ones(100, dtype=torch.float64)


def test_steps_without_gradients_are_counted() -> None:
    slope = torch.zeros(1, dtype=torch.float64)
    calls = 0

    def loss(rows: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        found = (slope - 1.0).square().expand(len(rows))
        return found * math.nan if calls == 1 else found

    learnt = train([slope], loss, WEIGHT, 0.2, LESSON, torch.Generator().manual_seed(1), Silent())
    assert learnt.skipped == 1
    assert learnt.notes("line") == (f"line: 1 of {learnt.steps} steps had no gradients: left out",)
    assert bool(slope.isfinite().all())
    assert all(math.isfinite(value) for value in learnt.losses)


def test_a_loss_that_is_never_a_number_is_refused() -> None:
    slope = torch.zeros(1, dtype=torch.float64)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        return slope.expand(len(rows)) * math.nan

    with pytest.raises(NumericalError, match="line: the loss of the rows held out"):
        train([slope], loss, WEIGHT, 0.2, LESSON, torch.Generator().manual_seed(1), Silent())


def test_a_column_that_no_event_has() -> None:
    with pytest.raises(InputError, match="no event of the training has one"):
        Marginal.through(torch.zeros(0, dtype=torch.float64), "reco jet column 'pt'")
