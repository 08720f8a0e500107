"""The refinement of a VEGAS grid: against a transcription in loops, its optimum, and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from crosshook.plugins.vegas import grid as module
from crosshook.plugins.vegas.grid import NARROWEST, ChannelGrid, refine

Array = np.ndarray


def _line(bins: int, d: int = 1) -> torch.Tensor:
    return torch.linspace(0, 1, bins + 1, dtype=torch.float64).repeat(d, 1)


def _random(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.rand((n, d), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _in_loops(
    edges: Array, u: Array, value: Array, mixture: Array, moment: float, damping: float, j: int
) -> Array:
    """Edges of dimension j after one refinement, point by point and bin by bin."""
    d, bins = edges.shape[0], edges.shape[1] - 1
    importance = [0.0] * bins
    for x, f, m in zip(u, value, mixture, strict=True):
        q, mine = 1.0, 0
        for i in range(d):
            b = max(k for k in range(bins) if edges[i, k] <= x[i])
            q /= bins * (edges[i, b + 1] - edges[i, b])
            mine = b if i == j else mine
        importance[mine] += (abs(f) / q) ** moment * q / m
    for _ in range(module.SMOOTHINGS):
        f = importance
        importance = [
            (7 * f[0] + f[1]) / 8,
            *((f[i - 1] + 6 * f[i] + f[i + 1]) / 8 for i in range(1, bins - 1)),
            (f[-2] + 7 * f[-1]) / 8,
        ]
    factor = [x ** (damping / moment) for x in importance]
    mean = sum(factor) / bins
    factor = [max(x / mean, module.SMALLEST_STEP) for x in factor]
    share = sum(factor) / bins
    new, carried, i = [float(edges[j, 0])], 0.0, 0
    for _ in range(bins - 1):
        while carried + factor[i] < share * len(new):
            carried += factor[i]
            i += 1
        part = (share * len(new) - carried) / factor[i]
        new.append(float(edges[j, i] + part * (edges[j, i + 1] - edges[j, i])))
    return np.array([*new, edges[j, -1]])


@pytest.mark.parametrize(("moment", "damping"), [(2.0, 1.0), (4.0, 0.5), (6.5, 0.3)])
def test_refinement_in_loops(moment: float, damping: float) -> None:
    rng = np.random.default_rng(4)
    u = rng.random((2000, 2))
    value = np.exp(-20 * (u[:, 0] - 0.3) ** 2) * (u[:, 1] - 0.2)
    mixture = 300 * (0.5 + rng.random(2000))
    edges = np.sort(np.concatenate([np.zeros((2, 1)), np.ones((2, 1)), rng.random((2, 11))], 1))
    tensors = [torch.from_numpy(x) for x in (u, value, mixture)]
    found = refine(ChannelGrid(torch.from_numpy(edges)), *tensors, moment, damping).edges.numpy()
    for j in range(2):
        expected = _in_loops(edges, u, value, mixture, moment, damping, j)
        np.testing.assert_allclose(found[j], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("moment", [1.0, 2.0, 4.0])
def test_probabilities_go_to_the_moments_optimum(moment: float) -> None:
    """One discrete dimension with weights that vary within its values: Σ_i ⟨f^m⟩_i v^-m p_i^(1-m)
    is smallest at p_i ∝ ⟨f^m⟩_i^(1/m), which one full step reaches from anywhere.
    """
    u = _random(30_000, 2, 3)
    size = torch.tensor([1.0, 3.0, 0.2], dtype=torch.float64)[(3 * u[:, 1]).long()]
    f = size * (1 + u[:, 0] * (u[:, 1] > 1 / 3))
    mean = torch.stack([(f[(3 * u[:, 1]).long() == i] ** moment).sum() for i in range(3)])
    expected = mean ** (1 / moment) / (mean ** (1 / moment)).sum()
    for start in ([1 / 3, 2 / 3], [0.1, 0.4]):
        knots = torch.tensor([0.0, *start, 1.0], dtype=torch.float64)
        grid = ChannelGrid(_line(1), (knots,))
        new = refine(grid, u, f, torch.ones_like(f), moment, 1.0)
        torch.testing.assert_close(new.knots[0].diff(), expected, rtol=1e-12, atol=0)


def test_density_is_that_of_bins_and_values() -> None:
    edges = torch.tensor([[0.0, 0.2, 1.0]], dtype=torch.float64)
    knots = torch.tensor([0.0, 0.7, 0.9, 1.0], dtype=torch.float64)
    u = torch.tensor([[0.1, 0.9], [0.2, 0.0], [1.0, 1.0]], dtype=torch.float64)
    grid = ChannelGrid(edges, (knots,))
    density = grid.log_density(grid.locate(u)).exp()
    expected = [0.5 / 0.2 * 3 * 0.1, 0.5 / 0.8 * 3 * 0.7, 0.5 / 0.8 * 3 * 0.1]
    torch.testing.assert_close(density, torch.tensor(expected).double(), rtol=1e-7, atol=0)


def test_grids_stay_grids() -> None:
    """Ascending, from 0 to 1, whatever the values: one bin alone, one point, signs, huge."""
    u = _random(200, 3, 9)
    spike = torch.zeros(200, dtype=torch.float64)
    spike[0] = 1e150
    one = torch.ones(200, dtype=torch.float64)
    for value in (
        spike,
        -spike,
        torch.from_numpy(np.random.default_rng(9).normal(size=200)),
        (u[:, 0] < 0.01).to(torch.float64),
        torch.full((200,), 1e-150, dtype=torch.float64),
    ):
        for moment in (2.0, 16.0):
            grid = ChannelGrid(_line(16, 3))
            for _ in range(20):
                grid = refine(grid, u, value, one, moment, 1.0)
            assert (grid.edges[:, 0] == 0).all()
            assert (grid.edges[:, -1] == 1).all()
            assert float(grid.edges.diff(dim=1).min()) > 0.99 * NARROWEST


def test_what_leaves_the_grid_alone() -> None:
    grid = ChannelGrid(_line(8, 2), (torch.tensor([0.0, 0.4, 1.0]).double(),))
    u = _random(50, 3, 1)
    zero, one = torch.zeros(50, dtype=torch.float64), torch.ones(50, dtype=torch.float64)
    assert refine(grid, u, zero, one, 4.0, 1.0) is grid
    assert refine(grid, u[:0], zero[:0], one[:0], 4.0, 1.0) is grid
    still = refine(grid, u, zero + 3, one, 4.0, 0.0)
    torch.testing.assert_close(still.edges, grid.edges)
    torch.testing.assert_close(still.knots[0], grid.knots[0])
    # Equal weights at all bins' middles: every bin is as important as every other.
    middles = ((torch.arange(8) + 0.5) / 8).double()[:, None].repeat(1, 2)
    flat = refine(ChannelGrid(_line(8, 2)), middles, zero[:8] + 2, one[:8], 4.0, 1.0)
    torch.testing.assert_close(flat.edges, _line(8, 2))


def test_the_sign_does_not_matter() -> None:
    u = _random(500, 1, 2)
    value, one = u[:, 0] - 0.5, torch.ones(500, dtype=torch.float64)
    grid = ChannelGrid(_line(8))
    found = [refine(grid, u, v, one, 2.0, 1.0).edges for v in (value, value.abs())]
    assert torch.equal(*found)


def test_two_bins() -> None:
    """Too few for smoothing: values 1 and 3, so densities go to 1 and 3 times that of before."""
    u = torch.tensor([[0.25], [0.75]], dtype=torch.float64)
    value, one = torch.tensor([1.0, 3.0]).double(), torch.ones(2, dtype=torch.float64)
    # Half of the probability, 2 of 4, lies in the second bin from 2/3 of the way back from 1.
    found = refine(ChannelGrid(_line(2)), u, value, one, 4.0, 1.0).edges[0, 1]
    assert float(found) == pytest.approx(1 - 0.5 * 2 / 3, rel=1e-12)
    damped = refine(ChannelGrid(_line(2)), u, value, one, 4.0, 0.5).edges[0, 1]
    low, high = 1.0, math.sqrt(3)
    assert float(damped) == pytest.approx(1 - 0.5 * (low + high) / 2 / high, rel=1e-12)
