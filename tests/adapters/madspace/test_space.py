"""madspace's maps against crosshook's own: the same integrals, and honest where they stop."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.adapters.madspace.space import MadspaceSpace, madspace_space
from crosshook.adapters.madspace.topology import Vertices
from crosshook.core import kinematics
from crosshook.core.config import resolve
from crosshook.core.errors import ConfigurationError, IntegrandError
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.phase_space.described import DescribedSpace
from crosshook.core.phase_space.diagram import Line
from crosshook.core.phase_space.restrictions import Restrictions
from crosshook.core.process.cuts import Cuts
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import build_process

if TYPE_CHECKING:
    from crosshook.core.interfaces.process import PhaseSpace

HADRONS, LEPTONS = BeamSetup(13000.0, (2212, 2212), True), BeamSetup(500.0, (11, -11), False)
Z, JET = Line(frozenset({2, 3}), 91.19, 2.5), Line(frozenset({0, 4}))
CUTS = {"jet_pt_min": 30.0, "mll_min": 60.0, "m_max": 1000.0}


def z_jet() -> DescribedSpace:
    lines = {"t": (Z, JET), "u": (Z, Line(frozenset({1, 4}))), "s": (Z,)}
    return DescribedSpace((0.0, 0.0, 0.0), 2, lines, 2.0, (11, -11, 21))


def four_bodies() -> DescribedSpace:
    pairs = (Z, Line(frozenset({4, 5})), Line(frozenset({0, 2, 3})))
    ladder = (Z, JET, Line(frozenset({0, 2, 3, 4})))
    lines = {"pairs": pairs, "ladder": ladder}
    return DescribedSpace((0.0, 0.0, 4.7, 4.7), 2, lines, 2.0, (11, -11, 21, 21))


def integral(space: PhaseSpace, cuts: Cuts, n: int) -> tuple[float, float]:
    """Of Π 1/p_T² near the Z, weighed with the densities of all channels."""
    k = len(space.channels)
    u = torch.rand(n, space.n_dim, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    point = space.forward(u, torch.arange(n) % k)
    open_ = point.log_jacobian > -torch.inf
    momenta = point.momenta[open_]
    final = momenta[:, 2:]
    s = kinematics.mass_squared(final[:, :2].sum(1))
    value = 1 / ((s - 91.19**2) ** 2 + (91.19 * 2.5) ** 2)
    for leg in range(2, final.shape[1]):
        value = value / (kinematics.pt(final[:, leg]) ** 2 + 100)
    ends = (1 - point.x1[open_]) * (1 - point.x2[open_])
    value = value * (0.1 + ends) ** 4 * cuts(final)
    weight = k * torch.exp(torch.log(value) - torch.logsumexp(point.log_densities[open_], 1))
    weights = torch.zeros(n, dtype=torch.float64)
    weights[open_] = weight
    return float(weights.mean()), float(weights.std()) / math.sqrt(n)


@pytest.mark.parametrize("beams", [HADRONS, LEPTONS], ids=["hadrons", "leptons"])
@pytest.mark.parametrize("described", [z_jet(), four_bodies()], ids=["2to3", "2to4"])
def test_integrals_are_those_of_our_own_maps(described: DescribedSpace, beams: BeamSetup) -> None:
    """Within 4.5σ, which chance exceeds once in 40,000 runs of these four."""
    pytest.importorskip("madspace", reason="the madspace backend needs madspace")
    cuts = Cuts(CUTS, described.pdg)
    a, da = integral(described.build(beams, CUTS), cuts, 120_000)
    b, db = integral(madspace_space(described, beams, CUTS), cuts, 120_000)
    assert max(da / a, db / b) < 0.05
    assert abs(a - b) < 4.5 * math.hypot(da, db)


@pytest.mark.parametrize("beams", [HADRONS, LEPTONS], ids=["hadrons", "leptons"])
def test_inverse_and_densities(beams: BeamSetup) -> None:
    pytest.importorskip("madspace", reason="the madspace backend needs madspace")
    space = madspace_space(four_bodies(), beams, CUTS)
    u = torch.rand(2000, space.n_dim, generator=torch.Generator().manual_seed(7)).double()
    channel = torch.arange(2000) % 2
    point = space.forward(u, channel)
    open_ = point.log_jacobian > -torch.inf
    assert open_.double().mean() > 0.5
    assert torch.isfinite(point.momenta).all()
    momenta = point.momenta[open_]
    balance = momenta[:, :2].sum(1) - momenta[:, 2:].sum(1)
    assert (balance.abs() < 1e-7 * momenta[:, :2, 0].sum(1)[:, None]).all()
    away = (space.inverse(momenta, channel[open_]) - u[open_]).abs()
    assert torch.minimum(away, 1 - away).median() < 1e-6
    own = point.log_densities.gather(1, channel[:, None])[:, 0]
    assert torch.equal(own[open_], -point.log_jacobian[open_])
    other = 1 - channel[open_]
    reached = point.log_densities[open_].gather(1, other[:, None])[:, 0]
    there = space.forward(space.inverse(momenta, other).clamp(0, 1), other)
    both = (reached > -torch.inf) & (there.log_jacobian > -torch.inf)
    assert both.double().mean() > 0.5
    assert (there.log_jacobian + reached)[both].abs().median() < 1e-6


def test_run_files_choose_it() -> None:
    pytest.importorskip("madspace", reason="the madspace backend needs madspace")
    function = Path(__file__).parents[3] / "examples" / "photon_mumu.py"
    options = {
        "subprocesses": [{"function": f"{function}:squared", "pdg": [-11, 11, -13, 13]}],
        "phase_space": "madspace",
    }
    document = {"process": {"python-amplitude": options}, "beams": {"energy": 10.0}}
    registry = default_registry()
    process = build_process(resolve(document, "run.yaml", registry), registry)
    assert isinstance(process.phase_space, MadspaceSpace)


def test_gradients_are_refused() -> None:
    pytest.importorskip("madspace", reason="the madspace backend needs madspace")
    space = madspace_space(z_jet(), LEPTONS, {})
    u = torch.full((3, space.n_dim), 0.3, dtype=torch.float64, requires_grad=True)
    with pytest.raises(IntegrandError, match="carry no gradients"):
        space.forward(u, torch.zeros(3, dtype=torch.int64))
    with torch.no_grad():
        assert space.forward(u, torch.zeros(3, dtype=torch.int64)).momenta.shape == (3, 5, 4)


def test_without_madspace_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "madspace", None)
    with pytest.raises(ConfigurationError, match=r"crosshook\[madspace\]"):
        madspace_space(z_jet(), HADRONS, CUTS)


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (DescribedSpace((0.0,) * 3, 1, {}), "decays take crosshook"),
        (DescribedSpace((0.0,) * 3, 2, {"t": (Z,)}, 2.0, (), frozenset({"t"})), "transverse is"),
    ],
)
def test_refused(described: DescribedSpace, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "madspace", sys.modules[__name__])
    with pytest.raises(ConfigurationError, match=message):
        madspace_space(described, HADRONS, CUTS)


def test_vertices_of_a_ladder_and_of_nested_pairs() -> None:
    limits = Restrictions((0.0,) * 4, {})
    ladder = Vertices((Z, JET, Line(frozenset({0, 2, 3, 4}))), limits, "here")
    assert ladder.lines == [(0.0, 0.0), (0.0, 0.0), (91.19, 2.5)]
    assert sorted(ladder.found) == [
        ["i0", "o2", "p0"],
        ["p0", "p2", "p1"],
        ["p1", "o3", "i1"],
        ["p2", "o0", "o1"],
    ]
    nested = Vertices((Z, Line(frozenset({2, 3, 4}))), limits, "here")
    assert sorted(nested.found) == [
        ["i0", "i1", "p0"],
        ["p0", "p1", "o3"],
        ["p1", "p2", "o2"],
        ["p2", "o0", "o1"],
    ]
