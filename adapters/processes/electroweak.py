"""Electroweak parameters and the couplings of fermions to photon and Z."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Fermion:
    """Quantum numbers of a fermion.

    Attributes:
        charge: in units of the positron's.
        isospin: third component of the weak isospin of its left-handed part.
    """

    charge: float
    isospin: float


UP = Fermion(2 / 3, 1 / 2)
DOWN = Fermion(-1 / 3, -1 / 2)
CHARGED_LEPTON = Fermion(-1.0, -1 / 2)


def electroweak_parameters(
    alpha_qed_inverse: float, sin2_theta_w: float, mass_z: float, width_z: float
) -> dict[str, float]:
    """The four inputs of photon and Z exchange, in the order of `theta`."""
    return {
        "alpha_qed_inverse": float(alpha_qed_inverse),
        "sin2_theta_w": float(sin2_theta_w),
        "mass_z": float(mass_z),
        "width_z": float(width_z),
    }


def z_couplings(
    fermion: Fermion, sin2_theta_w: float | Tensor
) -> tuple[float | Tensor, float | Tensor]:
    """Left- and right-handed couplings to the Z in units of e: (T3 - Q s²)/(s c), -Q s/c."""
    norm = (sin2_theta_w * (1 - sin2_theta_w)) ** -0.5
    vector_part = -fermion.charge * sin2_theta_w * norm
    return fermion.isospin * norm + vector_part, vector_part
