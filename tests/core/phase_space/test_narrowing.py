"""The range cuts leave: exact where two bodies allow it, never narrower."""

from __future__ import annotations

import pytest

from crosshook.core.errors import ConfigurationError
from crosshook.core.phase_space.narrowing import invariant_range


def test_without_cuts_threshold_and_energy_bound_it() -> None:
    assert invariant_range(13000.0, (172.5, 172.5), {}) == (345.0**2, 13000.0**2)


def test_pt_min_bounds_by_transverse_masses() -> None:
    low, _ = invariant_range(13000.0, (3.0, 5.0), {"pt_min": 4.0, "eta_max": 2.5})
    assert low == pytest.approx((5.0 + 41.0**0.5) ** 2)


def test_masses_bound_directly() -> None:
    assert invariant_range(13000.0, (0.0, 0.0), {"m_min": 66.0, "m_max": 116.0}) == (
        66.0**2,
        116.0**2,
    )


def test_nothing_left_is_an_error_that_names_the_cuts() -> None:
    with pytest.raises(ConfigurationError, match=r"no phase space: .*345 GeV.*m_max: 300"):
        invariant_range(13000.0, (172.5, 172.5), {"m_max": 300.0})
