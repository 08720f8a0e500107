"""The VEGAS mapping: exact Jacobian, inverse, training, and its state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.interfaces.training import Budget, Draw
from crosshook.core.registry import default_registry
from crosshook.plugins.vegas.values import FLOOR

if TYPE_CHECKING:
    from crosshook.plugins.vegas.mapping import VegasMapping

K, D, BINS = 3, 2, 7


def _mapping(discrete: tuple[int, ...] = (), dimensions: int = D, **options: Any) -> VegasMapping:
    built = default_registry().build(
        "channel_mapping",
        {"use": "vegas", "options": {"bins": BINS, "iterations": 4, **options}},
        BuildContext(dimensions=dimensions, discrete=discrete, channels=K),
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


@pytest.mark.parametrize("moment", [2, 4])
def test_training(moment: float) -> None:
    """Budget in equal parts; the grid of 2u must end with a small moment, others flat."""
    mapping, listener = _mapping(iterations=20, moment=moment), Listener()
    source = Lines(mapping)
    report = mapping.fit(source, Budget(200_019), BuildContext(progress=listener))
    assert source.asked == [10_000] * 20
    assert report.evaluations == source.evaluations == 200_000
    assert listener.heard == [("train", i + 1, 20) for i in range(20)]
    flat = torch.linspace(0, 1, BINS + 1, dtype=torch.float64)
    # Bins [a, b] at √(i/7) hold the same integral; the weight 2u·7(b - a) is uniform within each.
    # These are not the edges of the smallest moment, so the training must do better.
    low, high = torch.sqrt(flat)[:-1], torch.sqrt(flat)[1:]
    ends = 14 * (high - low) * torch.stack([low, high])
    spread = ends.diff(dim=0)[0]
    limit = (ends[1] ** (moment + 1) - ends[0] ** (moment + 1)) / ((moment + 1) * spread)
    # Converged: each bin has the same moment; edges scatter by about 1/√(points in a bin).
    torch.testing.assert_close(mapping.edges[0], flat.repeat(D, 1), rtol=0, atol=0.02)
    for c in (1, 2):
        torch.testing.assert_close(mapping.edges[c, 1], flat, rtol=0, atol=0.02)
        r = torch.rand(20_000, D, dtype=torch.float64, generator=torch.Generator().manual_seed(c))
        u, log_det = mapping.forward(r, torch.full((20_000,), c))
        weight = 2 * u[:, 0] * log_det.exp()
        assert float((weight**moment).mean()) < float(limit.mean())


def test_shares_of_channels_do_not_matter() -> None:
    """A channel's grid depends on its own part of the integrand, not on how often it is drawn."""

    class Scaled(Lines):
        def draw(self, n: int) -> Draw:
            draw = super().draw(n)
            return replace(draw, weight=draw.weight * (1.0 + len(self.asked)))

    grids = []
    for kind in (Lines, Scaled):
        mapping = _mapping()
        mapping.fit(kind(mapping), Budget(4000), BuildContext())
        grids.append(mapping.edges)
    assert torch.equal(*grids)


class Helicities:
    """2u₀ · (1 + 2h₁)·[h₂ ≠ 0] with h₁ of 2 and h₂ of 3 values, in every channel."""

    def __init__(self, mapping: VegasMapping) -> None:
        self.mapping = mapping
        self.evaluations = 0

    def value(self, u: torch.Tensor) -> torch.Tensor:
        first, second = (2 * u[:, 1]).floor(), (3 * u[:, 2]).floor()
        return 2 * u[:, 0] * (1 + 2 * first) * (second != 0)

    def draw(self, n: int) -> Draw:
        rng = np.random.default_rng(self.evaluations)
        self.evaluations += n
        r, channel = torch.from_numpy(rng.random((n, 3))), torch.from_numpy(rng.integers(0, K, n))
        u, log_det = self.mapping.forward(r, channel)
        zeros = torch.zeros(n, K, dtype=torch.float64)
        value = self.value(u)
        return Draw(r, channel, u, log_det, value, value * log_det.exp(), zeros, zeros)


def test_probabilities_are_learned() -> None:
    """1 : 3 and 0 : 1 : 1, the zero held at the floor; the integral 1·2·⅔ comes out."""
    mapping = _mapping((2, 3), 1, bins=64, iterations=10)
    source = Helicities(mapping)
    mapping.fit(source, Budget(60_000), BuildContext())
    for c in range(K):
        first, second = (knots[c].diff() for knots in mapping.knots)
        # 20,000 points a channel; the moments of both values are known to about 1 %.
        torch.testing.assert_close(first, torch.tensor([0.25, 0.75]).double(), rtol=0, atol=0.01)
        assert float(second[0]) == pytest.approx(FLOOR / 3, rel=0.01)
        assert float(second[1]) == pytest.approx(0.5, abs=0.01)
    draw = source.draw(20_000)
    mean, error = float(draw.weight.mean()), float(draw.weight.std()) / 20_000**0.5
    assert abs(mean - 4 / 3) < 5 * error
    assert error / mean < 0.2 / 20_000**0.5


def test_budget_too_small() -> None:
    mapping = _mapping(iterations=10)
    before = mapping.edges.clone()
    source: Any = Lines(mapping)
    report = mapping.fit(source, Budget(9), BuildContext())
    assert (report.evaluations, source.evaluations) == (0, 0)
    assert report.notes == ("budget too small for one iteration",)
    assert torch.equal(mapping.edges, before)


def test_state_of_discrete_dimensions() -> None:
    mapping = _mapping((2, 3), 1)
    mapping.fit(Helicities(mapping), Budget(2000), BuildContext())
    tensors, values = mapping.state()
    assert {name: tuple(t.shape) for name, t in tensors.items()} == {
        "edges": (K, 1, BINS + 1),
        "knots.0": (K, 3),
        "knots.1": (K, 4),
    }
    fresh = _mapping((2, 3), 1)
    fresh.load_state(tensors, values)
    r = torch.rand((50, 3), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    channel = torch.arange(50) % K
    for mine, theirs in zip(fresh.forward(r, channel), mapping.forward(r, channel), strict=True):
        assert torch.equal(mine, theirs)


def test_state(random_grid: VegasMapping) -> None:
    fresh = _mapping()
    fresh.load_state(*random_grid.state())
    r, channel = _random(50)
    for mine, theirs in zip(
        fresh.forward(r, channel), random_grid.forward(r, channel), strict=True
    ):
        assert torch.equal(mine, theirs)
