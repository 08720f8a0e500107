"""Products of parton densities for each flavour assignment, protons and antiprotons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.process.luminosity import Assignment, Luminosity, assignments

X1 = torch.tensor([0.1, 0.4], dtype=torch.float64)
X2 = torch.tensor([0.2, 0.9], dtype=torch.float64)
MU = torch.tensor([50.0, 200.0], dtype=torch.float64)


def test_mirror_images_follow_their_subprocess(toy: Any) -> None:
    assert assignments((toy.gluons, toy.quarks)) == (
        Assignment(0, False, (21, 21, 11, -11)),
        Assignment(1, False, (2, -2, 11, -11)),
        Assignment(1, True, (-2, 2, 11, -11)),
    )


@pytest.mark.parametrize(
    ("beams", "quark", "mirrored"),
    [
        # f_u = 1 and f_ū = 1/2 in a proton, the other way round in an antiproton.
        ((2212, 2212), 1 * 0.5, 0.5 * 1),
        ((2212, -2212), 1 * 1, 0.5 * 0.5),
        ((-2212, 2212), 0.5 * 0.5, 1 * 1),
        ((-2212, -2212), 0.5 * 1, 1 * 0.5),
    ],
)
def test_products(beams: tuple[int, int], quark: float, mirrored: float, toy: Any) -> None:
    chosen = assignments((toy.gluons, toy.quarks))
    found = Luminosity(toy.density(), beams, chosen)(X1, X2, MU)
    assert found is not None
    gluon = (1 - X1) * (1 - X2) * (MU / 100) ** 2
    one = torch.ones_like(X1)
    torch.testing.assert_close(found, torch.stack([gluon, quark * one, mirrored * one], 1))


def test_members(toy: Any) -> None:
    luminosity = Luminosity(toy.density(), (2212, 2212), assignments((toy.quarks,)))
    nominal, third = luminosity(X1, X2, MU), luminosity(X1, X2, MU, 2)
    assert nominal is not None
    assert third is not None
    torch.testing.assert_close(third, 9 * nominal)


def test_photons_are_their_own_antiparticles(toy: Any) -> None:
    sub = replace(toy.gluons, pdg=(22, 22, 11, -11))
    found = Luminosity(toy.density(flavours=(22,)), (-2212, 2212), assignments((sub,)))
    torch.testing.assert_close(found(X1, X2, MU), ((1 - X1) * (1 - X2))[:, None])


def test_fixed_beams_have_none(toy: Any) -> None:
    assert Luminosity(None, (11, -11), assignments((toy.quarks,)))(X1, X2, MU) is None


def test_refused(toy: Any) -> None:
    chosen = assignments((toy.quarks,))
    with pytest.raises(ConfigurationError) as caught:
        Luminosity(toy.density(), (2212, 11), chosen)
    assert str(caught.value) == ("beams.particles: 11 has no parton densities; use 2212 or -2212")
    with pytest.raises(ConfigurationError) as caught:
        Luminosity(toy.density(flavours=(2, 21)), (2212, 2212), chosen)
    assert str(caught.value) == (
        "beams.pdf: Toy has no flavour -2, which the process needs; it has 2, 21"
    )
