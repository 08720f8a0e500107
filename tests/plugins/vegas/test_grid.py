"""The refinement of a VEGAS grid: against a transcription of Lepage's formulas, and its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from crosshook.plugins.vegas.grid import NARROWEST, refine


def _line(bins: int, d: int = 1) -> torch.Tensor:
    return torch.linspace(0, 1, bins + 1, dtype=torch.float64).repeat(d, 1)


def _lepage(edges: np.ndarray, r: np.ndarray, weight: np.ndarray, damping: float) -> np.ndarray:
    """One dimension, equations (17) to (21) of 2009.05112 in loops."""
    bins = len(edges) - 1
    sums, hits = [0.0] * bins, [0] * bins
    for x, w in zip(r, weight, strict=True):
        b = min(int(x * bins), bins - 1)
        sums[b] += w * w
        hits[b] += 1
    f = [s / max(h, 1) for s, h in zip(sums, hits, strict=True)]
    smooth = [
        (7 * f[0] + f[1]) / 8,
        *((f[i - 1] + 6 * f[i] + f[i + 1]) / 8 for i in range(1, bins - 1)),
        (f[-2] + 7 * f[-1]) / 8,
    ]
    total = sum(smooth)
    compressed = [((1 - s / total) / math.log(total / s)) ** damping for s in smooth]
    share = sum(compressed) / bins
    new, carried, i = [float(edges[0])], 0.0, 0
    for _ in range(bins - 1):
        while carried + compressed[i] < share * len(new):
            carried += compressed[i]
            i += 1
        part = (share * len(new) - carried) / compressed[i]
        new.append(float(edges[i] + part * (edges[i + 1] - edges[i])))
    return np.array([*new, edges[-1]])


@pytest.mark.parametrize("damping", [0.3, 0.7, 1.5])
def test_refinement_is_lepages(damping: float) -> None:
    rng = np.random.default_rng(4)
    r = rng.random((3000, 2))
    weight = np.exp(-20 * (r[:, 0] - 0.3) ** 2) * (0.1 + r[:, 1])
    edges = torch.from_numpy(np.sort(np.concatenate([[0, 1], rng.random(11)]))).repeat(2, 1)
    found = refine(edges, torch.from_numpy(r), torch.from_numpy(weight), damping).numpy()
    for d in range(2):
        expected = _lepage(edges[d].numpy(), r[:, d], weight, damping)
        np.testing.assert_allclose(found[d], expected, rtol=0, atol=1e-12)


def test_grids_stay_grids() -> None:
    """Ascending, from 0 to 1, whatever the weights: one bin alone, one point, signs, huge."""
    rng = np.random.default_rng(9)
    r = torch.from_numpy(rng.random((200, 3)))
    spike = torch.zeros(200, dtype=torch.float64)
    spike[0] = 1e150
    for weight in (
        spike,
        -spike,
        torch.from_numpy(rng.normal(size=200)),
        (r[:, 0] < 0.01).to(torch.float64),
        torch.full((200,), 1e-150, dtype=torch.float64),
    ):
        edges = _line(16, 3)
        for _ in range(20):
            edges = refine(edges, r, weight, 1.0)
        assert (edges[:, 0] == 0).all()
        assert (edges[:, -1] == 1).all()
        assert float(edges.diff(dim=1).min()) > 0.99 * NARROWEST


def test_what_leaves_the_grid_alone() -> None:
    edges = _line(8, 2)
    r = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    zero = torch.zeros(50, dtype=torch.float64)
    assert torch.equal(refine(edges, r, zero, 1.0), edges)
    assert torch.equal(refine(edges, r[:0], zero[:0], 1.0), edges)
    torch.testing.assert_close(refine(edges, r, zero + 3, 0.0), edges)
    # Equal weights at all bins' middles: every bin is as important as every other.
    middles = ((torch.arange(8) + 0.5) / 8).double()[:, None].repeat(1, 2)
    torch.testing.assert_close(refine(edges, middles, zero[:8] + 2, 1.0), edges)


def test_the_weights_sign_does_not_matter() -> None:
    r = torch.rand(500, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    weight = r[:, 0] - 0.5
    assert torch.equal(refine(_line(8), r, weight, 1.0), refine(_line(8), r, weight.abs(), 1.0))


def test_two_bins() -> None:
    """Too few for smoothing: importances 1 and 3 compress to 0.75/log 4 and 0.25/log(4/3)."""
    r = torch.tensor([[0.25], [0.75]], dtype=torch.float64)
    weight = torch.tensor([1.0, math.sqrt(3)], dtype=torch.float64)
    low, high = 0.75 / math.log(4), 0.25 / math.log(4 / 3)
    # Half of the sum lies in the second bin.
    expected = 0.5 + 0.5 * ((low + high) / 2 - low) / high
    found = refine(_line(2), r, weight, 1.0)[0, 1]
    assert float(found) == pytest.approx(expected, rel=1e-12)
