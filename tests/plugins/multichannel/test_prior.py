"""Channel weights `prior`: the proposal itself, normalised."""

from __future__ import annotations

import math

import torch

from crosshook.core.context import BuildContext
from crosshook.plugins.multichannel.prior import make

INF = math.inf


def test_a_normalised_proposal_stays() -> None:
    prior = torch.log(torch.tensor([[0.2, 0.3, 0.5]], dtype=torch.float64))
    torch.testing.assert_close(make(BuildContext(channels=3)).log_weights(None, prior), prior)


def test_proposals_are_normalised_and_closed_channels_stay_closed() -> None:
    prior = torch.tensor(
        [[0.0, 0.0, -INF], [700.0, 701.0, 0.0], [-INF, -INF, -INF], [-INF, -800.0, -INF]],
        dtype=torch.float64,
    )
    found = make(BuildContext(channels=3)).log_weights(None, prior)
    e = math.exp(1.0)
    expected = [[0.5, 0.5, 0], [1 / (1 + e), e / (1 + e), 0], [0, 0, 0], [0, 1, 0]]
    torch.testing.assert_close(found.exp(), torch.tensor(expected, dtype=torch.float64))
    assert not found.isnan().any()
