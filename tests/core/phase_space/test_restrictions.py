"""What cuts leave of phase space is never less than what passes them."""

from __future__ import annotations

import math

import torch

from crosshook.core import kinematics
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.phase_space.described import DescribedSpace
from crosshook.core.phase_space.diagram import Line
from crosshook.core.phase_space.massive_rambo import MassiveRambo
from crosshook.core.phase_space.restrictions import Restrictions
from crosshook.core.process.cuts import Cuts

PDG = (11, -12, 21, 4)
CUTS = {"jet_pt_min": 30.0, "jet_delta_r_min": 0.4, "mll_min": 5.0, "pt_min": 1.0}


def events(n: int, energy: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(8)
    u = torch.rand(n, 8, generator=generator, dtype=torch.float64)
    # small invariants are rare in flat phase space: one or the other pair is drawn close
    u[: n // 2, 0] **= 4
    s = torch.full((n,), energy**2, dtype=torch.float64)
    return MassiveRambo((0.0,) * 4).forward(u, s)[0]


def test_bounds_hold_for_all_that_passes() -> None:
    limits = Restrictions((0.0,) * 4, CUTS, PDG)
    final = torch.cat([events(60_000, energy) for energy in (75.0, 100.0, 300.0)])
    final = final[Cuts(CUTS, PDG)(final)]
    assert len(final) > 1000
    low, _ = limits.invariant(13000.0)
    assert low == 65.0
    for legs in ((0, 1), (2, 3), (0, 2)):
        mass = kinematics.mass(final[:, legs].sum(1))
        bound = limits.smallest_mass(frozenset(legs))
        assert float(mass.min()) >= bound


def test_the_bound_of_two_jets_is_reached() -> None:
    one, two = ([30.0, 30 * math.cos(phi), 30 * math.sin(phi), 0.0] for phi in (0.0, 0.4))
    pair = torch.tensor([one, two], dtype=torch.float64).sum(0)
    bound = Restrictions((0.0,) * 4, CUTS, PDG).smallest_mass(frozenset({2, 3}))
    assert math.isclose(float(kinematics.mass(pair)), bound, rel_tol=1e-12)


def test_scale_is_that_of_the_jets() -> None:
    assert Restrictions((0.0,) * 4, CUTS, PDG).scale == 30.0
    assert Restrictions((0.0,) * 4, CUTS).scale == 1.0
    assert Restrictions((0.0,) * 4, {}).scale == 1.0


def test_maps_begin_at_the_bounds() -> None:
    lines = (Line(frozenset({2, 3}), 80.4, 2.1), Line(frozenset({4, 5})))
    space = DescribedSpace((0.0,) * 4, 2, {"s": lines}, 2.0, PDG).build(
        BeamSetup(13000.0, (2212, 2212), True), CUTS
    )
    generator = torch.Generator().manual_seed(9)
    u = torch.rand(4000, space.n_dim, generator=generator, dtype=torch.float64)
    point = space.forward(u, torch.zeros(4000, dtype=torch.int64))
    final = point.momenta[:, 2:]
    limits = Restrictions((0.0,) * 4, CUTS, PDG)
    for legs in ((0, 1), (2, 3)):
        bound = limits.smallest_mass(frozenset(legs))
        mass = kinematics.mass(final[:, legs].sum(1))
        assert bound * (1 - 1e-6) <= float(mass.min())
    assert torch.allclose(space.inverse(point.momenta, torch.zeros(4000).long()), u, atol=1e-6)
