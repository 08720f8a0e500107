"""|M|² against MadGraph, published values and the stored check points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.process.self_test import check_amplitudes

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from crosshook.core.interfaces.process import Process

Amplitudes = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def test_gluons_to_top_pairs(build: Any, stored: Callable[[str], Amplitudes]) -> None:
    momenta, alpha_s, expected = stored("gg_tt")
    element = build("pp-ttbar", mass_t=173.0).matrix_element()
    value = element.squared(momenta, 0, alpha_s).value
    # MadGraph keeps the top width: (Γ_t/m_t)² = 7.4e-5
    assert (value / expected - 1).abs().max() < 1e-4


def test_electrons_to_muons(build: Any, stored: Callable[[str], Amplitudes]) -> None:
    momenta, alpha_s, expected = stored("ee_mumu")
    value = build("ee-mumu").matrix_element().squared(momenta, 0, alpha_s).value
    assert (value / expected - 1).abs().max() < 1e-8


def test_electrons_to_muons_at_200_gev(build: Any) -> None:
    expected = (0.00499279, 0.00501754, 0.00702506, 0.01101533, 0.01698837, 0.02494417, 0.03488273)
    cosine = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64)
    zero, beam = torch.zeros_like(cosine), torch.full_like(cosine, 100.0)
    px, pz = 100 * torch.sqrt(1 - cosine**2), 100 * cosine
    legs = [(beam, zero, zero, beam), (beam, zero, zero, -beam)]
    legs += [(beam, px, zero, pz), (beam, -px, zero, -pz)]
    momenta = torch.stack([torch.stack(leg, -1) for leg in legs], 1)
    value = build("ee-mumu").matrix_element().squared(momenta, 0, beam).value
    # printed with eight decimals
    assert value.tolist() == pytest.approx(expected, abs=0.51e-8, rel=0)


def test_check_points(process: Process) -> None:
    assert process.checkpoints
    check_amplitudes(process, torch.device("cpu"))


def test_every_amplitude_has_a_check_point(process: Process) -> None:
    subprocesses = process.matrix_element().subprocesses
    checked = {subprocesses[point.subprocess].amplitude for point in process.checkpoints}
    assert checked == {each.amplitude for each in subprocesses}


@pytest.mark.parametrize("flavours", [0, 1])
def test_check_points_follow_the_options(build: Any, flavours: int) -> None:
    check_amplitudes(build("pp-ttbar", light_flavours=flavours), torch.device("cpu"))
    if flavours:
        check_amplitudes(build("drell-yan", light_flavours=flavours), torch.device("cpu"))


@pytest.mark.parametrize("root_s", [400.0, 1000.0, 7000.0])
def test_partonic_cross_sections_in_closed_form(build: Any, root_s: float) -> None:
    """Total cross sections of Combridge, Nucl. Phys. B151 (1979) 429, at α_s = 0.118."""
    mass, alpha_s, s = 172.5, 0.118, root_s**2
    rho = 4 * mass**2 / s
    beta = math.sqrt(1 - rho)
    log = math.log((1 + beta) / (1 - beta))
    exact = (
        math.pi * alpha_s**2 / (3 * s)
        * ((1 + rho + rho**2 / 16) * log - beta * (7 / 4 + 31 / 16 * rho)),
        8 * math.pi * alpha_s**2 / (27 * s) * beta * (1 + rho / 2),
    )  # fmt: skip
    # Gauss-Legendre in cosθ; the poles at 1/β are far enough for 200 nodes
    import numpy as np

    nodes, weights = (torch.from_numpy(x) for x in np.polynomial.legendre.leggauss(200))
    half, momentum = 0.5 * root_s, 0.5 * root_s * beta
    energy, zero = torch.full_like(nodes, half), torch.zeros_like(nodes)
    px, pz = momentum * torch.sqrt(1 - nodes**2), momentum * nodes
    legs = [(energy, zero, zero, energy), (energy, zero, zero, -energy)]
    legs += [(energy, px, zero, pz), (energy, -px, zero, -pz)]
    momenta = torch.stack([torch.stack(leg, -1) for leg in legs], 1)
    element = build("pp-ttbar").matrix_element()
    for subprocess, expected in enumerate(exact):
        value = element.squared(momenta, subprocess, torch.full_like(nodes, alpha_s)).value
        # dσ = |M|² β/(32π s) dcosθ
        total = float((weights * value).sum()) * beta / (32 * math.pi * s)
        assert total == pytest.approx(expected, rel=1e-10)
