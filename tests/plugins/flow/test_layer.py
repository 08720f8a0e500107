"""Layers of splines: inverse, Jacobian, order of dependence, and which pairs are coupled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.plugins.flow.conditioner import Conditioner, encode
from crosshook.plugins.flow.layer import SplineLayer, groups_of, raw_size

if TYPE_CHECKING:
    from torch import Tensor

BINS, CONTEXT = 4, 2
STRUCTURES = ("autoregressive", "coupling")


def _layer(structure: str, d: int, number: int = 0, *, placed: bool = False) -> SplineLayer:
    """A layer away from the identity, in float64."""
    rng = torch.Generator().manual_seed(d)
    conditioner = Conditioner(
        groups_of(structure, d, number),
        d,
        CONTEXT,
        raw_size(BINS, placed=placed),
        hidden=7,
        depth=2,
        degree=2,
        rng=rng,
        dtype=torch.float64,
        device=torch.device("cpu"),
    )
    with torch.no_grad():
        last = conditioner.matrices[-1]
        last += 0.3 * torch.randn(last.shape, dtype=torch.float64, generator=rng)
    return SplineLayer(conditioner, BINS, placed=placed)


def _points(n: int, d: int) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(7)
    x, context = (torch.rand((n, m), dtype=torch.float64, generator=rng) for m in (d, CONTEXT))
    return x, context


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("d", [1, 2, 3, 6])
@pytest.mark.parametrize("placed", [False, True])
@torch.no_grad()
def test_inverse(structure: str, d: int, placed: bool) -> None:
    for number in (0, 1):
        layer, (x, context) = _layer(structure, d, number, placed=placed), _points(500, d)
        y, log_det = layer.inverse(x, context)
        assert float((y - x).abs().max()) > 0.01
        back, log_back = layer(y, context)
        torch.testing.assert_close(back, x, rtol=0, atol=1e-10)
        torch.testing.assert_close(log_back, -log_det, rtol=0, atol=1e-9)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("placed", [False, True])
def test_jacobian(structure: str, number: int, placed: bool) -> None:
    """log_det of both directions is the determinant of autograd's matrix."""
    d = 4
    layer, (x, context) = _layer(structure, d, number, placed=placed), _points(20, d)
    for way in (layer.inverse, layer.forward):
        _, log_det = way(x, context)
        for i in range(20):
            row = context[i : i + 1]
            matrix = torch.autograd.functional.jacobian(
                lambda p, way=way, row=row: way(p[None], row)[0][0], x[i]
            )
            wanted = torch.linalg.slogdet(matrix)[1]
            torch.testing.assert_close(log_det[i], wanted, rtol=0, atol=1e-9)


def test_a_dimension_depends_on_those_before_only() -> None:
    layer, (x, context) = _layer("autoregressive", 5, 1), _points(1, 5)
    matrix = torch.autograd.functional.jacobian(lambda p: layer.inverse(p, context)[0][0], x)
    matrix = matrix[:, 0]  # row i: ∂y_i/∂x; the order is 4, 3, 2, 1, 0
    assert bool((matrix.tril(-1) == 0).all())
    assert bool((matrix.triu(1) != 0).sum() == 10)


@pytest.mark.parametrize("d", range(2, 18))
def test_coupling_reaches_every_pair(d: int) -> None:
    """After 2 log₂ d layers each dimension has been moved given each other one."""
    depth = 2 * (d - 1).bit_length()
    seen = set()
    for number in range(depth):
        first, second = groups_of("coupling", d, number)
        assert sorted([*first, *second]) == list(range(d))
        assert first
        assert second
        seen |= {(i, j) for i in first for j in second}
    assert seen == {(i, j) for i in range(d) for j in range(d) if i != j}


def test_autoregressive_layers_alternate() -> None:
    assert groups_of("autoregressive", 3, 0) == [[0], [1], [2]]
    assert groups_of("autoregressive", 3, 1) == [[2], [1], [0]]


def test_context_moves_all_groups() -> None:
    layer, (x, context) = _layer("coupling", 3), _points(50, 3)
    moved = layer.inverse(x, context + 0.5)[0] - layer.inverse(x, context)[0]
    assert bool((moved.abs().max(dim=0).values > 1e-4).all())


def test_encoding_is_chebyshev() -> None:
    """T_k(cos t) = cos(k t)."""
    t = torch.linspace(0.1, 3.0, 40, dtype=torch.float64)
    columns = encode((torch.cos(t)[:, None] + 1) / 2, 4)
    wanted = torch.stack([torch.cos(k * t) for k in range(1, 5)], dim=1)
    torch.testing.assert_close(columns, wanted, rtol=0, atol=1e-12)


def test_no_points() -> None:
    for structure in STRUCTURES:
        layer, (x, context) = _layer(structure, 3), _points(0, 3)
        for way in (layer.inverse, layer.forward):
            y, log_det = way(x, context)
            assert (y.shape, log_det.shape) == ((0, 3), (0,))
