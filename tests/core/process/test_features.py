"""Features of points: invariants stay under boosts and rotations, names fit the columns."""

from __future__ import annotations

import math

import torch

from crosshook.core.process.features import feature_names, point_features


def _collision(n: int = 50) -> torch.Tensor:
    """Massless 2 -> 3 momenta at √s = 10 along z, not balanced: features do not ask."""
    rng = torch.Generator().manual_seed(2)
    three = torch.randn((n, 3, 3), dtype=torch.float64, generator=rng)
    out = torch.cat([three.norm(dim=2, keepdim=True), three], dim=2)
    beams = torch.tensor([[5.0, 0.0, 0.0, 5.0], [5.0, 0.0, 0.0, -5.0]], dtype=torch.float64)
    return torch.cat([beams.expand(n, 2, 4), out], dim=1)


def _boosted(p: torch.Tensor, rapidity: float) -> torch.Tensor:
    c, s = math.cosh(rapidity), math.sinh(rapidity)
    e, x, y, z = p.unbind(-1)
    return torch.stack([c * e + s * z, x, y, s * e + c * z], dim=-1)


def test_names_fit_the_columns() -> None:
    names, columns = feature_names(2, 5), point_features(_collision(), 2)
    assert columns.shape == (50, len(names))
    assert len(set(names)) == len(names)
    assert "log s[0,1]" not in names
    assert bool(columns.isfinite().all())


def test_invariants_by_hand() -> None:
    p = _collision()
    columns = dict(zip(feature_names(2, 5), point_features(p, 2).T, strict=True))
    metric = torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=torch.float64)
    product = 2 * (p[:, 0] * p[:, 3] * metric).sum(dim=1) / 100.0
    torch.testing.assert_close(columns["log s[0,3]"], torch.log(product))
    torch.testing.assert_close(columns["log s"], torch.full_like(product, math.log(100.0)))
    torch.testing.assert_close(columns["y"], torch.zeros_like(product))
    torch.testing.assert_close(columns["cos theta[2]"], p[:, 2, 3] / p[:, 2, 0])


def test_boosts_move_the_rapidity_only() -> None:
    p = _collision()
    one, two = (point_features(q, 2).T for q in (p, _boosted(p, 0.8)))
    for name, before, after in zip(feature_names(2, 5), one, two, strict=True):
        if name == "y":
            torch.testing.assert_close(after - before, torch.full_like(before, 0.8))
        elif not name.startswith("cos theta"):
            torch.testing.assert_close(after, before, rtol=0, atol=1e-10)


def test_rotations_about_the_beam_change_nothing() -> None:
    p = _collision()
    turned = p.clone()
    turned[..., 1], turned[..., 2] = -p[..., 2], p[..., 1]
    torch.testing.assert_close(point_features(turned, 2), point_features(p, 2), rtol=0, atol=1e-12)


def test_collinear_legs_stay_finite() -> None:
    p = _collision()
    p[:, 3] = p[:, 2]
    assert bool(point_features(p, 2).isfinite().all())
