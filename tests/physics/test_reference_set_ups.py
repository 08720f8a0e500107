"""The set-ups of other programs: σ and unweighting efficiencies of Sherpa's, σ of MadGraph's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.physics.conftest import Finished

pytestmark = pytest.mark.physics

KNOWN = {"p p > t t~": (473.81, 0.23), "p p > e- e+": (1689.15, 0.22)}
"""σ and error in pb: closed-form amplitudes over LHAPDF's own interpolation, flat sampling."""

SHERPA = {"p p > t t~": (473.81, 1.07), "p p > e- e+": (1690.05, 1.37)}
"""Sherpa 3.0.3's own integration of the same."""

EFFICIENCIES = {"p p > t t~": 0.25, "p p > e- e+": 0.60}
"""Asked for by Sherpa's rule per point after cuts, where Sherpa expects 5 % and 31 %."""

MADGRAPH = (0.1042870, 5.338566e-5)
"""σ(e+e- -> μ+μ-) and error in pb out of the init block of MadGraph's file."""


def test_cross_section(reference: Finished) -> None:
    """Within two standard errors, ours at most 0.05 %."""
    found = reference.result.integration
    value, error = KNOWN[reference.result.process]
    assert found.error <= 5e-4 * found.cross_section
    assert abs(found.cross_section - value) < 2 * math.hypot(found.error, error)


def test_cross_section_of_sherpa(reference: Finished) -> None:
    """Within three standard errors of the generator's own figure."""
    found = reference.result.integration
    value, error = SHERPA[reference.result.process]
    assert abs(found.cross_section - value) < 3 * math.hypot(found.error, error)


def test_efficiency_by_sherpas_rule(reference: Finished) -> None:
    """`carried-share` of 0.1 %, points after cuts."""
    (found,) = (e for e in reference.result.integration.efficiencies if e.rule == "carried-share")
    assert found.share == 1e-3
    assert found.after_cuts - 3 * found.error > EFFICIENCIES[reference.result.process]


def test_efficiency_does_not_depend_on_the_sample(reference: Finished) -> None:
    """Mean weight over the overweights' edge is a figure of the sampler, not of its luck."""
    (found,) = (e for e in reference.result.integration.efficiencies if e.rule == "excess-share")
    assert 0 < found.error < 0.02 * found.value


def test_madgraphs_electron_muon(electron_muon: Finished) -> None:
    """Within two standard errors of MadGraph's figure, ours smaller."""
    found = electron_muon.result.integration
    value, error = MADGRAPH
    assert found.error < error
    assert abs(found.cross_section - value) < 2 * math.hypot(found.error, error)
