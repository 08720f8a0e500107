"""The log-bicubic interpolation: LHAPDF's own values, known functions, gradients, devices."""

import gzip
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crosshook.adapters.lhapdf import LhapdfGrid
from crosshook.adapters.lhapdf.stencil import stencils

SetWriter = Callable[..., Path]
X = np.geomspace(1e-4, 1.0, 21)
LOW, HIGH = np.geomspace(2.0, 5.0, 6), np.geomspace(5.0, 500.0, 9)


def quadratic(x: NDArray[np.float64], q: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Quadratic in log x and log Q², with a step at Q = 5 GeV in the last."""
    a, b = np.log(x), 2.0 * np.log(q)
    return [2.0 + a - 0.3 * a * a + b * (1.0 - 0.2 * a), (1.0 + a * a) * (3.0 - b * b), a + b]


def linear(x: NDArray[np.float64], q: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Linear in log x and in log Q²."""
    a, b = np.log(x), 2.0 * np.log(q)
    return [2.0 + a + b, (1.0 - a) * (3.0 + b), 4.0 * a * b]


def points(n: int, x: tuple[float, float], q: tuple[float, float]) -> tuple[torch.Tensor, ...]:
    """Points even in log x and log Q."""
    rng = np.random.default_rng(20261122)
    lines = ((math.log(ends[0]), math.log(ends[1])) for ends in (x, q))
    return tuple(torch.as_tensor(np.exp(rng.uniform(*ends, n)), device="cpu") for ends in lines)


def test_lhapdf_itself() -> None:
    """LHAPDF 6.5.3 at 4000 points; both sides round at 1e-16 of terms up to 1e3 times larger."""
    reference = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if not reference:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set")
    folder = Path(reference) / "pdf"
    with gzip.open(folder / "nnpdf31_reference.csv.gz", "rt") as lines:
        rows = torch.as_tensor(np.loadtxt(lines, delimiter=",", skiprows=1))
    density = LhapdfGrid.load(folder / "NNPDF31_nnlo_as_0118_mc")
    assert density.flavours == (-5, -4, -3, -2, -1, 21, 1, 2, 3, 4, 5)
    assert (density.set_index, density.n_members) == (316200, 101)
    x, q = rows[:, 0], rows[:, 1]
    torch.testing.assert_close(density.xf(x, q), rows[:, 3:], rtol=1e-11, atol=1e-15)
    torch.testing.assert_close(density.alpha_s(q), rows[:, 2], rtol=1e-13, atol=0.0)


def test_quadratics_are_exact_away_from_the_edges(write_set: SetWriter) -> None:
    """On even knots the mean slope of two intervals is the derivative of a parabola."""
    density = LhapdfGrid.load(write_set(quadratic, X, [LOW, HIGH]))
    for q_knots in (LOW, HIGH):
        x, q = points(500, (X[1], X[-2]), (q_knots[1], q_knots[-2]))
        expected = np.stack(quadratic(x.numpy(), q.numpy()), axis=1)
        np.testing.assert_allclose(density.xf(x, q), expected, rtol=1e-12, atol=1e-12)


def test_lines_are_exact_everywhere(write_set: SetWriter) -> None:
    """Uneven knots, edge cells and a table of two knots keep straight lines."""
    uneven = np.concatenate([np.geomspace(1e-4, 0.1, 9), np.linspace(0.15, 1.0, 10)])
    density = LhapdfGrid.load(
        write_set(linear, uneven, [np.array([2.0, 5.0]), HIGH + (HIGH - 5.0) ** 2])
    )
    x, q = points(2000, (1e-4, 1.0), (2.0, density.q_max))
    expected = np.stack(linear(x.numpy(), q.numpy()), axis=1)
    np.testing.assert_allclose(density.xf(x, q), expected, rtol=1e-12, atol=1e-12)


def test_two_knots_in_q_are_bilinear(write_set: SetWriter) -> None:
    """LHAPDF drops to bilinear interpolation, in x too, where a subgrid has two Q knots."""
    two = np.array([2.0, 5.0])
    density = LhapdfGrid.load(write_set(quadratic, X, [two, HIGH]))
    x, q = (torch.tensor([v], dtype=torch.float64) for v in ((X[7] * X[8]) ** 0.5, 10.0**0.5))
    corners = [quadratic(np.array([a]), np.array([b])) for a in X[7:9] for b in two]
    np.testing.assert_allclose(density.xf(x, q)[0], np.mean(corners, axis=0)[:, 0], rtol=1e-12)


def test_a_threshold_belongs_to_the_upper_subgrid(write_set: SetWriter) -> None:
    """Subgrids do not see each other across a threshold."""

    def step(x: NDArray[np.float64], q: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        return [np.full_like(x, float(len(np.unique(q))))] * 3

    density = LhapdfGrid.load(write_set(step, X, [LOW, HIGH]))
    x = torch.full((3,), 0.1, dtype=torch.float64)
    q = torch.tensor([np.nextafter(5.0, 0.0), 5.0, 500.0], dtype=torch.float64)
    np.testing.assert_allclose(density.xf(x, q)[:, 0], [6.0, 9.0, 9.0], rtol=1e-13)


def test_slopes_at_uneven_knots() -> None:
    """The slope at a knot is the mean of its intervals' slopes, one-sided at the ends."""
    knots, values = np.array([0.0, 1.0, 3.0, 3.5]), np.array([2.0, 3.0, 9.0, 1.0])
    cubic = stencils(knots)
    coefficients = np.einsum("cpk,ck->cp", cubic.matrices, values[cubic.neighbours])
    width, secant = np.diff(knots), np.diff(values) / np.diff(knots)
    slopes = np.array([secant[0], *(0.5 * (secant[1:] + secant[:-1])), secant[-1]])
    np.testing.assert_allclose(coefficients[:, 0], values[:-1])
    np.testing.assert_allclose(coefficients.sum(axis=1), values[1:])
    np.testing.assert_allclose(coefficients[:, 1] / width, slopes[:-1])
    np.testing.assert_allclose(coefficients @ [0.0, 1.0, 2.0, 3.0] / width, slopes[1:])


@pytest.mark.parametrize("outside", ["freeze", "continuation"])
def test_gradients(outside: str) -> None:
    """Against central differences: step h = 1e-6 in the logarithm leaves h² f''' and 1e-16 f/h.

    With continuation, half of the points lie below x_min or outside the scales.
    """
    density = LhapdfGrid.load("ToyLH_LO", below_q_min=outside)  # type: ignore[arg-type]
    beyond = outside == "continuation"
    x, q = points(
        300, (2e-7 if beyond else 1e-5, 0.8), (0.9 if beyond else 1.5, 3e5 if beyond else 9e4)
    )
    for position in (x, q):
        position.requires_grad_()
        (slope,) = torch.autograd.grad(density.xf(x, q).sum(), position)
        position.requires_grad_(False)
        scale = math.exp(1e-6)
        up, down = (
            (density.xf(x * s, q) if position is x else density.xf(x, q * s)).sum(dim=1)
            for s in (scale, 1.0 / scale)
        )
        size = density.xf(x, q).abs().sum(dim=1)
        error = (slope * position - (up - down) / 2e-6).abs() / size
        assert float(error.max()) < 1e-7


def test_every_tensor_names_its_device() -> None:
    """With torch's default device set to meta, CPU and meta inputs both work."""
    x, q = points(5, (1e-5, 0.9), (1.0, 2e5))
    torch.set_default_device("meta")
    try:
        for outside in ("freeze", "continuation"):
            density = LhapdfGrid.load("ToyLH_LO", below_q_min=outside)
            for device in ("cpu", "meta"):
                values = density.xf(x.to(device), q.to(device))
                assert (values.device.type, values.shape) == (device, (5, 11))
                assert density.alpha_s(q.to(device)).device.type == device
    finally:
        torch.set_default_device(None)


def test_single_precision_and_no_points() -> None:
    """Outputs are float64 whatever comes in; no points give no rows."""
    density = LhapdfGrid.load("ToyLH_LO")
    values = density.xf(torch.tensor([0.1]), torch.tensor([100.0]))
    assert values.dtype == torch.float64
    assert density.xf(torch.zeros(0), torch.zeros(0)).shape == (0, 11)
    strided = torch.tensor([[0.1, 0.2], [0.3, 0.4]], dtype=torch.float64)
    column = density.xf(strided[:, 0], 100 * strided[:, 0])
    torch.testing.assert_close(column[:1], density.xf(strided[0, :1], 100 * strided[0, :1]))
