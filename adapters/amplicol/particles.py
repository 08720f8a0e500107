"""The particles a process may name, and what they may stand for: `p`, `j`, `l+` …

Names are MadGraph's, which pyAmpliCol shares. Quarks mix in no generation, five of them and all
leptons are massless: the built-in Standard Model of pyAmpliCol.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from crosshook.adapters.madgraph.particle_ids import PDG

NAME: Final[dict[int, str]] = {pdg: name for name, pdg in PDG.items()}
"""Name of each PDG id."""

_PARTONS = (21, 1, 2, 3, 4, 5, -1, -2, -3, -4, -5)

GROUPS: Final[dict[str, tuple[int, ...]]] = {
    "p": _PARTONS,
    "j": _PARTONS,
    "l-": (11, 13),
    "l+": (-11, -13),
    "vl": (12, 14, 16),
    "vl~": (-12, -14, -16),
}
"""Names that stand for several particles."""

MASSIVE: Final = frozenset({6, 23, 24, 25})
"""Absolute PDG ids of particles with a mass."""

ELECTRON, GLUON, PHOTON, Z, W, HIGGS, TOP = 11, 21, 22, 23, 24, 25, 6


def is_quark(pdg: int) -> bool:
    """Whether it is a quark or an antiquark."""
    return 1 <= abs(pdg) <= 6


def is_lepton(pdg: int) -> bool:
    """Whether it is a charged lepton, a neutrino or an antiparticle of these."""
    return 11 <= abs(pdg) <= 16


def is_fermion(pdg: int) -> bool:
    """Whether it is a quark or a lepton."""
    return is_quark(pdg) or is_lepton(pdg)


def is_charged(pdg: int) -> bool:
    """Whether photons couple to it."""
    return is_quark(pdg) or abs(pdg) in (11, 13, 15, W)


def anti(pdg: int) -> int:
    """The antiparticle."""
    return pdg if pdg in (GLUON, PHOTON, Z, HIGGS) else -pdg


def partner(pdg: int) -> int:
    """The other member of a fermion's weak doublet: u of d, e- of ve."""
    size = abs(pdg)
    other = size + 1 if size % 2 else size - 1
    return other if pdg > 0 else -other


def is_upper(pdg: int) -> bool:
    """Whether a fermion is an up-type quark, a neutrino or an antiparticle of these."""
    return abs(pdg) % 2 == 0


@cache
def conserved(pdg: int) -> tuple[int, ...]:
    """What no vertex changes: three times the charge, and the number of each generation."""
    sign = 1 if pdg > 0 else -1
    numbers = [0] * 7
    if is_fermion(pdg):
        numbers[0] = {(1, 0): -1, (0, 0): 2, (1, 1): -3, (0, 1): 0}[abs(pdg) % 2, is_lepton(pdg)]
        generation = ((abs(pdg) - 11) // 2 + 3) if is_lepton(pdg) else (abs(pdg) - 1) // 2
        numbers[1 + generation] = 1
    elif abs(pdg) == W:
        numbers[0] = 3
    return tuple(sign * number for number in numbers)
