"""|M|² of gg → ng against closed forms, and against plain Berends-Giele recursion in the trace basis.

The recursion shares nothing with the amplitudes under test: four-vector currents instead of spinors,
traces of Gell-Mann matrices instead of chains of structure constants, all 2^m helicities.
"""

from __future__ import annotations

import math
from itertools import combinations, permutations, product
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.adapters.processes.n_gluon_colour import structure_constants
from crosshook.adapters.processes.n_gluon_squared import GluonAmplitudes, cyclic_orders
from crosshook.core.phase_space.parton_collisions import FixedPartons
from crosshook.core.phase_space.rambo import MasslessRambo

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA_S = 0.118
METRIC = np.array([1.0, -1.0, -1.0, -1.0])


def points(gluons: int, n: int, seed: int = 5) -> torch.Tensor:
    """Flat phase space at 1 TeV, every invariant above 1 % of s."""
    space = FixedPartons(1000.0, MasslessRambo(gluons))
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(200 * n, space.n_dim, generator=generator, dtype=torch.float64)
    momenta = space.forward(u, torch.zeros(200 * n, dtype=torch.int64)).momenta
    return momenta[invariants(momenta).amin((1, 2)) > 1e4][:n]


def invariants(momenta: torch.Tensor) -> torch.Tensor:
    """2 pi·pj with the diagonal at infinity, `(n, m, m)`."""
    products = momenta[:, :, None] * momenta[:, None]
    twice = 2 * (products[..., 0] - products[..., 1:].sum(-1))
    return twice + torch.diag(torch.full((momenta.shape[1],), math.inf, dtype=momenta.dtype))


def squared(momenta: torch.Tensor) -> torch.Tensor:
    alpha_s = torch.full((len(momenta),), ALPHA_S, dtype=torch.float64)
    return GluonAmplitudes(momenta.shape[1] - 2).squared(momenta, 0, alpha_s).value


def dot(a: NDArray, b: NDArray) -> NDArray:
    return (a * b * METRIC).sum(-1)


def polarisations(p: NDArray) -> NDArray:
    """ε₊ and ε₋ of a physical momentum by its polar angles, `(2, 4)`."""
    r = math.sqrt((p[1:] ** 2).sum())
    theta, phi = math.acos(p[3] / r), math.atan2(p[2], p[1])
    ct, st, cp, sp = math.cos(theta), math.sin(theta), math.cos(phi), math.sin(phi)
    plus = np.array([0, ct * cp - 1j * sp, ct * sp + 1j * cp, -st]) / math.sqrt(2)
    return np.stack((plus, plus.conj()))


def ordered(p: NDArray, eps: NDArray, order: tuple[int, ...]) -> NDArray:
    """The ordered amplitude by recursion, for all states: p `(m, 4)` outgoing, eps `(m, h, 4)`."""

    def cubic(a: NDArray, pa: NDArray, b: NDArray, pb: NDArray) -> NDArray:
        return (
            2 * dot(pb, a)[:, None] * b
            - 2 * dot(pa, b)[:, None] * a
            + (pa - pb) * dot(a, b)[:, None]
        )

    def quartic(a: NDArray, b: NDArray, c: NDArray) -> NDArray:
        return 2 * dot(a, c)[:, None] * b - dot(a, b)[:, None] * c - dot(b, c)[:, None] * a

    m = len(order)
    current = {(i, i + 1): eps[order[i]] for i in range(m - 1)}
    total = {(i, j): p[list(order[i:j])].sum(0) for i in range(m) for j in range(i + 1, m)}
    for length in range(2, m):
        for i in range(m - length):
            j = i + length
            terms = [
                cubic(current[i, k], total[i, k], current[k, j], total[k, j])
                for k in range(i + 1, j)
            ]
            terms += [
                quartic(current[i, k], current[k, q], current[q, j])
                for k, q in combinations(range(i + 1, j), 2)
            ]
            last = length == m - 1
            current[i, j] = sum(terms) / (1 if last else dot(total[i, j], total[i, j]))
    return dot(current[0, m - 1], eps[order[-1]])


def gell_mann() -> NDArray:
    """T^a = λ^a/2, `(8, 3, 3)`."""
    t = np.zeros((8, 3, 3), complex)
    for a, (i, j) in ((0, (0, 1)), (3, (0, 2)), (5, (1, 2))):
        t[a, i, j] = t[a, j, i] = 0.5
        t[a + 1, i, j], t[a + 1, j, i] = -0.5j, 0.5j
    t[2] = np.diag([0.5, -0.5, 0])
    t[7] = np.diag([1, 1, -2]) / (2 * math.sqrt(3))
    return t


def by_recursion(momenta: NDArray) -> dict[tuple[int, ...], float]:
    """|M|²/(average, n!), summed over colours, of the states of one point whose last gluon has
    helicity -1: those of the others follow by parity.
    """
    m = len(momenta)
    p = momenta * np.where(np.arange(m) < 2, -1.0, 1.0)[:, None]
    states = np.array(list(product((0, 1), repeat=m - 1)))  # the last leg's other state by parity
    states = np.column_stack((states, np.zeros(len(states), int)))
    eps = np.stack([polarisations(momenta[i])[states[:, i]] for i in range(m)])
    matrices = gell_mann()
    traces = matrices
    for _ in range(m - 2):
        traces = np.einsum("...ij,ajk->...aik", traces, matrices)
    trace = np.einsum("...ij,aji->...a", traces, matrices)
    amplitudes = np.stack([ordered(p, eps, (0, *o)) for o in permutations(range(1, m))])
    kept = np.abs(amplitudes).max(0) > 1e-10 * np.abs(amplitudes).max()
    colours = np.array(
        [np.vdot(trace, trace.transpose(np.argsort((0, *o)))) for o in permutations(range(1, m))]
    )
    # a chain of f is a sum of traces times 2, 4 in the square
    orders = list(permutations(range(1, m)))
    rank = {o: i for i, o in enumerate(orders)}
    total = np.zeros(kept.sum())
    for i, one in enumerate(orders):
        relative = [rank[tuple(1 + one.index(x) for x in other)] for other in orders]
        row = colours[relative] @ amplitudes[:, kept]
        total += (amplitudes[i, kept].conj() * row).real
    values = 4 * total * (4 * math.pi * ALPHA_S) ** (m - 2) / (256 * math.factorial(m - 2))
    # ε enters for a gluon that comes in, ε* for one that goes out
    flight = (1 - 2 * states[kept]) * np.where(np.arange(m) < 2, 1, -1)
    return {tuple(state): float(v) for state, v in zip(flight.tolist(), values, strict=True)}


def test_two_gluons_in_closed_form() -> None:
    momenta = points(2, 100)
    s, t, u = (invariants(momenta)[:, 0, i] * sign for i, sign in ((1, 1), (2, -1), (3, -1)))
    bracket = 3 - t * u / s**2 - s * u / t**2 - s * t / u**2
    # Combridge, Kripfganz, Ranft, Phys. Lett. B70 (1977) 234; ½ for identical gluons
    expected = 0.5 * (4 * math.pi * ALPHA_S) ** 2 * 9 / 2 * bracket
    assert torch.allclose(squared(momenta), expected, rtol=1e-11)


def test_three_gluons_in_closed_form() -> None:
    momenta = points(3, 100)
    s = invariants(momenta) * torch.tensor([-1.0, -1, 1, 1, 1])[:, None]
    s = s * torch.tensor([-1.0, -1, 1, 1, 1])
    one, two = torch.triu_indices(5, 5, 1)
    numerator = s[:, one, two].pow(4).sum(1)
    denominators = [
        1 / torch.stack([s[:, a, b] for a, b in zip(o, (*o[1:], 0), strict=True)]).prod(0)
        for o in cyclic_orders(5)
    ]
    # Parke and Taylor, Phys. Rev. Lett. 56 (1986) 2459: 2 g⁶ N³(N² - 1), exact in N for five gluons
    summed = 2 * (4 * math.pi * ALPHA_S) ** 3 * 27 * 8 * numerator * sum(denominators)
    assert torch.allclose(squared(momenta), summed.abs() / (256 * 6), rtol=1e-11)


@pytest.mark.parametrize("gluons", [2, 3, 4])
def test_recursion_in_the_trace_basis(gluons: int) -> None:
    momenta = points(gluons, 2, seed=11)
    for row, value in zip(momenta.numpy(), squared(momenta).tolist(), strict=True):
        # 2 from parity
        assert 2 * sum(by_recursion(row).values()) == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize("gluons", [2, 3, 4])
def test_every_helicity_state_by_recursion(gluons: int) -> None:
    """One point in each state: those that recursion finds, and no others, with their values."""
    amplitudes = GluonAmplitudes(gluons, sampled=True)
    momenta = points(gluons, 1, seed=12)
    count = len(amplitudes.helicities)
    found = amplitudes.of_helicity(
        momenta.expand(count, -1, -1),
        0,
        torch.full((count,), ALPHA_S, dtype=torch.float64),
        torch.arange(count),
    )
    half = by_recursion(momenta[0].numpy())
    images = {tuple(-h for h in state): value for state, value in half.items()}
    values = dict(zip(amplitudes.helicities, found.value.tolist(), strict=True))
    assert values == pytest.approx(half | images, rel=1e-9)


@pytest.mark.parametrize("gluons", [2, 3, 4])
def test_helicity_states_add_up(gluons: int) -> None:
    amplitudes = GluonAmplitudes(gluons, sampled=True)
    momenta = points(gluons, 3, seed=13)
    alpha_s = torch.full((3,), ALPHA_S, dtype=torch.float64)
    states = [
        amplitudes.of_helicity(momenta, 0, alpha_s, torch.full((3,), i), want=("colour",))
        for i in range(len(amplitudes.helicities))
    ]
    summed = amplitudes.squared(momenta, 0, alpha_s, want=("colour",))
    assert torch.allclose(sum(s.value for s in states), summed.value, rtol=1e-12)
    assert torch.allclose(sum(s.colour for s in states), summed.colour, rtol=1e-12)


@pytest.mark.parametrize("gluons", [2, 3, 4])
def test_all_gluons_are_alike(gluons: int) -> None:
    momenta = points(gluons, 20)
    value = squared(momenta)
    for order in permutations(range(2, gluons + 2)):
        assert torch.allclose(squared(momenta[:, [0, 1, *order]]), value, rtol=1e-11)
    assert torch.allclose(squared(momenta[:, [1, 0, *range(2, gluons + 2)]]), value, rtol=1e-11)


def test_soft_gluon() -> None:
    """|M_3|² → |M_2|² with eikonal factors along every order, exact in colour for five legs."""
    hard = points(2, 20, seed=3)
    soft = soft_gluon(hard, 1e-5)
    p = invariants(soft)
    pairs = list(combinations((0, 1, 2, 3), 2))
    s = {(a, b): p[:, a, b] for a, b in pairs}
    eikonal = {(a, b): s[a, b] / (p[:, a, 4] * p[:, b, 4]) for a, b in pairs}
    # ordered amplitudes of four gluons: |A|² ∝ 1/(s12 s23 s34 s41)
    weight = {o: 1 / math.prod(
        s[min(a, b), max(a, b)] for a, b in zip(o, (*o[1:], 0), strict=True)
    ) for o in cyclic_orders(4)}  # fmt: skip
    dressed = sum(
        w * sum(eikonal[min(a, b), max(a, b)] for a, b in zip(o, (*o[1:], 0), strict=True))
        for o, w in weight.items()
    )
    # g² 2N per gluon at leading colour, exact here; ½ for n! = 6 instead of 2 gives 1/3
    factor = 4 * math.pi * ALPHA_S * 2 * 3 * dressed / sum(weight.values())
    ratio = squared(soft) / (squared(hard) * factor / 3)
    assert torch.allclose(ratio, torch.ones(20, dtype=torch.float64), rtol=1e-4)


def soft_gluon(hard: torch.Tensor, share: float) -> torch.Tensor:
    """Adds a gluon of a share of the beams' energy along (1, 2, 2)/3; the beams' energy stays."""
    energy = share * hard[:, 0, 0]
    direction = torch.tensor([1.0, 1 / 3, 2 / 3, 2 / 3], dtype=torch.float64)
    k = energy[:, None] * direction
    # what is left, Q - k, is the hard system boosted and scaled
    total = hard[:, :2].sum(1)
    left = total - k
    mass = torch.sqrt(left[:, 0] ** 2 - left[:, 1:].square().sum(1))
    scaled = hard[:, 2:] * (mass / total[:, 0])[:, None, None]
    along = (scaled[..., 1:] * left[:, None, 1:]).sum(-1)
    e = (scaled[..., 0] * left[:, None, 0] + along) / mass[:, None]
    shift = ((scaled[..., 0] + e) / (left[:, 0] + mass)[:, None])[..., None] * left[:, None, 1:]
    boosted = torch.cat((e[..., None], scaled[..., 1:] + shift), -1)
    return torch.cat((hard[:, :2], boosted, k[:, None]), 1)


def test_collinear_gluons_factorise() -> None:
    """s_ij |M_4|² → 2 g² P(z)-averaged |M_3|²: after the azimuth, with P_gg (1/n! apart)."""
    hard = points(3, 8, seed=9)
    z, size = 0.3, 1e-4
    angles = torch.arange(16, dtype=torch.float64) * (2 * math.pi / 16)
    total = torch.zeros(8, dtype=torch.float64)
    for angle in angles.tolist():
        split = split_gluon(hard, z, size, angle)
        total += squared(split) * invariants(split)[:, 4, 5] / 16
    splitting = 2 * 3 * (z / (1 - z) + (1 - z) / z + z * (1 - z))
    expected = squared(hard) * 2 * 4 * math.pi * ALPHA_S * splitting * 6 / 24
    assert torch.allclose(total / expected, torch.ones(8, dtype=torch.float64), rtol=2e-3)


def split_gluon(hard: torch.Tensor, z: float, size: float, angle: float) -> torch.Tensor:
    """Splits the last gluon; gluon 2 takes the recoil so that momentum is conserved."""
    parent, other = hard[:, -1], hard[:, 2]
    # two vectors across parent and other
    n = torch.linalg.cross(parent[:, 1:], other[:, 1:])
    n = n / n.norm(dim=1, keepdim=True)
    pair = 2 * (parent[:, 0] * other[:, 0] - (parent[:, 1:] * other[:, 1:]).sum(1))
    first = torch.cat((torch.zeros_like(n[:, :1]), n), 1)
    # the second, by the totally antisymmetric tensor: orthogonal to parent, other and first
    rows = torch.stack((parent, other, first), 1)
    columns = [
        (-1) ** i * torch.linalg.det(rows[:, :, [j for j in range(4) if j != i]]) for i in range(4)
    ]
    second = torch.stack(columns, 1) * torch.tensor([1.0, -1, -1, -1], dtype=torch.float64)
    norm = torch.sqrt(-(second[:, 0] ** 2 - second[:, 1:].square().sum(1)))
    second = second / norm[:, None]
    across = (math.cos(angle) * first + math.sin(angle) * second) * size * 1000.0
    kt2 = (size * 1000.0) ** 2
    y = kt2 / (z * (1 - z) * pair)
    one = z * parent + across + (kt2 / (z * pair))[:, None] * other
    two = (1 - z) * parent - across + (kt2 / ((1 - z) * pair))[:, None] * other
    recoil = (1 - y)[:, None] * other
    return torch.cat((hard[:, :2], recoil[:, None], hard[:, 3:-1], one[:, None], two[:, None]), 1)


def test_structure_constants_are_those_of_gell_mann() -> None:
    t = gell_mann()
    commutator = np.einsum("aij,bjk->abik", t, t)
    commutator = commutator - commutator.transpose(1, 0, 2, 3)
    found = -2j * np.einsum("abij,cji->abc", commutator, t)
    assert np.allclose(found, structure_constants(), atol=1e-14)


@pytest.mark.parametrize("gluons", [2, 3, 4])
def test_flow_weights_add_up_to_leading_colour(gluons: int) -> None:
    """Σ over flows of N^m/2^m... |A|² is |M|² at leading colour: close, and exact for n <= 3."""
    momenta = points(gluons, 50)
    alpha_s = torch.full((len(momenta),), ALPHA_S, dtype=torch.float64)
    result = GluonAmplitudes(gluons).squared(momenta, 0, alpha_s, want=("colour",))
    assert result.colour is not None
    assert (result.colour > 0).all()
    # g^(2n) 2^n N^n (N² - 1) Σ |A|², ½ of it for the traces counted in both directions
    factor = (8 * math.pi * ALPHA_S * 3) ** gluons * 8 / (256 * math.factorial(gluons))
    ratio = result.colour.sum(1) * factor / result.value
    if gluons < 4:
        assert torch.allclose(ratio, ratio[0].expand(50), rtol=1e-11)
    assert (ratio - ratio.mean()).abs().max() < 0.1 * ratio.mean()
