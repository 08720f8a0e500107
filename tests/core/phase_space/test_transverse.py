"""Channels of transverse momenta and rapidities, alone and beside those of propagators."""

from __future__ import annotations

import math

import pytest
import torch

from crosshook.core import kinematics
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.process import BeamSetup, PhaseSpace
from crosshook.core.phase_space.described import DescribedSpace
from crosshook.core.phase_space.diagram import Line
from crosshook.core.phase_space.rapidity_gap import RapidityGap
from crosshook.core.process.cuts import Cuts

MASSES = (0.0, 0.0, 0.0, 4.7)
PDG = (11, -12, 21, 5)
CUTS = {"jet_pt_min": 30.0, "jet_delta_r_min": 0.4, "mll_min": 60.0, "m_max": 1000.0}
W = Line(frozenset({2, 3}), 80.4, 2.1)
JETS = Line(frozenset({4, 5}))
CHANNELS = {
    "three": (W,),
    "ladder": (W, Line(frozenset({0, 4})), Line(frozenset({1, 5}))),
    "two": (W, JETS),
    "nested": (W, Line(frozenset({2, 3, 4}))),
    "all": (),
}
ACROSS = frozenset({"three", "two", "nested", "all"})
HADRONS = BeamSetup(13000.0, (2212, 2212), True)


def built(*names: str) -> PhaseSpace:
    chosen = {name: CHANNELS[name] for name in names}
    return DescribedSpace(MASSES, 2, chosen, 2.0, PDG, ACROSS & set(names)).build(HADRONS, CUTS)


def points(space: PhaseSpace, n: int, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(n, space.n_dim, generator=generator, dtype=torch.float64)
    return u, torch.arange(n) % len(space.channels)


@pytest.fixture(scope="module")
def space() -> PhaseSpace:
    """All channels at once, those of both kinds mixed."""
    return built(*CHANNELS)


def test_momenta_balance_on_their_shells_within_the_beams(space: PhaseSpace) -> None:
    assert space.channels == tuple(CHANNELS)
    point = space.forward(*points(space, 4000))
    open_ = point.log_jacobian > -torch.inf
    assert 0.5 < float(open_.double().mean()) <= 1
    assert torch.isfinite(point.momenta).all()
    p, x1, x2 = point.momenta[open_], point.x1[open_], point.x2[open_]
    scale = p[:, :2, 0].sum(1)
    balance = p[:, :2].sum(1) - p[:, 2:].sum(1)
    assert (balance.abs() <= 1e-11 * scale[:, None]).all()
    off = kinematics.mass_squared(p[:, 2:]) - torch.tensor(MASSES, dtype=torch.float64).square()
    assert (off.abs() <= 1e-11 * scale[:, None] ** 2).all()
    assert torch.allclose(p[:, 0, 0], 6500 * x1, rtol=1e-12)
    assert ((x1 < 1) & (x2 < 1)).all()


def test_parts_that_are_drawn_pass_their_cuts_on_pt(space: PhaseSpace) -> None:
    u, _ = points(space, 2000)
    final = space.forward(u, torch.zeros(2000, dtype=torch.int64)).momenta[:, 2:]
    assert (kinematics.pt(final[:, 2:]) >= 30 * (1 - 1e-9)).all()


def test_inverse_undoes_forward(space: PhaseSpace) -> None:
    u, channel = points(space, 4000)
    point = space.forward(u, channel)
    open_ = point.log_jacobian > -torch.inf
    back = space.inverse(point.momenta[open_], channel[open_])
    away = (back - u[open_]).abs()
    away = torch.minimum(away, 1 - away)
    assert away.max() < 1e-5
    assert away.median() < 1e-12


def test_densities_are_those_of_the_same_point_in_other_channels(space: PhaseSpace) -> None:
    u, channel = points(space, 500)
    point = space.forward(u, channel)
    open_ = point.log_jacobian > -torch.inf
    momenta, densities = point.momenta[open_], point.log_densities[open_]
    for index in range(len(space.channels)):
        reached = densities[:, index] > -torch.inf
        assert reached.sum() > 50
        other = torch.full((int(reached.sum()),), index)
        u_there = space.inverse(momenta[reached], other)
        assert ((u_there > -1e-9) & (u_there < 1 + 1e-9)).all()
        again = space.forward(u_there.clamp(0, 1), other)
        assert torch.allclose(again.log_jacobian, -densities[reached, index], atol=1e-6, rtol=0)


def test_every_channel_gives_the_same_integrals() -> None:
    """Of a function that falls like a cross section, each channel alone, in pairs within 4.5σ.

    The channels share a measure only if each has the right density. Ten differences are compared,
    which chance takes beyond 4.5σ once in 15,000 runs.
    """
    found = {}
    n = 20_000
    cuts = Cuts({**CUTS, "where": "pt[2] < 200 and m[2,3] > 20"}, PDG)
    for number, name in enumerate(CHANNELS):
        space = built(name)
        point = space.forward(points(space, n, 20 + number)[0], torch.zeros(n, dtype=torch.int64))
        final = point.momenta[:, 2:]
        inside = cuts(final) & (point.log_jacobian > -torch.inf)
        resonance = (kinematics.mass_squared(final[:, :2].sum(1)) - 80.4**2) ** 2 + 170.0**2
        fall = kinematics.pt(final[:, 2]) * kinematics.pt(final[:, 3])
        ends = ((1 - point.x1) * (1 - point.x2)) ** 4 / (point.x1 * point.x2) ** 1.5
        log_value = torch.log(ends / resonance) - 2 * torch.log(fall) + point.log_jacobian
        value = torch.where(inside, torch.exp(log_value), torch.zeros_like(log_value))
        found[name] = (float(value.mean()), float(value.std()) / math.sqrt(n))
    names = list(found)
    assert min(value for value, _ in found.values()) > 0
    for i, one in enumerate(names):
        for two in names[i + 1 :]:
            (a, da), (b, db) = found[one], found[two]
            assert abs(a - b) < 4.5 * math.hypot(da, db), (one, two, found)


def test_gradients_are_finite_differences(space: PhaseSpace) -> None:
    u, channel = points(space, 100)
    u = (0.1 + 0.8 * u).requires_grad_()
    generator = torch.Generator().manual_seed(4)
    along = torch.randn(u.shape, generator=generator, dtype=torch.float64)
    step = 1e-5

    def figures(v: torch.Tensor) -> torch.Tensor:
        point = space.forward(v, channel)
        return torch.cat((point.momenta.flatten(1) / 500, point.log_jacobian[:, None]), 1)

    with torch.no_grad():
        expected = (figures(u + step * along) - figures(u - step * along)) / (2 * step)
    found = torch.stack(
        [
            (torch.autograd.grad(column.sum(), u, retain_graph=True)[0] * along).sum(1)
            for column in figures(u).unbind(1)
        ],
        1,
    )
    inside = torch.isfinite(expected).all(1)
    assert inside.sum() > 60
    allowed = 1e-5 * (1 + expected[inside].abs().amax(1, keepdim=True))
    assert ((found - expected)[inside].abs() <= allowed).all()


def test_the_gap_of_rapidities() -> None:
    gap = RapidityGap(2.0, 9.0)
    u = torch.linspace(0, 1, 1001, dtype=torch.float64).requires_grad_()
    delta = gap.forward(u)
    assert torch.allclose(delta[[0, -1]], torch.tensor([-9.0, 9.0], dtype=torch.float64))
    (slope,) = torch.autograd.grad(delta.sum(), u)
    assert torch.allclose(torch.log(slope), -gap.log_density(delta), atol=1e-9)
    assert torch.allclose(gap.inverse(delta), u, atol=1e-12)


def test_parts_far_apart_are_reached() -> None:
    """A boson and a jet at opposite ends, from the map of propagators near the largest ŝ."""
    lines = {"t": (W, Line(frozenset({0, 4}))), "y": (W,)}
    described = DescribedSpace((0.0, 0.0, 0.0), 2, lines, 2.0, (11, -12, 21), frozenset({"y"}))
    space = described.build(HADRONS, {"jet_pt_min": 30.0, "mll_min": 60.0})
    u, _ = points(space, 20_000)
    u[:, 0] = 1 - 1e-5 * u[:, 0]
    point = space.forward(u, torch.zeros(20_000, dtype=torch.int64))
    boson, jet = point.momenta[:, 2:4].sum(1), point.momenta[:, 4]
    gap = (kinematics.rapidity(boson) - kinematics.rapidity(jet)).abs()
    far = (gap > 10) & (kinematics.pt(jet) > 30)
    assert far.sum() > 5
    assert torch.isfinite(point.log_densities[far]).all()


@pytest.mark.parametrize(
    ("beams", "lines", "message"),
    [
        (BeamSetup(500.0, (11, -11), False), (W,), "out of hadrons only; use propagators"),
        (HADRONS, (W, Line(frozenset({0, 4}))), "is exchanged with a beam"),
        (HADRONS, (W, Line(frozenset({2, 3, 4, 5}))), "leaves nothing that it could recoil"),
    ],
)
def test_refused(beams: BeamSetup, lines: tuple[Line, ...], message: str) -> None:
    described = DescribedSpace(MASSES, 2, {"t": lines}, 2.0, PDG, frozenset({"t"}))
    with pytest.raises(ConfigurationError) as caught:
        described.build(beams, CUTS)
    assert message in str(caught.value)
