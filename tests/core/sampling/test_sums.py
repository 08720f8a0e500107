"""Sums against numpy, channel by channel; adding blocks; estimates from the definition."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

from crosshook.core.sampling.sums import Sums, add_in_order

K, P = 4, 2


@pytest.fixture(scope="module")
def points() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Channels, weights and parts of 500 points; channel 3 has none, some are zero or invalid."""
    rng = np.random.default_rng(8)
    channel = rng.integers(0, 3, 500)
    parts = rng.normal(1.0, 2.0, (500, P))
    parts[::7] = 0.0
    weight = parts.sum(1)
    weight[3], weight[11], weight[200] = np.nan, np.inf, -np.inf
    return channel, weight, parts


def _sums(channel: np.ndarray, weight: np.ndarray, parts: np.ndarray | None = None) -> Sums:
    return Sums.of(
        torch.from_numpy(channel),
        torch.from_numpy(weight),
        K,
        None if parts is None else torch.from_numpy(parts),
    )


def test_against_numpy(points: tuple[np.ndarray, ...]) -> None:
    channel, weight, parts = points
    found = _sums(channel, weight, parts)
    for c in range(K):
        own, finite = weight[channel == c], np.isfinite(weight[channel == c])
        v, q = own[finite], parts[channel == c][finite]
        assert found.points[c] == own.size
        assert found.invalid[c] == np.count_nonzero(~finite)
        assert found.valid[c] == v.size
        assert found.zeros[c] == np.count_nonzero(v == 0)
        assert found.negative[c] == np.count_nonzero(v < 0)
        assert found.largest[c] == np.max(np.abs(v), initial=0.0)
        for name, expected in {
            "total": v.sum(),
            "squares": (v**2).sum(),
            "absolute": np.abs(v).sum(),
            "parts": q.sum(0),
            "part_squares": (q**2).sum(0),
        }.items():
            # Sums of 200 numbers of size 10 in another order: 10⁴ ε.
            np.testing.assert_allclose(getattr(found, name)[c], expected, rtol=0, atol=1e-10)
    assert found.n == 500
    assert int(found.invalid.sum()) == 3


def test_estimate_is_the_sum_of_means_with_their_errors(points: tuple[np.ndarray, ...]) -> None:
    channel, weight, parts = points
    found = _sums(channel, weight, parts)
    groups = [weight[(channel == c) & np.isfinite(weight)] for c in range(3)]
    value = sum(g.mean() for g in groups)
    variance = sum(g.var(ddof=1) / g.size for g in groups)
    assert found.estimate().value == pytest.approx(value, rel=1e-12)
    assert found.estimate().error == pytest.approx(np.sqrt(variance), rel=1e-12)
    np.testing.assert_allclose(found.means()[:3], [g.mean() for g in groups], rtol=1e-12)
    np.testing.assert_allclose(found.deviations()[:3], [g.std(ddof=1) for g in groups], rtol=1e-12)
    assert found.means()[3] == found.errors()[3] == 0


def test_parts_sum_to_the_whole(points: tuple[np.ndarray, ...]) -> None:
    found = _sums(*points)
    parts = found.part_estimates()
    assert sum(p.value for p in parts) == pytest.approx(found.estimate().value, rel=1e-12)
    channel, weight, q = points
    for i, part in enumerate(parts):
        groups = [q[(channel == c) & np.isfinite(weight), i] for c in range(3)]
        assert part.value == pytest.approx(sum(g.mean() for g in groups), rel=1e-12)
        error = np.sqrt(sum(g.var(ddof=1) / g.size for g in groups))
        assert part.error == pytest.approx(error, rel=1e-12)


def test_one_part_is_the_whole(points: tuple[np.ndarray, ...]) -> None:
    (part,) = _sums(*points[:2]).part_estimates()
    whole = _sums(*points[:2]).estimate()
    assert part.value == pytest.approx(whole.value, rel=1e-12)
    assert part.error == pytest.approx(whole.error, rel=1e-12)


def test_one_point_in_a_channel() -> None:
    """Its mean is the point, in the parts as in the whole; its error is its size."""
    found = _sums(np.array([0, 1, 1]), np.array([-6.0, 1.0, 3.0]))
    assert found.means().tolist() == [-6.0, 2.0, 0.0, 0.0]
    assert found.errors().tolist() == pytest.approx([6.0, 1.0, 0.0, 0.0])
    (part,) = found.part_estimates()
    assert (part.value, part.error) == pytest.approx((-4.0, np.sqrt(37.0)))
    assert (found.estimate().value, found.estimate().error) == pytest.approx((-4.0, np.sqrt(37.0)))


def test_adding_blocks(points: tuple[np.ndarray, ...]) -> None:
    """The sum of blocks is that of all points; adding left to right is what `add_in_order` does."""
    channel, weight, parts = points
    cuts = [slice(0, 100), slice(100, 101), slice(101, 101), slice(101, 500)]
    blocks = [_sums(channel[s], weight[s], parts[s]) for s in cuts]
    whole, added = _sums(channel, weight, parts), add_in_order(blocks)
    running = blocks[0]
    for block in blocks[1:]:
        running = running + block
    other = blocks[0] + (blocks[1] + (blocks[2] + blocks[3]))
    for f in fields(Sums):
        mine, everything = getattr(added, f.name), getattr(whole, f.name)
        np.testing.assert_array_equal(mine, getattr(running, f.name))
        if everything.dtype == np.int64 or f.name == "largest":
            np.testing.assert_array_equal(mine, everything)
        else:
            np.testing.assert_allclose(mine, everything, rtol=0, atol=1e-10)
            np.testing.assert_allclose(mine, getattr(other, f.name), rtol=0, atol=1e-10)


@pytest.mark.parametrize("weight", [[], [0.0, 0.0, 0.0], [np.nan, np.inf]])
def test_nothing_to_sum(weight: list[float]) -> None:
    found = _sums(np.zeros(len(weight), dtype=np.int64), np.array(weight))
    assert found.n == len(weight)
    assert (found.estimate().value, found.estimate().error) == (0.0, 0.0)
    (part,) = found.part_estimates()
    assert (part.value, part.error) == (0.0, 0.0)
