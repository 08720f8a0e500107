"""Phase space of decay chains: kinematics, inverse, Jacobians, volumes, gradients, devices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.core import kinematics
from crosshook.core.phase_space.angle import BackwardPole, ForwardPole
from crosshook.core.phase_space.branching import Leg
from crosshook.core.phase_space.decay import Decay
from crosshook.core.phase_space.fixed_trees import FixedTrees
from crosshook.core.phase_space.power_angle import PowerAngle
from crosshook.core.phase_space.propagator import PowerPropagator, Resonance
from crosshook.core.phase_space.widening_resonance import WideningResonance

if TYPE_CHECKING:
    from collections.abc import Sequence

N = 4000


def top(first: int, second: int, third: int, mass: float, aligned: int | None) -> Decay:
    """A top's chain: b, lepton, neutrino; the direction sampled is that of either lepton."""
    legs = Leg(second), Leg(third)
    pair = Decay(*legs, Resonance(80.4, 2.1))
    chosen = None if aligned is None else legs[aligned]
    return Decay(pair, Leg(first, mass), WideningResonance(173.0, 1.5), aligned=chosen)


SPACES = {
    "tops along the beams": FixedTrees(
        500.0,
        {
            "resonant": Decay(top(0, 1, 2, 4.7, 0), top(3, 4, 5, 4.7, 1), beam_axes=True),
            "plain": Decay(top(0, 1, 2, 4.7, None), top(3, 4, 5, 4.7, 1), angle=ForwardPole()),
            "mixed": Decay(
                Decay(Leg(0, 4.7), Leg(4), PowerPropagator(0.5)),
                Decay(Decay(Leg(3, 4.7), Leg(2)), Decay(Leg(5), Leg(1), Resonance(91.2, 2.5))),
                angle=PowerAngle(-0.7, 2.0),
                beam_axes=True,
            ),
        },
    ),
    "a decay at rest": FixedTrees(
        173.0,
        {
            "aligned": top(0, 1, 2, 0.0, 0),
            "plain": Decay(Leg(1), Decay(Leg(2), Leg(0), PowerPropagator(1.0, 10.0))),
        },
        n_incoming=1,
    ),
    "massive four bodies": FixedTrees(
        1000.0,
        {
            "pairs": Decay(
                Decay(Leg(0, 173.0), Leg(1, 80.4)),
                Decay(Leg(2, 91.2), Leg(3, 125.0)),
                angle=BackwardPole(),
            ),
            "ladder": Decay(
                Leg(3, 125.0), Decay(Leg(0, 173.0), Decay(Leg(2, 91.2), Leg(1, 80.4)))
            ),
        },
    ),
    "two bodies": FixedTrees(300.0, {"flat": Decay(Leg(0, 100.0), Leg(1, 50.0))}),
}


@pytest.fixture(params=SPACES.values(), ids=SPACES.keys())
def space(request: pytest.FixtureRequest) -> FixedTrees:
    """One of the phase spaces."""
    chosen = request.param
    assert isinstance(chosen, FixedTrees)
    return chosen


def points(space: FixedTrees, n: int = N, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(n, space.n_dim, generator=generator, dtype=torch.float64)
    return u, torch.arange(n) % len(space.channels)


def masses(space: FixedTrees) -> list[float]:
    legs = next(iter(space.trees.values())).legs
    return [leg.mass for leg in sorted(legs, key=lambda leg: leg.number)]


def test_momenta_are_on_shell_and_balanced(space: FixedTrees) -> None:
    momenta = space.forward(*points(space)).momenta
    incoming, final = momenta[:, : space.n_incoming], momenta[:, space.n_incoming :]
    assert (final[..., 0] > 0).all()
    # five frames deep, each a few roundings of 2⁻⁵³
    assert (incoming.sum(1) - final.sum(1)).abs().max() < 1e-13 * space.energy
    for leg, mass in enumerate(masses(space)):
        error = (kinematics.mass_squared(final[:, leg]) - mass**2).abs()
        assert error.max() < 1e-13 * space.energy**2


def test_every_column_of_the_cube_counts(space: FixedTrees) -> None:
    """Moving one coordinate moves the momenta: none is lost, φ included."""
    u, channel = points(space, 30)
    before = space.forward(u, channel).momenta
    for column in range(space.n_dim):
        moved = u.clone()
        moved[:, column] = (moved[:, column] + 0.3) % 1.0
        after = space.forward(moved, channel).momenta
        assert ((after - before).abs().flatten(1).max(1).values > 1e-6).all()


def test_inverse_undoes_forward(space: FixedTrees) -> None:
    u, channel = points(space)
    back = space.inverse(space.forward(u, channel).momenta, channel)
    # invariants near their limits and directions near the axis round as the root of 2⁻⁵³ = 1e-8,
    # times the boosts of up to 10³ between the frames
    assert (back - u).abs().max() < 1e-5
    assert (back - u).abs().median() < 1e-13


def test_own_density_comes_out_of_the_momenta(space: FixedTrees) -> None:
    """A second forward through the inverse, and the densities other channels find."""
    u, channel = points(space)
    point = space.forward(u, channel)
    for other in range(len(space.channels)):
        chosen = torch.full_like(channel, other)
        again = space.forward(space.inverse(point.momenta, chosen).clamp(0, 1), chosen)
        # as above, relative to the distance to the limit
        assert torch.allclose(again.log_densities, point.log_densities, atol=1e-4, rtol=0)


def independent(momenta: torch.Tensor) -> torch.Tensor:
    """j - 2 three-momenta and the direction of the next: variables of dΦ_j, `(n, 3j - 4)`."""
    inner = momenta[:, :-2, 1:].flatten(1)
    p = momenta[:, -2, 1:]
    cosine = p[:, 2] / p.square().sum(1).sqrt()
    return torch.cat((inner, cosine[:, None], torch.atan2(p[:, 1], p[:, 0])[:, None]), 1)


def log_element(momenta: torch.Tensor) -> torch.Tensor:
    """log of dΦ_j over those variables: Π 1/(2E) (2π)^(4-3j) p²/|∂(E + E')/∂p|."""
    j = momenta.shape[1]
    p, q = momenta[:, -2], momenta[:, -1]
    size = p[:, 1:].square().sum(1).sqrt()
    # the last momentum recoils: |∂E/∂p + ∂E'/∂p|
    along = (p[:, 1:] * q[:, 1:]).sum(1) / size
    slope = size / p[:, 0] - along / q[:, 0]
    energies = torch.log(2 * momenta[..., 0]).sum(1)
    return (4 - 3 * j) * math.log(2 * math.pi) - energies + 2 * torch.log(size) - torch.log(slope)


def test_jacobian_against_autograd(space: FixedTrees) -> None:
    """log_jacobian is that to the momenta, by autograd, with d³p/(2E) and the delta function."""
    u, channel = points(space, 24)

    def variables(x: torch.Tensor) -> torch.Tensor:
        return independent(space.forward(x, channel).momenta[:, space.n_incoming :]).sum(0)

    matrix = torch.autograd.functional.jacobian(variables, u).transpose(0, 1)
    point = space.forward(u, channel)
    expected = torch.linalg.slogdet(matrix)[1] + log_element(point.momenta[:, space.n_incoming :])
    # a Breit-Wigner of Γ/M = 0.01 magnifies the rounding of the matrix by its square
    assert torch.allclose(point.log_jacobian, expected, atol=1e-7, rtol=0)


def test_gradients_by_finite_differences() -> None:
    """Of momenta and densities, in the variables of the cube."""
    space = SPACES["a decay at rest"]
    u, channel = points(space, 4, seed=8)
    u = (0.1 + 0.8 * u).requires_grad_(True)

    def values(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        point = space.forward(x, channel)
        return point.momenta / space.energy, point.log_densities

    assert torch.autograd.gradcheck(values, (u,), eps=1e-7, atol=2e-4, rtol=1e-3)


def chain(masses: Sequence[float], shape: str) -> Decay:
    """A tree over any number of legs: a ladder, or halves."""
    legs: list[Leg | Decay] = [Leg(i, mass) for i, mass in enumerate(masses)]

    def joined(part: list[Leg | Decay]) -> Leg | Decay:
        if len(part) == 1:
            return part[0]
        cut = 1 if shape == "ladder" else len(part) // 2
        return Decay(joined(part[:cut]), joined(part[cut:]))

    tree = joined(legs)
    assert isinstance(tree, Decay)
    return tree


def volume(space: FixedTrees, n: int = 200_000) -> tuple[float, float]:
    """∫ dΦ with its error, over all channels in turn."""
    u, channel = points(space, n, seed=20261122)
    weight = torch.exp(space.forward(u, channel).log_jacobian)
    return float(weight.mean()), float(weight.std()) / math.sqrt(n)


@pytest.mark.parametrize("shape", ["ladder", "halves"])
@pytest.mark.parametrize("j", [2, 3, 4, 5, 6])
def test_massless_volume(j: int, shape: str) -> None:
    """(2π)^(4-3j) (π/2)^(j-1) E^(2j-4)/((j-1)!(j-2)!), within 5σ."""
    energy = 70.0
    value, error = volume(FixedTrees(energy, {"only": chain([0.0] * j, shape)}))
    exact = (2 * math.pi) ** (4 - 3 * j) * (math.pi / 2) ** (j - 1) * energy ** (2 * j - 4)
    exact /= math.factorial(j - 1) * math.factorial(j - 2)
    assert abs(value - exact) < 5 * error + 1e-12 * exact


def two_body_volume(s: np.ndarray, m1: np.ndarray | float, m2: float) -> np.ndarray:
    """β/(8π) with β = λ^½/s."""
    kallen = (s - (m1 + m2) ** 2) * (s - (m1 - m2) ** 2)
    return np.sqrt(np.maximum(kallen, 0)) / (8 * math.pi * s)


def quadrature_volume(energy: float, masses: Sequence[float], nodes: int = 400) -> float:
    """Massive volume by Gauss-Legendre over the mass of the last two or more, recursively."""
    if len(masses) == 2:
        return float(two_body_volume(np.array(energy**2), masses[0], masses[1]))
    x, weight = np.polynomial.legendre.leggauss(nodes)
    low, high = sum(masses[1:]), energy - masses[0]
    # the square roots at both ends are smooth in an angle
    angle = 0.5 * math.pi * (x + 1)
    mass = 0.5 * (low + high) - 0.5 * (high - low) * np.cos(angle)
    measure = 0.5 * (high - low) * np.sin(angle) * 0.5 * math.pi * weight * mass / math.pi
    outer = two_body_volume(np.array(energy**2), mass, masses[0])
    inner = [quadrature_volume(m, masses[1:], 60) for m in mass]
    return float((measure * outer * np.array(inner)).sum())


@pytest.mark.parametrize("shape", ["ladder", "halves"])
@pytest.mark.parametrize(
    "masses", [(173.0, 80.4, 4.7), (173.0, 80.4, 91.2, 125.0), (0.0, 5.0, 0.0)]
)
def test_massive_volume(masses: tuple[float, ...], shape: str) -> None:
    energy = 600.0
    value, error = volume(FixedTrees(energy, {"only": chain(masses, shape)}))
    assert abs(value - quadrature_volume(energy, masses)) < 5 * error


def test_resonant_channels_have_the_same_volume() -> None:
    """Balanced over the channels of the decay at rest: Σ_c ∫ α_c dΦ, α_c ∝ g_c."""
    space = SPACES["a decay at rest"]
    u, channel = points(space, 200_000, seed=5)
    point = space.forward(u, channel)
    mixture = torch.logsumexp(point.log_densities, 1) - math.log(len(space.channels))
    weight = torch.exp(-mixture)
    error = float(weight.std()) / math.sqrt(len(weight))
    exact = 173.0**2 / (2 * (4 * math.pi) ** 3) / 2
    exact *= 2 * (2 * math.pi) ** -5 * (math.pi / 2) ** 2 * (4 * math.pi) ** 3
    assert abs(float(weight.mean()) - exact) < 5 * error


def test_alignment_leaves_isotropic_decays_isotropic() -> None:
    """With flat masses the sampled direction is that of the leg, and all legs stay uniform."""
    inner = Decay(Leg(0), Leg(1))
    space = FixedTrees(10.0, {"only": Decay(inner, Leg(2), aligned=Leg(1))}, n_incoming=1)
    u, channel = points(space, 50_000)
    momenta = space.forward(u, channel).momenta[:, 1:]
    cosine = momenta[..., 3] / momenta[..., 0]
    assert torch.allclose(cosine[:, 1], 2 * u[:, 1] - 1, atol=1e-12)
    azimuth = torch.atan2(momenta[:, 1, 2], momenta[:, 1, 1]) / (2 * math.pi) % 1
    assert torch.allclose(azimuth, u[:, 2], atol=1e-12)
    # the moments of a uniform direction; variances 1/3 and 4/45 over the number of points
    assert (cosine.mean(0).abs() < 5 * math.sqrt(1 / 3 / 50_000)).all()
    assert ((cosine.square().mean(0) - 1 / 3).abs() < 5 * math.sqrt(4 / 45 / 50_000)).all()


def test_beam_axes_are_the_beams_directions() -> None:
    """The polar angle sampled in a child's decay is that to its own beam in its rest frame."""
    children = Decay(Leg(0), Leg(1)), Decay(Leg(2), Leg(3))
    space = FixedTrees(500.0, {"only": Decay(*children, beam_axes=True)})
    u, channel = points(space, 500)
    momenta = space.forward(u, channel).momenta
    for beam, pair, column in ((0, (2, 3), 4), (1, (4, 5), 6)):
        first, second = momenta[:, pair[0]], momenta[:, pair[1]]
        # p·k of a massless pair in its rest frame: E_k E_p (1 - cosθ)
        near, far = (kinematics.dot(p, momenta[:, beam]) for p in (first, second))
        cosine = (far - near) / (far + near)
        assert torch.allclose(cosine, 2 * u[:, column] - 1, atol=1e-9)


def test_empty_and_extreme_points(space: FixedTrees) -> None:
    assert space.forward(*points(space, 0)).momenta.shape[0] == 0
    ends = torch.tensor([0.0, 1e-12, 1 - 2.0**-53, 1.0], dtype=torch.float64)
    u = ends[:, None].expand(4, space.n_dim).repeat(len(space.channels), 1)
    channel = torch.arange(len(space.channels)).repeat_interleave(4)
    point = space.forward(u, channel)
    assert point.momenta.isfinite().all()
    assert not point.log_jacobian.isnan().any()


def test_nothing_lands_on_the_default_device(space: FixedTrees) -> None:
    u, channel = points(space, 12)
    before = space.forward(u, channel)
    torch.set_default_device("meta")
    try:
        after = space.forward(u, channel)
        back = space.inverse(after.momenta, channel)
    finally:
        torch.set_default_device(None)
    assert torch.equal(after.momenta, before.momenta)
    assert back.device.type == "cpu"


def test_legs_must_be_numbered_without_gaps() -> None:
    with pytest.raises(ValueError, match="without gaps"):
        FixedTrees(10.0, {"only": Decay(Leg(0), Leg(2))})


def test_channels_must_share_their_legs() -> None:
    trees = {"a": Decay(Leg(0), Leg(1)), "b": Decay(Leg(0), Leg(1, 1.0))}
    with pytest.raises(ValueError, match="same final legs"):
        FixedTrees(10.0, trees)


def test_energy_must_exceed_the_masses() -> None:
    with pytest.raises(ValueError, match="sum of its masses"):
        FixedTrees(10.0, {"only": Decay(Leg(0, 6.0), Leg(1, 4.0))})


def test_only_grandchildren_align() -> None:
    with pytest.raises(ValueError, match="no child of the first decay product"):
        Decay(Leg(0), Decay(Leg(1), Leg(2)), aligned=Leg(1))
