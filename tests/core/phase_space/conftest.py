"""Phase spaces of equal and different masses, with every kind of channel."""

from __future__ import annotations

import pytest

from crosshook.core.phase_space.angle import BackwardPole, FlatAngle, ForwardPole
from crosshook.core.phase_space.breit_wigner import BreitWignerMap
from crosshook.core.phase_space.channel import TwoBodyChannel
from crosshook.core.phase_space.fixed_two_body import FixedTwoBody
from crosshook.core.phase_space.hadronic_two_body import HadronicTwoBody
from crosshook.core.phase_space.power_law import PowerLawMap
from crosshook.core.phase_space.rapidity import PlateauRapidity

ENERGY = 13000.0


def hadronic(mass3: float, mass4: float) -> HadronicTwoBody:
    """Four channels from the threshold (or 50 GeV) to the collision energy."""
    low, high = max(mass3 + mass4, 50.0) ** 2, ENERGY**2
    power = PowerLawMap(low, high, 1.7)
    return HadronicTwoBody(
        ENERGY,
        (mass3, mass4),
        (
            TwoBodyChannel("flat", power, FlatAngle()),
            TwoBodyChannel("t", power, ForwardPole()),
            TwoBodyChannel("u", PowerLawMap(low, high, 1.0), BackwardPole()),
            TwoBodyChannel("resonance", BreitWignerMap(low, high, 400.0, 40.0), FlatAngle()),
        ),
        PlateauRapidity(1.4, 0.3),
    )


def fixed(mass3: float, mass4: float) -> FixedTwoBody:
    """Three channels at 1 TeV."""
    return FixedTwoBody(
        1000.0, (mass3, mass4), ("flat", "t", "u"), (FlatAngle(), ForwardPole(), BackwardPole())
    )


SPACES = {
    "hadronic, equal masses": hadronic(172.5, 172.5),
    "hadronic, different masses": hadronic(172.5, 80.4),
    "hadronic, massless": hadronic(0.0, 0.0),
    "fixed, different masses": fixed(300.0, 80.4),
    "fixed, massless": fixed(0.0, 0.0),
}


@pytest.fixture(params=SPACES.values(), ids=SPACES.keys())
def space(request: pytest.FixtureRequest) -> HadronicTwoBody | FixedTwoBody:
    """One of the phase spaces."""
    chosen = request.param
    assert isinstance(chosen, HadronicTwoBody | FixedTwoBody)
    return chosen
