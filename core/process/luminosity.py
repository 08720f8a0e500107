"""Parton densities of both beams for every flavour assignment of a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import Subprocess
    from crosshook.core.interfaces.parton_density import PartonDensity

PROTON = 2212
OWN_ANTIPARTICLES = frozenset({21, 22})
"""Gluon and photon."""


@dataclass(frozen=True)
class Assignment:
    """One flavour assignment with its beams in a definite order.

    Attributes:
        subprocess: index of the subprocess.
        mirrored: beam 1 supplies the subprocess's second leg.
        pdg: PDG ids of all legs, as the beams supply them.
    """

    subprocess: int
    mirrored: bool
    pdg: tuple[int, ...]


def assignments(subprocesses: tuple[Subprocess, ...]) -> tuple[Assignment, ...]:
    """Every subprocess, and its mirror image where it has one."""
    found = []
    for index, sub in enumerate(subprocesses):
        found.append(Assignment(index, False, sub.pdg))
        if sub.mirror:
            found.append(Assignment(index, True, (sub.pdg[1], sub.pdg[0], *sub.pdg[2:])))
    return tuple(found)


class Luminosity:
    """f1(x1, μ_F) f2(x2, μ_F) for every assignment; 1 for fixed beams."""

    def __init__(
        self,
        density: PartonDensity | None,
        beams: tuple[int, int],
        chosen: tuple[Assignment, ...],
    ) -> None:
        """Looks up the columns of every flavour.

        Args:
            density: densities of the proton; antiprotons take the conjugate flavour.
            beams: PDG ids of the beams.
            chosen: flavour assignments of the process.

        Raises:
            ConfigurationError: if the set lacks a flavour, or a beam is not made of partons.
        """
        self._density = density
        self._columns: list[list[int]] = [[], []]
        if density is None:
            return
        for side, beam in enumerate(beams):
            if abs(beam) != PROTON:
                message = f"beams.particles: {beam} has no parton densities; use 2212 or -2212"
                raise ConfigurationError(message)
            for assignment in chosen:
                flavour = assignment.pdg[side]
                if beam < 0 and flavour not in OWN_ANTIPARTICLES:
                    flavour = -flavour
                if flavour not in density.flavours:
                    message = (
                        f"beams.pdf: {density.name} has no flavour {flavour}, which the process "
                        f"needs; it has {', '.join(map(str, density.flavours))}"
                    )
                    raise ConfigurationError(message)
                self._columns[side].append(density.flavours.index(flavour))

    def __call__(
        self, x1: Tensor, x2: Tensor, mu_f: Tensor, member: int | None = None
    ) -> Tensor | None:
        """Products of densities.

        Args:
            x1: momentum fractions of beam 1, `(n,)`.
            x2: likewise of beam 2.
            mu_f: factorisation scales in GeV, `(n,)`.
            member: member of the set; the nominal one if None.

        Returns:
            `(n, assignments)`, or None for fixed beams.
        """
        if self._density is None:
            return None
        both = self._density.xf(torch.cat([x1, x2]), torch.cat([mu_f, mu_f]), member)
        one, two = both[: x1.shape[0]], both[x1.shape[0] :]
        product = one[:, self._columns[0]] * two[:, self._columns[1]]
        return product / (x1 * x2)[:, None]
