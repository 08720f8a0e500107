"""Maps along diagrams of s- and t-channel propagators, and RAMBO with masses."""

from __future__ import annotations

import math

import pytest
import torch

from crosshook.core import kinematics
from crosshook.core.phase_space.branching import Leg
from crosshook.core.phase_space.breit_wigner import BreitWignerMap
from crosshook.core.phase_space.decay import Decay
from crosshook.core.phase_space.decay_at_rest import DecayAtRest
from crosshook.core.phase_space.diagram_map import DiagramMap
from crosshook.core.phase_space.hadronic_channels import HadronicChannels
from crosshook.core.phase_space.mapped_channels import MappedChannels
from crosshook.core.phase_space.massive_rambo import MassiveRambo
from crosshook.core.phase_space.parton_collisions import FixedPartons
from crosshook.core.phase_space.power_law import PowerLawMap
from crosshook.core.phase_space.propagator import PowerPropagator, Resonance
from crosshook.core.phase_space.rambo import log_volume
from crosshook.core.phase_space.rapidity import UniformRapidity
from crosshook.core.phase_space.splitting import Splitting
from crosshook.core.phase_space.tree import TreeMap

ENERGY = 500.0
T = PowerPropagator(1.0, offset=25.0)
T2 = PowerPropagator(1.7, offset=100.0)
POLE = Resonance(91.2, 2.5)
TWO, THREE, FOUR = (172.5, 80.4), (0.0, 4.7, 91.2), (0.0, 0.0, 4.7, 80.4)

Space = FixedPartons | HadronicChannels | DecayAtRest


def legs(masses: tuple[float, ...]) -> tuple[Leg, ...]:
    return tuple(Leg(number, mass) for number, mass in enumerate(masses))


def two_body() -> MappedChannels:
    a, b = legs(TWO)
    return MappedChannels(
        {
            "rambo": MassiveRambo(TWO),
            "s": DiagramMap(Splitting(a, b)),
            "t": DiagramMap(Splitting(a, b, exchange=T)),
            "u": DiagramMap(Splitting(b, a, exchange=T2)),
        }
    )


def three_body() -> MappedChannels:
    a, b, c = legs(THREE)
    fall = PowerPropagator(1.0, offset=9.0)
    return MappedChannels(
        {
            "rambo": MassiveRambo(THREE),
            "tree": TreeMap(Decay(Decay(a, b, fall), c)),
            "s": DiagramMap(Splitting(Splitting(b, a, fall), c)),
            "st": DiagramMap(Splitting(Splitting(a, b, fall), c, exchange=T)),
            "tt": DiagramMap(Splitting(Splitting(b, a, fall, T2), c, exchange=T)),
            "tu": DiagramMap(Splitting(Splitting(a, b, fall, T), c, exchange=T2)),
        }
    )


def four_body() -> MappedChannels:
    a, b, c, d = legs(FOUR)
    fall = PowerPropagator(0.8, offset=4.0)
    return MappedChannels(
        {
            "rambo": MassiveRambo(FOUR),
            "pairs": DiagramMap(
                Splitting(Splitting(a, b, POLE), Splitting(c, d, fall), exchange=T)
            ),
            "ladder": DiagramMap(
                Splitting(Splitting(Splitting(a, c, fall, T), b, fall, T2), d, exchange=T)
            ),
            "mixed": DiagramMap(Splitting(Splitting(Splitting(a, b, POLE), c, fall, T2), d)),
        }
    )


def hadrons(final: MappedChannels, threshold: float) -> HadronicChannels:
    low, high = (threshold + 10) ** 2, 13000.0**2
    maps = [PowerLawMap(low, high, 1.5), BreitWignerMap(low, high, 400.0, 30.0)]
    chosen = tuple(maps[number % 2] for number in range(len(final.channels)))
    return HadronicChannels(13000.0, chosen, UniformRapidity(), final)


SPACES: dict[str, Space] = {
    "two": FixedPartons(ENERGY, two_body()),
    "three": FixedPartons(ENERGY, three_body()),
    "four": FixedPartons(ENERGY, four_body()),
    "two, hadrons": hadrons(two_body(), sum(TWO)),
    "three, hadrons": hadrons(three_body(), sum(THREE)),
    "three, decay": DecayAtRest(173.0, MappedChannels({"rambo": MassiveRambo(THREE)})),
}


@pytest.fixture(params=SPACES.values(), ids=SPACES.keys())
def space(request: pytest.FixtureRequest) -> Space:
    """Each of them."""
    chosen = request.param
    assert isinstance(chosen, FixedPartons | HadronicChannels | DecayAtRest)
    return chosen


def points(space: Space, n: int, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(n, space.n_dim, generator=generator, dtype=torch.float64)
    return u, torch.arange(n) % len(space.channels)


def rest_frame(p: torch.Tensor, frame: torch.Tensor) -> torch.Tensor:
    """p `(n, 4)` in the rest frame of `frame`."""
    mass = kinematics.mass(frame)
    energy = kinematics.dot(p, frame) / mass
    factor = (p[:, 0] + energy) / (frame[:, 0] + mass)
    return torch.cat((energy[:, None], p[:, 1:] - factor[:, None] * frame[:, 1:]), 1)


def test_momenta_balance_on_their_shells(space: Space) -> None:
    u, channel = points(space, 3000)
    p = space.forward(u, channel).momenta
    n_in = space.n_incoming
    scale = p[:, :n_in, 0].sum(1)
    masses = {2: TWO, 3: THREE, 4: FOUR}[p.shape[1] - n_in]
    squares = torch.tensor(masses, dtype=torch.float64).square()
    balance = p[:, :n_in].sum(1) - p[:, n_in:].sum(1)
    assert (balance.abs() <= 1e-12 * scale[:, None]).all()
    off = kinematics.mass_squared(p[:, n_in:]) - squares
    assert (off.abs() <= 1e-11 * scale[:, None] ** 2).all()


def test_inverse_undoes_forward(space: Space) -> None:
    u, channel = points(space, 3000)
    back = space.inverse(space.forward(u, channel).momenta, channel)
    # azimuths 0 and 1 are one, and those of a part that flies along the beam are anything
    away = (back - u).abs()
    away = torch.minimum(away, 1 - away)
    assert away.max() < 1e-5
    assert away.median() < 1e-12


def test_densities_are_those_of_the_same_point_in_other_channels(space: Space) -> None:
    u, channel = points(space, 400)
    point = space.forward(u, channel)
    own = point.log_densities.gather(1, channel[:, None])[:, 0]
    assert torch.equal(own, -point.log_jacobian)
    for index in range(len(space.channels)):
        other = torch.full_like(channel, index)
        again = space.forward(space.inverse(point.momenta, other).clamp(0, 1), other)
        assert torch.allclose(again.momenta, point.momenta, rtol=0, atol=1e-5)
        expected = -again.log_jacobian
        assert torch.allclose(point.log_densities[:, index], expected, atol=1e-6, rtol=0)


def test_jacobian_is_the_determinant(space: Space) -> None:
    """Against d³p/((2π)³ 2E) of all but two particles and dΩ* p*/(16π² √s) of these, by autograd."""
    u, channel = points(space, 40)

    def coordinates(v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        point = space.forward(v, channel)
        n_in = space.n_incoming
        total = point.momenta[:, :n_in].sum(1)
        p = kinematics.boost_z(point.momenta[:, n_in:], -kinematics.rapidity(total)[:, None])
        columns = [point.x1, point.x2] if isinstance(space, HadronicChannels) else []
        log_element = torch.zeros_like(v[:, 0])
        for i in range(p.shape[1] - 2):
            columns += p[:, i, 1:].unbind(1)
            log_element = log_element - torch.log((2 * math.pi) ** 3 * 2 * p[:, i, 0])
        pair = p[:, -2] + p[:, -1]
        rest = rest_frame(p[:, -2], pair)
        size = rest[:, 1:].norm(dim=1)
        columns += [rest[:, 3] / size, torch.atan2(rest[:, 2], rest[:, 1])]
        log_element = log_element + torch.log(size / (16 * math.pi**2 * kinematics.mass(pair)))
        return torch.stack(columns, 1), log_element

    v = u.clone().requires_grad_()
    found, element = coordinates(v)
    rows = [
        torch.autograd.grad(found[:, i].sum(), v, retain_graph=True)[0]
        for i in range(found.shape[1])
    ]
    determinant = torch.linalg.det(torch.stack(rows, 1)).abs().log()
    expected = determinant + element.detach()
    assert torch.allclose(space.forward(u, channel).log_jacobian, expected, atol=1e-6, rtol=0)


def test_gradients_are_finite_differences(space: Space) -> None:
    """Of momenta and densities, each point along a direction of its own; the error falls as h²."""
    u, channel = points(space, 60)
    u = (0.1 + 0.8 * u).requires_grad_()  # both sides of a step within the cube
    generator = torch.Generator().manual_seed(4)
    along = torch.randn(u.shape, generator=generator, dtype=torch.float64)

    def figures(v: torch.Tensor) -> torch.Tensor:
        point = space.forward(v, channel)
        return torch.cat((point.momenta.flatten(1) / ENERGY, point.log_densities), 1)

    step = 1e-5
    with torch.no_grad():
        ahead, behind = figures(u + step * along), figures(u - step * along)
    expected = (ahead - behind) / (2 * step)
    found = torch.stack(
        [
            (torch.autograd.grad(column.sum(), u, retain_graph=True)[0] * along).sum(1)
            for column in figures(u).unbind(1)
        ],
        1,
    )
    assert ((found - expected).abs() <= 1e-5 * (1 + expected.abs())).all()


@pytest.mark.parametrize("name", ["two", "three", "four"])
def test_the_mixture_of_channels_has_the_volume_of_phase_space(name: str) -> None:
    """The mixture of all channels, whose weights are bounded, against quadrature: within 5σ."""
    space = SPACES[name]
    n = 5_000
    u, _ = points(space, n, seed=11)
    k = len(space.channels)
    means, errors = [], []
    for index in range(k):
        point = space.forward(u, torch.full((n,), index))
        share = torch.softmax(point.log_densities, 1)[:, index]
        value = k * share * torch.exp(point.log_jacobian)
        means.append(float(value.mean()))
        errors.append(float(value.std()) / n**0.5)
    mixture = sum(means) / k
    error = math.hypot(*errors) / k
    assert abs(mixture - volume(name)) < 5 * error


def volume(name: str) -> float:
    """Volume of phase space: nested two-body volumes, integrated over the masses by midpoints."""
    s = ENERGY**2

    def pair(m: torch.Tensor | float, m1: float, m2: torch.Tensor | float) -> torch.Tensor:
        square = torch.as_tensor(m, dtype=torch.float64) ** 2
        root = (square - (m1 + m2) ** 2) * (square - (m1 - m2) ** 2)
        return torch.sqrt(root.clamp_min(0)) / (8 * math.pi * square)

    if name == "two":
        return float(pair(ENERGY, *TWO))

    def three(total: float, masses: tuple[float, ...], steps: int) -> float:
        a, b, c = masses
        low, high = (a + b), total - c
        # midpoints in an angle that removes the roots at both ends
        angle = (torch.arange(steps, dtype=torch.float64) + 0.5) * math.pi / steps
        mass = 0.5 * (low + high) - 0.5 * (high - low) * torch.cos(angle)
        slope = 0.5 * (high - low) * torch.sin(angle) * math.pi / steps
        inner = pair(mass, a, b) * 2 * mass / (2 * math.pi)
        return float((pair(total, c, mass) * inner * slope).sum())

    if name == "three":
        return three(ENERGY, THREE, 20_000)
    steps, last = 400, FOUR[3]
    low, high = sum(FOUR[:3]), ENERGY - last
    angle = (torch.arange(steps, dtype=torch.float64) + 0.5) * math.pi / steps
    masses = 0.5 * (low + high) - 0.5 * (high - low) * torch.cos(angle)
    slope = 0.5 * (high - low) * torch.sin(angle) * math.pi / steps
    inner = torch.tensor([three(float(m), FOUR[:3], 2000) for m in masses], dtype=torch.float64)
    found = (pair(ENERGY, last, masses) * inner * 2 * masses / (2 * math.pi) * slope).sum()
    assert 0 < found < torch.exp(log_volume(torch.tensor(s, dtype=torch.float64), 4))
    return float(found)


def test_massive_rambo_without_masses_is_flat() -> None:
    u = torch.rand(100, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    s = torch.full((100,), ENERGY**2, dtype=torch.float64)
    light = MassiveRambo((1e-7, 0.0, 0.0, 0.0))
    momenta, density = light.forward(u, s)
    assert torch.allclose(density, -log_volume(s, 4), atol=1e-6)
    flat, _ = MassiveRambo((0.0,) * 4).forward(u, s)
    assert torch.allclose(momenta, flat, atol=1e-5)


def test_exchange_follows_the_momentum_transfer() -> None:
    """-t of the first part has the density (−t + offset)^-ν: ⌊10 u⌋ of it is evenly filled."""
    a, b = legs((0.0, 0.0))
    u = torch.rand(5000, 2, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    s = torch.full((5000,), ENERGY**2, dtype=torch.float64)
    momenta, _ = DiagramMap(Splitting(a, b, exchange=T)).forward(u, s)
    beam = torch.tensor([0.5, 0.0, 0.0, 0.5], dtype=torch.float64) * ENERGY
    transfer = -kinematics.mass_squared(beam - momenta[:, 0])
    share = torch.log1p(transfer / T.offset) / math.log1p(ENERGY**2 / T.offset)
    assert torch.allclose(share, u[:, 0], atol=1e-9)


def test_points_at_the_edges_are_finite() -> None:
    generator = torch.Generator().manual_seed(3)
    for space in SPACES.values():
        corners = torch.tensor([0.0, 1e-12, 0.5, 1 - 1e-12, 1.0], dtype=torch.float64)
        u = corners[torch.randint(0, 5, (500, space.n_dim), generator=generator)]
        for index in range(len(space.channels)):
            point = space.forward(u, torch.full((500,), index))
            assert torch.isfinite(point.momenta).all()
            assert not torch.isnan(point.log_densities).any()
