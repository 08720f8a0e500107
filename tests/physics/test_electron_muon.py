"""e+e- -> μ+μ- against its closed form, with and without cuts that bite."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.physics.conftest import Finished

pytestmark = pytest.mark.physics

ALPHA, SIN2, MASS, WIDTH = 1 / 132.507, 0.222246486, 91.188, 2.441404
PICOBARN = 0.3893793721e9
SIGMAS = 3.0


def coefficients(energy: float) -> tuple[float, float]:
    """A and B of dσ/dcosθ = A (1 + cosθ)² + B (1 - cosθ)², in pb."""
    s = energy**2
    left, right = (SIN2 - 0.5), SIN2
    propagator = 1 / (SIN2 * (1 - SIN2)) / (s - MASS**2 + 1j * MASS * WIDTH)

    def chirality(a: float, b: float) -> float:
        return abs(1 / s + a * b * propagator) ** 2

    common = (4 * math.pi * ALPHA) ** 2 * s / 4 * PICOBARN / (32 * math.pi)
    like = chirality(left, left) + chirality(right, right)
    return common * like, common * 2 * chirality(left, right)


def cross_section(energy: float, low: float, high: float) -> float:
    """σ in pb for cosθ between two limits."""
    a, b = coefficients(energy)

    def primitive(x: float) -> float:
        return (a * (1 + x) ** 3 - b * (1 - x) ** 3) / 3

    return primitive(high) - primitive(low)


@pytest.mark.parametrize("energy", [60.0, 91.188, 200.0, 1000.0])
def test_total(runner: Callable[..., Finished], energy: float) -> None:
    """All angles, below, at and above the Z."""
    run = runner(
        "ee-mumu",
        "run",
        f"beams.energy={energy}",
        "cuts={pt_min: 0, eta_max: 1000}",
        "integrate.evaluations=200000",
        "generate=null",
    )
    found = run.result.integration
    assert found.error < 5e-4 * found.cross_section
    expected = cross_section(energy, -1.0, 1.0)
    assert abs(found.cross_section - expected) < SIGMAS * found.error


def test_reference_cuts(electron_muon: Finished) -> None:
    """|η| < 2.5 and p_T > 10 GeV at 1 TeV: of the two the first is narrower."""
    found = electron_muon.result.integration
    limit = min(math.tanh(2.5), math.sqrt(1 - (10 / 500) ** 2))
    expected = cross_section(1000.0, -limit, limit)
    assert abs(found.cross_section - expected) < SIGMAS * found.error
    # Flat in cosθ before the training: what lies outside are exact zeros.
    assert found.cut_efficiency < 1


def test_cuts_that_bite(runner: Callable[..., Finished]) -> None:
    """p_T > 60 GeV at 200 GeV together with a condition on one leg."""
    run = runner(
        "ee-mumu",
        "run",
        "beams.energy=200",
        "cuts={pt_min: 60, eta_max: 1000, where: 'eta[0] > -0.3'}",
        "integrate.evaluations=200000",
        "generate=null",
    )
    found = run.result.integration
    # Leg 0 is the μ+, and A_LL goes with the angle between like signs: μ+ and e+ along +z.
    expected = cross_section(200.0, math.tanh(-0.3), 0.8)
    assert abs(found.cross_section - expected) < SIGMAS * found.error
    assert found.error < 1e-3 * expected


def test_asymmetry_of_events(electron_muon: Finished) -> None:
    """Forward minus backward μ+ within the cuts, from the events."""
    (group,) = electron_muon.events().to_torch()
    momenta, pdg = group.momenta.numpy(), group.pdg_id.numpy()
    plus = momenta[pdg == -13]
    forward = np.sign(plus[:, 3] * momenta[pdg == -11][:, 3])
    limit = math.tanh(2.5)
    total = cross_section(1000.0, -limit, limit)
    expected = 2 * cross_section(1000.0, 0.0, limit) / total - 1
    error = math.sqrt((1 - expected**2) / forward.size)
    assert expected > 0.3
    assert abs(forward.mean() - expected) < SIGMAS * error
