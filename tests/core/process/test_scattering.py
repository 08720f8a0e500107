"""The composed integrand: against its formula written out, closed forms, and broken parts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.adapters.lhapdf import LhapdfGrid
from crosshook.core.conventions import PICOBARN_GEV2
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.matrix_element import SquaredAmplitude
from crosshook.core.interfaces.process import PhaseSpacePoint

ENERGY, LOWEST = 1000.0, 100.0


def test_value_is_the_formula(compose: Any, cube: Any) -> None:
    """(ħc)² / (2 x1 x2 S) Σ f f |M|² · |∂x/∂u|, from x1, x2, cosθ and the toy's definitions."""
    process = compose()
    u, channel = cube(200, 4, 2)
    found = process.evaluate_points(u, channel)
    assert found.rows.tolist() == list(range(200))
    space = process.phase_space.forward(u, channel)
    x1, x2 = space.x1.numpy(), space.x2.numpy()
    shat = x1 * x2 * ENERGY**2
    mu = np.sqrt(shat)
    alpha = 10 / mu
    # (1 + cosθ)/2 = p2·p3 / p1·p2, here from light-cone components of leg 3.
    leg = space.momenta[:, 2].numpy()
    ahead = (leg[:, 0] + leg[:, 3]) / (x1 * ENERGY)
    gluon1, gluon2 = (1 - x1) * mu / 100, (1 - x2) * mu / 100
    gluons = 2 * alpha**2 * gluon1 * gluon2
    quarks = alpha * 0.5 * (1 + 3 * ahead)
    mirrored = alpha * 0.5 * (1 + 3 * (1 - ahead))
    common = PICOBARN_GEV2 / (2 * shat) * np.exp(space.log_jacobian.numpy())
    evaluation = found.evaluation
    np.testing.assert_allclose(
        evaluation.value.numpy(), common * (gluons + quarks + mirrored), rtol=1e-10
    )
    assert process.process_ids == (5, 3)
    assert evaluation.parts is not None
    np.testing.assert_allclose(
        evaluation.parts.numpy(),
        common[:, None] * np.stack([gluons, quarks + mirrored], 1),
        rtol=1e-10,
    )
    np.testing.assert_allclose(
        found.points.parts.numpy(),
        (common / np.exp(space.log_jacobian.numpy()))[:, None]
        * np.stack([gluons, quarks, mirrored], 1),
        rtol=1e-10,
    )
    np.testing.assert_allclose(found.points.mu_r.numpy(), mu, rtol=1e-12)
    np.testing.assert_allclose(found.points.alpha_s.numpy(), alpha, rtol=1e-12)


def test_prior_is_the_share_of_each_density(compose: Any, cube: Any) -> None:
    process = compose()
    u, channel = cube(100, 4, 2)
    density = torch.exp(process.phase_space.forward(u, channel).log_densities)
    prior = process.evaluate(u, channel).log_prior.exp()
    torch.testing.assert_close(prior, density / density.sum(1, keepdim=True), rtol=1e-12, atol=0)


@dataclass
class Constant:
    """|M|² = 1 for one subprocess."""

    subprocesses: tuple[Any, ...]
    masses: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    alpha_qed: float = -1.0

    def __post_init__(self) -> None:
        self.parameters: dict[str, float] = {}

    def squared(
        self, momenta: torch.Tensor, subprocess: int, alpha_s: torch.Tensor, *more: object,
        **named: object,
    ) -> SquaredAmplitude:  # fmt: skip
        return SquaredAmplitude(torch.ones_like(alpha_s))


def test_fixed_beams_constant_amplitude(compose: Any, toy: Any, cube: Any) -> None:
    """σ = (ħc)² |M|² / (2s) · 1/(8π); flat in cosθ every point of the flat channel has it."""
    sub = replace(toy.gluons, pdg=(11, -11, 13, -13), colour_flows=(((0, 0),) * 4,))
    process = compose(toy.process(amplitudes=Constant((sub,)), fixed=True))
    u, _ = cube(50, 2, 2)
    value = process.evaluate(u, torch.zeros(50, dtype=torch.int64)).value
    expected = PICOBARN_GEV2 / (2 * ENERGY**2) / (8 * math.pi)
    torch.testing.assert_close(value, torch.full_like(value, expected), rtol=1e-12, atol=0)


def test_hadronic_constant_amplitude(compose: Any, toy: Any) -> None:
    """f = 1 and |M|² = 1: σ = (ħc)²/(16π S) · L²/2 with L = log(S/ŝ_min), by Gauss-Legendre.

    The integrand depends on ŝ alone, smoothly: 40 nodes are exact to rounding.
    """
    sub = replace(toy.quarks, pdg=(2, 2, 11, -11), mirror=False)
    process = compose(toy.process(amplitudes=Constant((sub,))))
    nodes, weights = np.polynomial.legendre.leggauss(40)
    u = torch.full((40, 4), 0.5, dtype=torch.float64)
    u[:, 0] = torch.from_numpy((nodes + 1) / 2)
    value = process.evaluate(u, torch.zeros(40, dtype=torch.int64)).value.numpy()
    log = math.log(ENERGY**2 / LOWEST**2)
    expected = PICOBARN_GEV2 / (16 * math.pi * ENERGY**2) * log**2 / 2
    assert float((value * weights).sum() / 2) == pytest.approx(expected, rel=1e-12)


def test_mirrored_subprocess_gives_half_each_way(compose: Any, toy: Any, cube: Any) -> None:
    """With equal u and ū densities the two beams are alike: parts swap with the beams."""
    process = compose(density=toy.density(ubar=1.0))
    u, channel = cube(100, 4, 2)
    swapped = u.clone()
    swapped[:, 1] = 1 - u[:, 1]
    swapped[:, 2] = 1 - u[:, 2]
    here = process.evaluate_points(u, channel).points.parts
    there = process.evaluate_points(swapped, channel).points.parts
    torch.testing.assert_close(here[:, [0, 2, 1]], there, rtol=1e-10, atol=0)


def test_cut_points_are_zero_and_harmless(compose: Any, cube: Any) -> None:
    u, channel = cube(500, 4, 2)
    free = compose().evaluate_points(u, channel)
    cut = compose(cuts={"pt_min": 80.0}).evaluate_points(u, channel)
    kept = torch.zeros(500, dtype=torch.bool)
    kept[cut.rows] = True
    assert 0 < int(kept.sum()) < 500
    pt = torch.hypot(free.points.momenta[:, 2, 1], free.points.momenta[:, 2, 2])
    assert torch.equal(kept, pt >= 80.0)
    assert torch.equal(cut.evaluation.value[kept], free.evaluation.value[kept])
    assert (cut.evaluation.value[~kept] == 0).all()
    total = torch.logsumexp(cut.evaluation.log_prior, 1)
    torch.testing.assert_close(total, torch.zeros(500, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("cuts", [{}, {"m_min": 999.999999}])
def test_no_points_and_no_point_left(compose: Any, cube: Any, cuts: dict[str, float]) -> None:
    u, channel = cube(0 if not cuts else 20, 4, 2)
    found = compose(cuts=cuts).evaluate_points(u, channel)
    assert found.evaluation.value.shape == (u.shape[0],)
    assert found.rows.numel() == 0
    assert (found.evaluation.value == 0).all()


class BrokenSpace:
    """A phase space of which some points are not numbers."""

    n_dim = 2
    n_incoming = 2
    channels = ("only",)

    def forward(self, u: torch.Tensor, channel: torch.Tensor) -> PhaseSpacePoint:
        legs = [[50.0, 0, 0, 50], [50, 0, 0, -50], [50, 50, 0, 0], [50, -50, 0, 0]]
        momenta = torch.tensor([legs] * 5, dtype=torch.float64)
        one = torch.ones(5, dtype=torch.float64)
        log_jacobian = torch.tensor([0.0, -math.inf, math.inf, math.nan, 0.0], dtype=one.dtype)
        momenta[4, 2, 0] = math.nan
        return PhaseSpacePoint(momenta, one, one, log_jacobian, -log_jacobian[:, None])


def test_only_minus_infinity_is_outside(compose: Any, toy: Any, cube: Any) -> None:
    """NaN and +inf from a phase space reach the value, where they are counted, even under cuts."""
    process = compose(toy.process(space=BrokenSpace()), cuts={"pt_min": 10.0})
    value = process.evaluate(*cube(5, 2, 1)).value
    assert value[0] > 0
    assert value[1] == 0
    assert value[2] == math.inf
    assert not torch.isfinite(value[2:]).any()


def test_densities_are_not_asked_about_points_without_numbers(compose: Any, cube: Any) -> None:
    """Grids refuse NaN: one such point must be counted, not end the run, and spoil no other."""
    process = compose(density=LhapdfGrid.load("ToyLH_LO"))
    u, channel = cube(50, 4, 2)
    good = process.evaluate_points(u, channel)
    for column in range(4):
        spoilt = u.clone()
        spoilt[7, column] = math.nan
        found = process.evaluate_points(spoilt, channel)
        assert torch.nonzero(found.evaluation.value.isnan()).tolist() == [[7]]
        rest = torch.arange(50) != 7
        assert torch.equal(found.evaluation.value[rest], good.evaluation.value[rest])
        assert torch.equal(found.evaluation.parts[rest], good.evaluation.parts[rest])
        assert found.evaluation.parts[7].isnan().all()
    nothing = process.evaluate_points(torch.full_like(u, math.nan), channel)
    assert nothing.evaluation.value.isnan().all()


class Decay:
    """M = 100 GeV at rest into two massless legs along x; one point, Jacobian 1/(8π)."""

    n_dim = 2
    n_incoming = 1
    channels = ("only",)

    def forward(self, u: torch.Tensor, channel: torch.Tensor) -> PhaseSpacePoint:
        legs = [[100.0, 0, 0, 0], [50, 50, 0, 0], [50, -50, 0, 0]]
        momenta = torch.tensor([legs] * len(u), dtype=torch.float64)
        one = torch.ones(len(u), dtype=torch.float64)
        log_jacobian = torch.full_like(one, -math.log(8 * math.pi))
        return PhaseSpacePoint(momenta, one, one, log_jacobian, -log_jacobian[:, None])


def test_a_decay_has_its_width_in_gev(compose: Any, toy: Any, cube: Any) -> None:
    """Γ = |M|² / (2M) · 1/(8π)."""
    sub = replace(toy.gluons, pdg=(25, 11, -11), colour_flows=(((0, 0),) * 3,))
    amplitudes = Constant((sub,), (100.0, 0.0, 0.0))
    process = compose(toy.process(amplitudes=amplitudes, space=Decay()), beams=(25, 0))
    value = process.evaluate(*cube(3, 2, 1)).value
    assert value.tolist() == pytest.approx([1 / (2 * 100 * 8 * math.pi)] * 3, rel=1e-12)


def test_a_decay_has_no_second_beam(compose: Any, toy: Any) -> None:
    sub = replace(toy.gluons, pdg=(25, 11, -11), colour_flows=(((0, 0),) * 3,))
    amplitudes = Constant((sub,), (100.0, 0.0, 0.0))
    with pytest.raises(ConfigurationError, match=r"\[25, 11\].*is a decay of \[25, 0\]"):
        compose(toy.process(amplitudes=amplitudes, space=Decay()), beams=(25, 11))


def test_fixed_beams_must_be_what_the_process_collides(compose: Any, toy: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compose(toy.process(fixed=True), beams=(11, -11))
    assert str(caught.value) == (
        "beams.particles: [11, -11] without parton densities; the process collides [21, 21]"
    )


def test_nothing_lands_on_the_default_device(compose: Any, cube: Any) -> None:
    """A tensor made without a device would land on `meta` here and fail against the others."""
    process = compose(cuts={"pt_min": 80.0, "where": "pt[0] > 3"}, scales=("ht/2", 91.2))
    u, channel = cube(50, 4, 2)
    before = process.evaluate(u, channel).value
    torch.set_default_device("meta")
    try:
        again = compose(cuts={"pt_min": 80.0, "where": "pt[0] > 3"}, scales=("ht/2", 91.2))
        found = again.evaluate_points(u, channel)
    finally:
        torch.set_default_device(None)
    assert found.evaluation.value.device.type == "cpu"
    assert torch.equal(found.evaluation.value, before)
