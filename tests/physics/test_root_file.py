"""uproot alone reads events.root, and finds the events of events.lhe.gz."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
import uproot

if TYPE_CHECKING:
    from tests.physics.conftest import Finished

pytestmark = pytest.mark.physics

COLUMNS = {
    "LHEPart_pdgId": "pdg_id",
    "LHEPart_status": "status",
    "LHEPart_colour1": "colour1",
    "LHEPart_colour2": "colour2",
    "LHEPart_px": "px",
    "LHEPart_py": "py",
    "LHEPart_pz": "pz",
    "LHEPart_mass": "mass",
}


def test_same_events(ttbar: Finished) -> None:
    """Every column, to the digits the LHE file was written with."""
    events = ttbar.events()
    with uproot.open(ttbar.directory / "events.root") as file:
        table = file["Events"].arrays()
    assert len(table) == len(events)
    assert ak.all(table["nLHEPart"] == 4)
    for root, column in COLUMNS.items():
        found = ak.to_numpy(ak.flatten(table[root])).astype(np.float64)
        expected = np.asarray(events.particle_columns[column], np.float64)
        assert np.allclose(found, expected, rtol=1e-12, atol=1e-9), root
    weight = np.asarray(events.event["weight"], np.float64)
    assert np.allclose(ak.to_numpy(table["genWeight"]), weight, rtol=1e-12)


def test_mean_weight_is_the_cross_section(ttbar: Finished) -> None:
    """What an analysis would compute from the file alone."""
    with uproot.open(ttbar.directory / "events.root") as file:
        weight = ak.to_numpy(file["Events"].arrays(["genWeight"])["genWeight"])
    assert weight.mean() == pytest.approx(ttbar.generation.cross_section, rel=1e-12)


def test_read_back(ttbar: Finished) -> None:
    """Our own reader gives the same from both files, further weights included."""
    root, lhe = ttbar.events("events.root"), ttbar.events()
    assert root.info.weight_ids == lhe.info.weight_ids
    assert root.info.processes == lhe.info.processes
    assert np.array_equal(root.weights, lhe.weights)
