"""Kinematics against the vector package and closed forms, on and off the beam axis."""

from __future__ import annotations

import math

import pytest
import torch
import vector

from crosshook.core import kinematics

ROUNDING = 1e-10
"""float64 rounding times the cancellation E² - p² of the samples (E/m <= 100)."""


def momenta(n: int = 500, seed: int = 11) -> torch.Tensor:
    """Massive momenta with E/m up to about 100, `(n, 4)`."""
    generator = torch.Generator().manual_seed(seed)
    p = 100 * torch.randn(n, 3, generator=generator, dtype=torch.float64)
    mass = 5 + 20 * torch.rand(n, generator=generator, dtype=torch.float64)
    energy = torch.sqrt(mass**2 + (p * p).sum(1))
    return torch.cat([energy[:, None], p], 1)


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("mass", "mass"),
        ("mass_squared", "mass2"),
        ("pt", "pt"),
        ("transverse_mass", "mt"),
        ("eta", "eta"),
        ("rapidity", "rapidity"),
        ("phi", "phi"),
    ],
)
def test_agrees_with_vector(name: str, attribute: str) -> None:
    p = momenta()
    e, px, py, pz = p.numpy().T
    reference = getattr(vector.array({"E": e, "px": px, "py": py, "pz": pz}), attribute)
    assert torch.allclose(
        getattr(kinematics, name)(p), torch.from_numpy(reference), rtol=ROUNDING, atol=1e-9
    )


def test_distances_agree_with_vector() -> None:
    a, b = momenta(seed=1), momenta(seed=2)
    first, second = (
        vector.array(dict(zip(("E", "px", "py", "pz"), p.numpy().T, strict=True))) for p in (a, b)
    )
    assert torch.allclose(kinematics.delta_r(a, b), torch.from_numpy(first.deltaR(second)))
    assert torch.allclose(kinematics.delta_phi(a, b), torch.from_numpy(first.deltaphi(second)))


def test_boost_adds_rapidity_and_keeps_the_mass() -> None:
    p, y = momenta(), torch.linspace(-2, 2, 500, dtype=torch.float64)
    boosted = kinematics.boost_z(p, y)
    assert torch.allclose(kinematics.rapidity(boosted), kinematics.rapidity(p) + y)
    assert torch.allclose(kinematics.mass(boosted), kinematics.mass(p), rtol=1e-9)


def test_dot_is_the_square_on_the_diagonal() -> None:
    p = momenta()
    assert torch.allclose(kinematics.dot(p, p), kinematics.mass_squared(p), rtol=1e-9)


def test_along_the_beam_axis() -> None:
    along = torch.tensor(
        [[5.0, 0.0, 0.0, 5.0], [5.0, 0.0, 0.0, -5.0], [5.0, 0.0, 0.0, 0.0]],
        dtype=torch.float64,
        requires_grad=True,
    )
    eta = kinematics.eta(along)
    assert eta.tolist() == [math.inf, -math.inf, 0.0]
    assert kinematics.rapidity(along).tolist() == [math.inf, -math.inf, 0.0]
    assert kinematics.phi(along).tolist() == [0.0, 0.0, 0.0]
    assert kinematics.pt(along).tolist() == [0.0, 0.0, 0.0]
    assert kinematics.delta_r(along, along).tolist() == [0.0, 0.0, 0.0]
    for function in (kinematics.eta, kinematics.phi, kinematics.pt, kinematics.mass):
        (gradient,) = torch.autograd.grad(function(along).sum(), along)
        assert torch.isfinite(gradient).all(), function.__name__


def test_one_particle_on_the_axis_leaves_the_others_gradients_alone() -> None:
    p = torch.cat([torch.tensor([[5.0, 0.0, 0.0, 5.0]], dtype=torch.float64), momenta(3)])
    p.requires_grad_(True)
    (gradient,) = torch.autograd.grad(kinematics.eta(p)[1:].sum(), p)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", ["mass", "pt", "transverse_mass", "eta", "rapidity", "phi"])
def test_gradients(name: str) -> None:
    p = momenta(5).requires_grad_(True)
    assert torch.autograd.gradcheck(getattr(kinematics, name), (p,), eps=1e-5, atol=1e-6)
