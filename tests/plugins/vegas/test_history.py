"""Points of several draws together: each under the density of all."""

from __future__ import annotations

import torch

from crosshook.plugins.vegas.grid import ChannelGrid
from crosshook.plugins.vegas.history import History


def test_mixture_is_that_of_all_draws() -> None:
    """Σ_t n_t q_t(u), written out for three grids of two bins."""
    rng = torch.Generator().manual_seed(3)
    middles, counts = (0.5, 0.2, 0.7), (30, 50, 20)
    history = History(1, torch.zeros(0, dtype=torch.float64))
    every = []
    for middle, n in zip(middles, counts, strict=True):
        edges = torch.tensor([[0.0, middle, 1.0]], dtype=torch.float64)
        u = torch.rand((n, 1), generator=rng, dtype=torch.float64)
        every.append(u)
        history.add(ChannelGrid(edges), u, u[:, 0] ** 2)
    points = torch.cat(every)
    assert torch.equal(history.u, points)
    assert torch.equal(history.value, points[:, 0] ** 2)
    x = points[:, 0]
    expected = torch.zeros_like(x)
    for middle, n in zip(middles, counts, strict=True):
        below = (x < middle).to(x)
        expected += n * (below * 0.5 / middle + (1 - below) * 0.5 / (1 - middle))
    torch.testing.assert_close(history.mixture, expected, rtol=1e-12, atol=0)


def test_weights_of_all_draws_estimate_the_integral() -> None:
    """Σ f/mixture over all points is ∫ f: here ∫ 3u² = 1 from three different densities."""
    rng = torch.Generator().manual_seed(4)
    history = History(1, torch.zeros(0, dtype=torch.float64))
    n = 4000
    for middle in (0.5, 0.8, 0.9):
        r = torch.rand((n, 1), generator=rng, dtype=torch.float64)
        u = torch.where(r < 0.5, 2 * r * middle, middle + (2 * r - 1) * (1 - middle))
        grid = ChannelGrid(torch.tensor([[0.0, middle, 1.0]], dtype=torch.float64))
        history.add(grid, u, 3 * u[:, 0] ** 2)
    terms = history.value / history.mixture
    # Fixed numbers of each density can only scatter less than draws of the mixture would.
    error = float(terms.std()) * (3 * n) ** 0.5
    assert error < 0.02
    assert abs(float(terms.sum()) - 1) < 5 * error
