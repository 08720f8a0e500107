"""α_s from a table and from two-loop running, against closed forms and a numerical solution."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from crosshook.adapters.lhapdf import LhapdfGrid
from crosshook.adapters.lhapdf.alpha_s import RunningAlphaS, TabulatedAlphaS
from crosshook.core.errors import InputError

SetWriter = Callable[..., Path]


def one_loop(q: float) -> float:
    """Closed form of the toy set's coupling: 0.35 at √2 GeV, four flavours, five above 4.5 GeV."""
    inverse = 1 / 0.35 + 25 / (12 * math.pi) * 2 * math.log(min(q, 4.5) / math.sqrt(2))
    return 1 / (inverse + 23 / (12 * math.pi) * 2 * math.log(max(q, 4.5) / 4.5))


def integrated(alpha: float, start: float, end: float, flavours: int, steps: int = 4000) -> float:
    """Two-loop running by Runge-Kutta steps of fourth order in log Q²."""
    b0 = (33 - 2 * flavours) / (12 * math.pi)
    b1 = (153 - 19 * flavours) / (24 * math.pi**2)

    def slope(a: float) -> float:
        return -a * a * (b0 + b1 * a)

    h = 2 * math.log(end / start) / steps
    for _ in range(steps):
        k1 = slope(alpha)
        k2 = slope(alpha + 0.5 * h * k1)
        k3 = slope(alpha + 0.5 * h * k2)
        k4 = slope(alpha + h * k3)
        alpha += h * (k1 + 2 * k2 + 2 * k3 + k4) / 6
    return alpha


def test_table_of_the_toy_set() -> None:
    """The stated interpolation error of the shipped table is below 2e-4."""
    density = LhapdfGrid.load("ToyLH_LO")
    q = torch.as_tensor(np.geomspace(1.4143, 1e5, 777))
    expected = [one_loop(float(scale)) for scale in q]
    np.testing.assert_allclose(density.alpha_s(q), expected, rtol=2e-4)


@pytest.mark.parametrize("scale", [91.1876, 3.0, 1.2, 250.0])
def test_two_loop_running(scale: float) -> None:
    """From a reference scale in any region, through all thresholds, to Runge-Kutta's 1e-10."""
    start = {91.1876: 0.118, 3.0: 0.25, 1.2: 0.4, 250.0: 0.1}[scale]
    edges = [0.0, 1.4, 4.75, 172.5, math.inf]
    region = next(n for n in range(4) if edges[n] < scale <= edges[n + 1])
    running = RunningAlphaS(start, scale, [1.4, 4.75, 172.5], 3, q_min=1.1)
    for q in (1.1, 1.4, 2.0, 4.75, 30.0, 172.5, 5000.0):
        alpha, position, here = start, scale, region
        while not edges[here] < q <= edges[here + 1]:
            edge = edges[here + 1] if q > position else edges[here]
            alpha = integrated(alpha, position, edge, here + 3)
            position, here = edge, here + (1 if q > position else -1)
        alpha = integrated(alpha, position, q, here + 3)
        assert float(running(torch.tensor([q], dtype=torch.float64))) == pytest.approx(
            alpha, rel=1e-8
        )


def test_running_gradient_and_freezing() -> None:
    """dα/dlog Q² is the beta function; below q_min there is none."""
    running = RunningAlphaS(0.118, 91.1876, [1.4, 4.75], 3, q_min=1.0)
    q = torch.tensor([0.2, 3.0, 50.0], dtype=torch.float64, requires_grad=True)
    alpha = running(q)
    (slope,) = torch.autograd.grad(alpha.sum(), q)
    alpha = alpha.detach()
    for number, flavours in ((1, 4), (2, 5)):
        a = float(alpha[number])
        b0 = (33 - 2 * flavours) / (12 * math.pi)
        b1 = (153 - 19 * flavours) / (24 * math.pi**2)
        expected = -2 * a * a * (b0 + b1 * a) / float(q.detach()[number])
        assert float(slope[number]) == pytest.approx(expected, rel=1e-10)
    assert float(slope[0]) == 0.0
    assert float(alpha[0]) == float(running(torch.ones(1, dtype=torch.float64))[0])


def test_table_outside() -> None:
    """Below: the first value, or LHAPDF's power law through the first two knots. Above: the last."""
    q, values = np.array([1.0, 1.0, 2.0, 8.0, 9.0]), np.array([0.4, 0.4, 0.2, 0.1, 0.09])
    at = torch.tensor([0.5, 1.0, 9.0, 1e4], dtype=torch.float64)
    frozen = TabulatedAlphaS(q, values)(at)
    continued = TabulatedAlphaS(q, values, continued=True)(at)
    np.testing.assert_allclose(frozen, [0.4, 0.4, 0.09, 0.09], rtol=1e-14)
    np.testing.assert_allclose(continued, [0.8, 0.4, 0.09, 0.09], rtol=1e-14)


def test_runs_where_a_set_has_no_table(write_set: SetWriter) -> None:
    """AlphaS_OrderQCD 0 means one loop; numbers written as 1e-01 are understood."""
    x, q = np.geomspace(1e-3, 1, 5), np.geomspace(2.0, 100.0, 5)
    info = "AlphaS_MZ: 118e-3\nMZ: 91.1876\nMBottom: 4.5\nAlphaS_OrderQCD: 0\n"
    density = LhapdfGrid.load(write_set(lambda x, q: [x, x, x], x, [q], info=info))
    inverse = 1 / 0.118 + 23 / (12 * math.pi) * 2 * math.log(20 / 91.1876)
    alpha = density.alpha_s(torch.tensor([20.0], dtype=torch.float64))
    assert float(alpha) == pytest.approx(1 / inverse, rel=1e-12)


def test_a_member_may_have_its_own_coupling(write_set: SetWriter) -> None:
    """Members for another α_s(M_Z) say so in their own header, which goes before the set's."""
    x, q = np.geomspace(1e-3, 1, 5), np.geomspace(2.0, 100.0, 5)
    folder = write_set(lambda x, q: [x, x, x], x, [q], members=3)
    first = folder / "Known_0001.dat"
    first.write_text(first.read_text().replace("central", "error\nAlphaS_MZ: 0.120", 1))
    second = folder / "Known_0002.dat"
    table = "error\nAlphaS_Qs: [1.0, 10.0]\nAlphaS_Vals: [0.25, 0.25]"
    second.write_text(second.read_text().replace("central", table, 1))
    at = torch.tensor([91.1876], dtype=torch.float64)
    central = LhapdfGrid.load(folder)
    for member, expected in ((None, 0.118), (0, 0.118), (1, 0.120), (2, 0.25)):
        assert float(central.alpha_s(at, member)) == pytest.approx(expected, rel=1e-12)
    assert float(LhapdfGrid.load(folder, member=1).alpha_s(at)) == pytest.approx(0.120, rel=1e-12)
    first.write_text(first.read_text().replace("AlphaS_MZ: 0.120", "AlphaS_MZ: [", 1))
    with pytest.raises(InputError, match=r"0001\.dat: cannot read the set's metadata"):
        LhapdfGrid.load(folder, member=1)
