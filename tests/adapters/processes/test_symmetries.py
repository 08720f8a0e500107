"""|M|² does not depend on the frame, and is symmetric where the physics is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from typing import Any

    from crosshook.core.interfaces.process import Process


def lorentz(seed: int) -> torch.Tensor:
    """A boost of rapidity up to 1 along a random axis after a random rotation, `(4, 4)`."""
    generator = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))[0]
    y = float(torch.rand(1, generator=generator))
    boost = torch.eye(4, dtype=torch.float64)
    boost[0, 0] = boost[1, 1] = math.cosh(y)
    boost[0, 1] = boost[1, 0] = math.sinh(y)
    rotation = torch.eye(4, dtype=torch.float64)
    rotation[1:, 1:] = axes
    return rotation.T @ boost @ rotation


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lorentz_invariance(process: Process, sample: Any, seed: int) -> None:
    momenta = sample(process, 400).momenta
    element = process.matrix_element()
    alpha_s = torch.full((len(momenta),), 0.118, dtype=torch.float64)
    moved = momenta @ lorentz(seed).T
    # products of momenta round at ε E² e^{2y}, and stand against (1 - |cosθ|) s
    energies = moved[:, 0, 0] * moved[:, 2:, 0].amax(1)
    smallest = (momenta[:, :1] * momenta[:, 2:] * torch.tensor([1.0, -1, -1, -1])).sum(-1).amin(1)
    allowed = 1e-13 * energies / smallest.abs() + 1e-12
    for index in range(len(element.subprocesses)):
        here = element.squared(momenta, index, alpha_s, want=("colour",))
        there = element.squared(moved, index, alpha_s, want=("colour",))
        assert ((there.value / here.value - 1).abs() <= allowed).all()
        assert here.colour is not None
        assert there.colour is not None


def test_exchange_of_the_incoming_legs(process: Process, sample: Any) -> None:
    momenta = sample(process, 200).momenta
    element = process.matrix_element()
    swapped = momenta[:, [1, 0, 2, 3]]
    both = momenta[:, [1, 0, 3, 2]]
    alpha_s = torch.full((len(momenta),), 0.118, dtype=torch.float64)
    for index, each in enumerate(element.subprocesses):
        value = element.squared(momenta, index, alpha_s).value
        exchanged = element.squared(swapped, index, alpha_s).value
        same = torch.allclose(value, exchanged, rtol=1e-6)
        assert same == each.mirror_symmetric, each.label
        # charge conjugation times parity: exchanging both pairs changes nothing
        assert torch.allclose(element.squared(both, index, alpha_s).value, value, rtol=1e-6)


def test_quark_amplitude_crosses_to_the_photon_limit(build: Any, sample: Any) -> None:
    """Without a Z, |M|² is the textbook 2 e⁴ Q² (t² + u²)/s², with 1/3 for quarks."""
    process = build("drell-yan", mass_z=1e9)
    point = sample(build("drell-yan"), 300)
    element = process.matrix_element()
    p1, p2, k3, k4 = point.momenta.unbind(1)

    def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a[:, 0] * b[:, 0] - (a[:, 1:] * b[:, 1:]).sum(1)

    ratio = (product(p1, k3) ** 2 + product(p1, k4) ** 2) / product(p1, p2) ** 2
    e2 = 4 * math.pi * element.alpha_qed
    for index, charge in ((0, -1 / 3), (1, 2 / 3)):
        value = element.squared(point.momenta, index, point.x1).value
        # the Z's remnant is s/M² = 1e-14
        assert torch.allclose(value, 2 * e2**2 * charge**2 * ratio / 3, rtol=1e-11)


def test_strong_coupling_enters_as_a_power(process: Process, sample: Any) -> None:
    momenta = sample(process, 50).momenta
    element = process.matrix_element()
    alpha_s = torch.full((50,), 0.1, dtype=torch.float64)
    for index, each in enumerate(element.subprocesses):
        one = element.squared(momenta, index, alpha_s).value
        two = element.squared(momenta, index, 2 * alpha_s).value
        assert torch.allclose(two, 2.0**each.qcd_order * one, rtol=1e-14)
