"""Closed channels: the rest is a partition of 1, and nothing is drawn from them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from crosshook.core.generate import common_weight
from crosshook.core.sampling.closing import without
from crosshook.core.sampling.composition import Composition
from crosshook.core.sampling.numbers import draw_numbers
from crosshook.core.sampling.sampler import even_shares, shares_from


def test_weight_goes_to_the_others() -> None:
    prior = torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.9, 0.1, 0.0]], dtype=torch.float64)
    found = without(torch.log(prior), (0,))
    expected = torch.tensor(
        [[0.0, 0.375, 0.625], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64
    )
    torch.testing.assert_close(torch.exp(found), expected, rtol=1e-14, atol=0)
    log_prior = torch.log(prior)
    assert without(log_prior, ()) is log_prior


def test_nan_and_rows_without_an_open_channel_stay() -> None:
    log_prior = torch.tensor([[torch.nan, 0.0], [0.0, torch.nan], [-torch.inf, -torch.inf]])
    found = without(log_prior, (0,))
    assert bool(found[0, 0].isnan()) or found[0].tolist() == [-torch.inf, 0.0]
    assert bool(found[1, 1].isnan())
    assert found[2].tolist() == [-torch.inf, -torch.inf]


def test_shares() -> None:
    assert even_shares(3, (1,)).tolist() == [0.5, 0.0, 0.5]
    found = shares_from(np.array([1.0, 50.0, 3.0]), 0.1, (1,))
    assert found.tolist() == [0.25, 0.0, 0.75]
    assert shares_from(np.zeros(3), 0.1, (0, 2)).tolist() == [0.0, 1.0, 0.0]
    # The floor is for channels that are open.
    assert shares_from(np.array([0.0, 1.0, 5.0]), 0.3, (2,))[2] == 0


@pytest.mark.parametrize("shares", [[0.0, 0.4, 0.6], [0.4, 0.0, 0.6], [0.4, 0.6, 0.0]])
def test_nothing_is_drawn_from_a_channel_without_share(shares: list[float]) -> None:
    given = torch.tensor(shares, dtype=torch.float64)
    for latents in ("random", "sobol"):
        numbers = draw_numbers(3, "test", 0, 1001, 2, given, latents=latents)
        counts = torch.bincount(numbers.channel, minlength=3)
        assert counts[given == 0].sum() == 0
        assert bool(((counts - 1001 * given).abs() < 1).all())


def test_common_weight_of_open_channels() -> None:
    shares = torch.tensor([0.25, 0.75, 0.0], dtype=torch.float64)
    assert common_weight(np.array([1.0, 3.0, 0.0]), shares) == 4.0


def test_saved_with_the_composition() -> None:
    composition = Composition(((1.0, 0.0, 0.0),) * 3, None, False, (0, 0, 1), (2,))
    assert Composition.from_json(composition.as_json()) == composition
