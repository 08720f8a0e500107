"""The range of the partonic invariant mass that cuts leave, never narrower than the cuts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


def invariant_range(
    energy: float, masses: tuple[float, float], cuts: Mapping[str, float]
) -> tuple[float, float]:
    """Range of ŝ of a two-body final state in GeV².

    Two bodies have opposite transverse momenta, so `pt_min` bounds √ŝ by the sum of their
    transverse masses; `m_min` and `m_max` bound it directly. Other cuts are ignored here: core
    applies all of them to every point.

    Args:
        energy: collision energy in GeV.
        masses: masses of the two final legs in GeV.
        cuts: named cuts in GeV.

    Raises:
        ConfigurationError: if nothing is left.
    """
    pt_min = cuts.get("pt_min", 0.0)
    threshold = sum(math.hypot(mass, pt_min) for mass in masses)
    low = max(threshold, cuts.get("m_min", 0.0))
    high = min(energy, cuts.get("m_max", math.inf))
    if not low < high:
        given = ", ".join(f"{name}: {value:g}" for name, value in cuts.items()) or "none"
        message = (
            f"no phase space: the invariant mass of the final state must exceed {low:g} GeV and "
            f"stay below {high:g} GeV (collision energy {energy:g} GeV, cuts: {given})"
        )
        raise ConfigurationError(message)
    return low**2, high**2
