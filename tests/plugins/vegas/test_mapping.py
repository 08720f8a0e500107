"""The VEGAS mapping: exact Jacobian, inverse, training, and its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.interfaces.training import Budget, Draw
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from crosshook.plugins.vegas.mapping import VegasMapping

K, D, BINS = 3, 2, 7


def _mapping(bins: int = BINS, iterations: int = 4, damping: float = 0.7) -> VegasMapping:
    options = {"bins": bins, "iterations": iterations, "damping": damping}
    built = default_registry().build(
        "channel_mapping",
        {"use": "vegas", "options": options},
        BuildContext(dimensions=D, channels=K),
    )
    return cast("VegasMapping", built)


@pytest.fixture
def random_grid() -> VegasMapping:
    """A mapping whose channels have random grids."""
    mapping = _mapping()
    inner = np.sort(np.random.default_rng(3).random((K, D, BINS - 1)), axis=2)
    mapping.edges[:, :, 1:-1] = torch.from_numpy(inner)
    return mapping


def _random(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.random((n, D))), torch.from_numpy(rng.integers(0, K, n))


def test_forward_is_linear_interpolation(random_grid: VegasMapping) -> None:
    r, channel = _random(500)
    u, log_det = random_grid.forward(r, channel)
    knots = np.linspace(0, 1, BINS + 1)
    for i in range(500):
        c, jacobian = int(channel[i]), 1.0
        for d in range(D):
            edges = random_grid.edges[c, d].numpy()
            x = float(r[i, d])
            assert float(u[i, d]) == pytest.approx(np.interp(x, knots, edges), abs=1e-14)
            b = int(x * BINS)
            jacobian *= (edges[b + 1] - edges[b]) * BINS
        assert float(log_det[i]) == pytest.approx(np.log(jacobian), abs=1e-12)


def test_inverse(random_grid: VegasMapping) -> None:
    r, channel = _random(2000, 1)
    u, log_det = random_grid.forward(r, channel)
    back, inverse_log_det = random_grid.inverse(u, channel)
    # Division by the narrowest bin, of width about 1e-2, magnifies the rounding of u.
    torch.testing.assert_close(back, r, rtol=0, atol=1e-12)
    torch.testing.assert_close(inverse_log_det, -log_det, rtol=0, atol=1e-12)


def test_ends(random_grid: VegasMapping) -> None:
    channel = torch.tensor([0, 1])
    for value in (0.0, 1.0):
        r = torch.full((2, D), value, dtype=torch.float64)
        u, log_det = random_grid.forward(r, channel)
        assert torch.equal(u, r)
        assert torch.isfinite(log_det).all()
        assert torch.equal(random_grid.inverse(r, channel)[0], r)


def test_untrained_is_the_identity() -> None:
    r, channel = _random(100)
    u, log_det = _mapping().forward(r, channel)
    torch.testing.assert_close(u, r)
    torch.testing.assert_close(log_det, torch.zeros_like(log_det), rtol=0, atol=1e-12)


class Lines:
    """A source of the integrand 2u₁ in channel c > 0 and 1 in channel 0."""

    def __init__(self, mapping: VegasMapping) -> None:
        self.mapping = mapping
        self.evaluations = 0
        self.asked: list[int] = []

    def draw(self, n: int) -> Draw:
        self.evaluations += n
        self.asked.append(n)
        r, channel = _random(n, len(self.asked))
        u, log_det = self.mapping.forward(r, channel)
        value = torch.where(channel > 0, 2 * u[:, 0], torch.ones(n, dtype=torch.float64))
        zeros = torch.zeros(n, K, dtype=torch.float64)
        return Draw(r, channel, u, log_det, value, value * log_det.exp(), zeros, zeros)


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, int]] = []

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        self.heard.append((stage, done, total))


def test_training() -> None:
    """Budget in equal parts; the grid of 2u must end with edges near √(i/bins), others flat."""
    mapping, listener = _mapping(iterations=20, damping=0.7), Listener()
    source = Lines(mapping)
    report = mapping.fit(source, Budget(200_019), BuildContext(progress=listener))
    assert source.asked == [10_000] * 20
    assert report.evaluations == source.evaluations == 200_000
    assert listener.heard == [("train", i + 1, 20) for i in range(20)]
    flat = torch.linspace(0, 1, BINS + 1, dtype=torch.float64)
    # Bins [a, b] at √(i/7) hold the same integral; the weight 2u·7(b - a) is flat within each, of
    # variance (14 (b - a)²)²/12. VEGAS minimises the variance, so it must do better.
    width = torch.sqrt(flat).diff()
    limit = float(torch.sqrt((14 * width**2).square().mean() / 12))
    # Converged: each bin of v² carries the same; edges scatter by about 1/√(points in a bin).
    torch.testing.assert_close(mapping.edges[0], flat.repeat(D, 1), rtol=0, atol=0.02)
    for c in (1, 2):
        torch.testing.assert_close(mapping.edges[c, 1], flat, rtol=0, atol=0.02)
        r = torch.rand(20_000, D, dtype=torch.float64, generator=torch.Generator().manual_seed(c))
        u, log_det = mapping.forward(r, torch.full((20_000,), c))
        weight = 2 * u[:, 0] * log_det.exp()
        assert float(weight.std()) < limit


def test_budget_too_small() -> None:
    mapping = _mapping(iterations=10)
    before = mapping.edges.clone()
    source: Any = Lines(mapping)
    report = mapping.fit(source, Budget(9), BuildContext())
    assert (report.evaluations, source.evaluations) == (0, 0)
    assert report.notes == ("budget too small for one iteration",)
    assert torch.equal(mapping.edges, before)


def test_state(random_grid: VegasMapping) -> None:
    fresh = _mapping()
    fresh.load_state(*random_grid.state())
    r, channel = _random(50)
    for mine, theirs in zip(
        fresh.forward(r, channel), random_grid.forward(r, channel), strict=True
    ):
        assert torch.equal(mine, theirs)
