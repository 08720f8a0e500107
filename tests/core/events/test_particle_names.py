"""Names of particles, known and unknown."""

from __future__ import annotations

import pytest

from crosshook.core.events.particle_names import particle_name


@pytest.mark.parametrize(
    ("pdg_id", "name", "latex"),
    [
        (6, "t", "t"),
        (-6, "t~", r"\overline{t}"),
        (21, "g", "g"),
        (9_000_001, "9000001", "9000001"),
    ],
)
def test_names(pdg_id: int, name: str, latex: str) -> None:
    """9000001 is what model files call particles of their own; the PDG has no such entry."""
    assert particle_name(pdg_id) == name
    assert particle_name(pdg_id, latex=True) == latex
