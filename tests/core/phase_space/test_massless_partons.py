"""Massless partons: two clusters, the pair, RAMBO; with fixed beams and out of hadrons."""

from __future__ import annotations

import math
from itertools import combinations, permutations

import pytest
import torch

from crosshook.core import kinematics
from crosshook.core.phase_space.collinear import Parallel
from crosshook.core.phase_space.falling import Falling, FallingFrom, FallingToRoot
from crosshook.core.phase_space.identical import Fold
from crosshook.core.phase_space.identical_pair import IdenticalPair
from crosshook.core.phase_space.parton_collisions import FixedPartons, HadronicPartons
from crosshook.core.phase_space.power_law import PowerLawMap
from crosshook.core.phase_space.rambo import MasslessRambo, log_volume
from crosshook.core.phase_space.rapidity import PlateauRapidity
from crosshook.core.phase_space.two_clusters import TwoClusters

Space = FixedPartons | HadronicPartons

PT_MIN, ENERGY = 30.0, 1000.0
FINAL = {
    "clusters of 3": TwoClusters(3, PT_MIN, 2.1, 30.0),
    "clusters of 4": TwoClusters(4, PT_MIN, 2.1, 30.0),
    "clusters of 3, ΔR": TwoClusters(3, PT_MIN, 1.5, delta_r=0.4),
    "clusters of 4, ΔR": TwoClusters(4, PT_MIN, 1.5, delta_r=0.7),
    "pair": IdenticalPair(PT_MIN),
    "rambo of 2": MasslessRambo(2),
    "rambo of 3": MasslessRambo(3),
    "rambo of 4": MasslessRambo(4),
}
SPACES: dict[str, Space] = {name: FixedPartons(ENERGY, final) for name, final in FINAL.items()}
SPACES |= {
    f"{name}, hadrons": HadronicPartons(
        13000.0, PowerLawMap(130.0**2, 13000.0**2, 2.0), PlateauRapidity(2.0, 0.45), FINAL[name]
    )
    for name in ("clusters of 3", "clusters of 4, ΔR", "pair", "rambo of 3")
}


@pytest.fixture(params=SPACES.values(), ids=SPACES.keys())
def space(request: pytest.FixtureRequest) -> Space:
    """Each of them."""
    chosen = request.param
    assert isinstance(chosen, FixedPartons | HadronicPartons)
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


def test_momenta_are_massless_and_balanced(space: Space) -> None:
    u, channel = points(space, 5000)
    p = space.forward(u, channel).momenta
    scale = p[:, :2, 0].sum(1)
    assert (p[..., 0] > 0).all()
    balance = p[:, :2].sum(1) - p[:, 2:].sum(1)
    # rapidities are exact to rounding, and in exponentials of up to e^3 in the rest frame
    assert (balance.abs() <= 1e-13 * scale[:, None]).all()
    assert (kinematics.mass_squared(p).abs() <= 1e-12 * scale[:, None] ** 2).all()


def pair_cuts(p: torch.Tensor, m_pair: float, delta_r: float) -> torch.Tensor:
    """Whether pairs pass both cuts, `(n, pairs)`, for final momenta `(n, j, 4)`."""
    passed = []
    for i, j in combinations(range(p.shape[1]), 2):
        mass = kinematics.mass_squared(p[:, i] + p[:, j]).clamp_min(0).sqrt()
        gap = kinematics.rapidity(p[:, i]) - kinematics.rapidity(p[:, j])
        turn = torch.atan2(p[:, i, 2], p[:, i, 1]) - torch.atan2(p[:, j, 2], p[:, j, 1])
        turn = torch.remainder(turn + math.pi, 2 * math.pi) - math.pi
        passed.append((mass > m_pair) & (torch.hypot(gap, turn) > delta_r))
    return torch.stack(passed, 1)


def test_no_point_fails_the_cut_on_pt() -> None:
    for name, space in SPACES.items():
        if "rambo" in name:
            continue
        u, channel = points(space, 5000)
        pt = kinematics.pt(space.forward(u, channel).momenta[:, 2:])
        assert pt.min() > PT_MIN * (1 - 1e-9), name


def test_clusters_pass_the_cut_on_their_mass() -> None:
    """The pair that a channel draws, and with four particles the other one too."""
    # which of the pairs 12, 13, 23, or 12, 13, 14, 23, 24, 34, a channel draws first
    for particles, drawn in ((3, (0, 1, 2)), (4, (0, 5, 1, 4, 2, 3))):
        space = SPACES[f"clusters of {particles}"]
        u, channel = points(space, 20_000)
        p = space.forward(u, channel).momenta[:, 2:]
        passed = pair_cuts(p, 30.0 * (1 - 1e-9), 0.0)
        chosen = torch.tensor(drawn)[channel]
        assert passed.gather(1, chosen[:, None]).all()
        if particles == 4:
            assert passed.gather(1, 5 - chosen[:, None]).all()
            assert passed.all(1).double().mean() > 0.95


@pytest.mark.parametrize("name", [name for name in SPACES if "clusters" in name])
def test_every_point_inside_the_cuts_is_in_every_channel(name: str) -> None:
    space = SPACES[name]
    u, channel = points(space, 20_000)
    point = space.forward(u, channel)
    delta_r = {"clusters of 3, ΔR": 0.4}.get(name, 0.7 if "ΔR" in name else 0.0)
    inside = pair_cuts(point.momenta[:, 2:], 0.0 if delta_r else 30.0, delta_r).all(1)
    assert inside.double().mean() > 0.5
    assert torch.isfinite(point.log_densities[inside]).all()


def test_inverse_undoes_forward(space: Space) -> None:
    u, channel = points(space, 5000)
    back = space.inverse(space.forward(u, channel).momenta, channel)
    assert (back - u).abs().max() < 1e-7
    assert (back - u).abs().median() < 1e-12


def test_densities_are_those_of_the_same_point_in_other_channels(space: Space) -> None:
    u, channel = points(space, 500)
    point = space.forward(u, channel)
    own = point.log_densities.gather(1, channel[:, None])[:, 0]
    assert torch.equal(own, -point.log_jacobian)
    for index in range(len(space.channels)):
        other = torch.full_like(channel, index)
        density = point.log_densities[:, index]
        open_ = density > -torch.inf
        assert open_.double().mean() > 0.7
        momenta, other = point.momenta[open_], other[open_]
        again = space.forward(space.inverse(momenta, other).clamp(0, 1), other)
        assert torch.allclose(again.momenta, momenta, rtol=0, atol=1e-5)
        assert torch.allclose(density[open_], -again.log_jacobian, atol=1e-6, rtol=0)


def test_jacobian_is_the_determinant(space: Space) -> None:
    """Against d³p/((2π)³ 2E) of all but two particles and dΩ*/(32π²) of these, by autograd."""
    u, channel = points(space, 60)
    hadronic = isinstance(space, HadronicPartons)

    def coordinates(v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        point = space.forward(v, channel)
        total = point.momenta[:, :2].sum(1)
        p = kinematics.boost_z(point.momenta[:, 2:], -kinematics.rapidity(total)[:, None])
        columns = [point.x1, point.x2] if hadronic else []
        log_element = torch.full_like(v[:, 0], -math.log(32 * math.pi**2))
        for i in range(p.shape[1] - 2):
            columns += p[:, i, 1:].unbind(1)
            log_element = log_element - torch.log((2 * math.pi) ** 3 * 2 * p[:, i, 0])
        rest = rest_frame(p[:, -2], p[:, -2] + p[:, -1])
        columns += [rest[:, 3] / rest[:, 0], torch.atan2(rest[:, 2], rest[:, 1])]
        return torch.stack(columns, 1), log_element

    v = u.clone().requires_grad_(True)
    values, log_element = coordinates(v)
    rows = [
        torch.autograd.grad(values[:, i].sum(), v, retain_graph=True)[0]
        for i in range(values.shape[1])
    ]
    determinant = torch.linalg.det(torch.stack(rows, 1)).abs()
    found = torch.log(determinant) + log_element
    assert torch.allclose(space.forward(u, channel).log_jacobian, found, atol=1e-6, rtol=0)


def test_gradients_agree_with_finite_differences(space: Space) -> None:
    u, channel = points(space, 4, seed=5)
    # inside the pieces of u0, away from the middle of the angles of either sign
    u = (0.1 + 0.8 * u).requires_grad_(True)

    def scaled(v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        point = space.forward(v, channel)
        return point.momenta / 1000, point.log_densities

    assert torch.autograd.gradcheck(scaled, (u,), eps=1e-7, atol=1e-4, rtol=1e-4)


def test_corners_of_the_cube_are_finite(space: Space) -> None:
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * space.n_dim)
    for index in range(len(space.channels)):
        point = space.forward(corners, torch.full((len(corners),), index))
        assert torch.isfinite(point.momenta).all()
        assert not torch.isnan(point.log_densities).any()


@pytest.mark.parametrize("particles", [3, 4])
@pytest.mark.parametrize("power", [0, -1])
def test_every_channel_covers_the_volume(particles: int, power: int) -> None:
    """∫ Π p_T^a dΦ inside the cuts, flat against the clusters, channel by channel and together."""
    n = 60_000

    def value(p: torch.Tensor) -> torch.Tensor:
        pt = kinematics.pt(p)
        passed = (pt > PT_MIN).all(1) & pair_cuts(p, 30.0, 0.0).all(1)
        return passed * (pt / 200).prod(1) ** power

    flat = FixedPartons(ENERGY, MasslessRambo(particles))
    weight = value(flat.forward(*points(flat, n, seed=17)).momenta[:, 2:])
    truth, error = float(weight.mean()), float(weight.std()) / math.sqrt(n)
    volume = math.exp(log_volume(torch.tensor(ENERGY**2, dtype=torch.float64), particles))
    clusters = FixedPartons(ENERGY, TwoClusters(particles, PT_MIN, 0.5, 30.0))
    u, channel = points(clusters, n, seed=18)
    point = clusters.forward(u, channel)
    found = value(point.momenta[:, 2:]) / volume
    mixed = found * torch.exp(-torch.logsumexp(point.log_densities, 1)) * len(clusters.channels)
    alone = found * torch.exp(point.log_jacobian)
    for index in range(len(clusters.channels)):
        own = alone[channel == index]
        width = math.hypot(error, float(own.std()) / math.sqrt(len(own)))
        assert float(own.mean()) == pytest.approx(truth, abs=5 * width), clusters.channels[index]
    width = math.hypot(error, float(mixed.std()) / math.sqrt(n))
    assert width < 0.02 * truth
    assert float(mixed.mean()) == pytest.approx(truth, abs=5 * width)


def test_pair_covers_the_volume_above_the_cut() -> None:
    space = FixedPartons(ENERGY, IdenticalPair(PT_MIN, exponent=0.3))
    u, channel = points(space, 50_000)
    weight = torch.exp(space.forward(u, channel).log_jacobian)
    exact = math.sqrt(1 - 4 * PT_MIN**2 / ENERGY**2) / (8 * math.pi)
    error = float(weight.std()) / math.sqrt(len(weight))
    assert float(weight.mean()) == pytest.approx(exact, abs=5 * error)


@pytest.mark.parametrize("particles", [2, 3, 4, 5])
def test_rambo_is_flat(particles: int) -> None:
    """Means of s_ij/s and its square, exact in flat phase space: Dirichlet laws of energies."""
    space = FixedPartons(ENERGY, MasslessRambo(particles))
    u, channel = points(space, 50_000)
    p = space.forward(u, channel).momenta[:, 2:]
    for i, j in combinations(range(particles), 2):
        share = kinematics.mass_squared(p[:, i] + p[:, j]) / ENERGY**2
        error = float(share.std()) / math.sqrt(len(share)) + 1e-12
        # all pairs alike, their sum is s
        expected = 2 / (particles * (particles - 1))
        assert float(share.mean()) == pytest.approx(expected, abs=5 * error)
    if particles > 2:
        # <x²> of the energy share x = 2E/√s: x^1 (1-x)^(j-3) in j-body phase space
        x = 2 * p[:, 0, 0] / ENERGY
        a, b = 2.0, particles - 2.0
        expected = a * (a + 1) / ((a + b) * (a + b + 1))
        error = float(x.square().std()) / math.sqrt(len(x))
        assert float(x.square().mean()) == pytest.approx(expected, abs=5 * error)


def test_first_coordinate_changes_nothing_but_labels_and_azimuth() -> None:
    clusters = SPACES["clusters of 4"]
    u, channel = points(clusters, 200)
    other = u.clone()
    other[:, 0] = 1 - u[:, 0]
    first, second = clusters.forward(u, channel), clusters.forward(other, channel)
    assert torch.allclose(first.log_jacobian, second.log_jacobian, atol=1e-9)
    for row in (first, second):
        assert row.momenta.shape == (200, 6, 4)
    energies = [point.momenta[:, 2:, 0].sort(1).values for point in (first, second)]
    assert torch.allclose(*energies, rtol=1e-12)


def test_fold_gives_every_order_its_share() -> None:
    fold = Fold(tuple(permutations(range(3))), mirror=True)
    assert fold.pieces == 12
    u = (torch.arange(12, dtype=torch.float64) + 0.25) / 12
    by_place = torch.tensor([[[1.0, 1, 0, 0], [2, 0, 2, 0], [3, 0, 3, 3]]], dtype=torch.float64)
    states = fold.unfold(u, by_place.expand(12, 3, 4))
    assert len({tuple(state[:, 0].tolist()) for state in states}) == 6
    assert len({tuple(state.flatten().round(decimals=6).tolist()) for state in states}) == 12


def test_fold_undoes_itself() -> None:
    fold = Fold(((0, 1, 2), (1, 0, 2)), mirror=True, flip=True)
    assert fold.pieces == 8
    u = (torch.arange(80, dtype=torch.float64) + 0.5) / 80
    by_place = torch.tensor([[[5.0, 3, 0, 4], [5, 0, 4, -3], [5, -3, -4, 0]]], dtype=torch.float64)
    states = fold.unfold(u, by_place.expand(80, 3, 4))
    piece = torch.arange(80) // 10
    flipped, mirrored, swapped = piece % 2 == 1, piece // 2 % 2 == 1, piece // 4 == 1
    first = states[torch.arange(80), swapped.long()]
    assert torch.equal(first[:, 3] < 0, flipped)
    place = torch.tensor(fold.orders)[swapped.long()]
    azimuth = torch.atan2(first[:, 2], first[:, 1])
    assert torch.allclose(fold.fold(place, azimuth, mirrored, flipped), u)


def test_one_dimensional_laws() -> None:
    u = torch.linspace(0.001, 0.999, 301, dtype=torch.float64).requires_grad_(True)
    one = torch.ones_like(u)
    cases = [(Falling(exponent), 30.0, 470.0) for exponent in (0.4, 2.1)]
    cases += [(FallingFrom(Falling(1.1), x0 * one), 0.0, 4.0) for x0 in (0.01, 3.0)]
    cases += [
        (FallingToRoot(Falling(0.6), x0 * one), *ends)
        for x0 in (0.02, 1.0)
        for ends in ((0.0, 5.0), (0.3, 0.4))
    ]
    cases += [
        (Parallel(above * one), *ends)
        for above in (1e-4, 0.3, 100.0)
        for ends in ((0.0, math.pi), (0.3, 2.0))
    ]
    for law, low, high in cases:
        x = law.forward(u, low * one, high * one)
        assert (x >= low).all()
        assert (x <= high).all()
        assert torch.allclose(law.inverse(x, low * one, high * one), u, atol=1e-9), law
        (slope,) = torch.autograd.grad(x.sum(), u)
        density = law.log_density(x, low * one, high * one)
        assert torch.allclose(-torch.log(slope), density, atol=1e-8), law


def test_devices_are_explicit(space: Space) -> None:
    u, channel = points(space, 16)
    expected = space.forward(u, channel)
    torch.set_default_device("meta")
    try:
        point = space.forward(u, channel)
        back = space.inverse(point.momenta, channel)
        assert all(tensor.device.type == "cpu" for tensor in (*vars(point).values(), back))
    finally:
        torch.set_default_device(None)
    assert torch.equal(point.momenta, expected.momenta)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="3 or 4"):
        TwoClusters(5, 30.0, 2.0, 30.0)
    with pytest.raises(ValueError, match="not 0"):
        TwoClusters(3, 0.0, 2.0, 30.0)
    with pytest.raises(ValueError, match="must not be 0"):
        TwoClusters(3, 30.0, 2.0)
    with pytest.raises(ValueError, match="at least 2"):
        MasslessRambo(1)
    with pytest.raises(ValueError, match="exponent 1"):
        Falling(1.0)
    with pytest.raises(ValueError, match="collision energy"):
        HadronicPartons(
            100.0, PowerLawMap(100.0, 1e6, 2.0), PlateauRapidity(2.0, 0.4), MasslessRambo(3)
        )
