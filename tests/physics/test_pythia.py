"""Pythia 8 reads the written events: every one, the same σ, the same momenta; and showers them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.physics.conftest import Finished

pytestmark = pytest.mark.physics

MILLIBARN = 1e9
SHOWERED = 300
QUIET = ("Print:quiet = on", "Beams:frameType = 4")
UNSHOWERED = ("PartonLevel:all = off", "HadronLevel:all = off")


@pytest.fixture(scope="module")
def pythia() -> Callable[..., Any]:
    """Starts Pythia on a file of events with further settings."""
    with warnings.catch_warnings():
        # SWIG's types have no __module__; Python says so when the library loads.
        warnings.filterwarnings("ignore", "builtin type .*", DeprecationWarning)
        library = pytest.importorskip("pythia8mc", reason="pythia8mc is not installed")

    def start(path: str, *settings: str) -> Any:
        generator = library.Pythia("", False)
        for setting in (*QUIET, f"Beams:LHEF = {path}", *settings):
            assert generator.readString(setting), setting
        assert generator.init()
        return generator

    return start


@pytest.fixture(params=["ttbar", "drell_yan", "electron_muon", "high_mass"])
def run(request: pytest.FixtureRequest) -> Finished:
    """Each process in turn."""
    finished: Finished = request.getfixturevalue(request.param)
    return finished


def test_reads_every_event(run: Finished, pythia: Callable[..., Any]) -> None:
    """Numbers, σ, ids and momenta, without a shower."""
    generator = pythia(str(run.directory / "events.lhe.gz"), *UNSHOWERED)
    events = run.events()
    first = events.offsets[:-1]
    p = {name: np.asarray(events.particle_columns[name])[first + 2] for name in ("px", "py", "pz")}
    pdg = np.asarray(events.particle_columns["pdg_id"])
    read = 0
    while generator.next():
        # Entry 0 is the system, 1 and 2 are the beams, 3 and 4 the partons, 5 their first product.
        entries = generator.process
        assert entries[3].id() == pdg[first[read]]
        assert entries[4].id() == pdg[first[read] + 1]
        found = (entries[5].px(), entries[5].py(), entries[5].pz())
        expected = [p[name][read] for name in ("px", "py", "pz")]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-6)
        read += 1
    info = generator.infoPython()
    assert info.atEndOfFile()
    assert read == len(events)
    assert info.sigmaGen() * MILLIBARN == pytest.approx(run.generation.cross_section, rel=1e-6)
    assert info.weightSum() / read == pytest.approx(run.generation.cross_section, rel=1e-6)


def test_showers_top_pairs(ttbar: Finished, pythia: Callable[..., Any]) -> None:
    """Showers, decays and hadronisation accept the colour flow and the mass shells."""
    generator = pythia(
        str(ttbar.directory / "events.lhe.gz"),
        "Random:setSeed = on",
        "Random:seed = 20261122",
        "PartonLevel:MPI = off",
        "Check:event = on",
        "Main:timesAllowErrors = 0",
    )
    for _ in range(SHOWERED):
        assert generator.next()
        event = generator.event
        visible = [event[i] for i in range(event.size()) if event[i].isFinal()]
        assert sum(particle.e() for particle in visible) == pytest.approx(13000.0, abs=0.1)
        assert abs(sum(particle.charge() for particle in visible) - 2) < 1e-6
        assert all(particle.id() not in (6, -6, 21) for particle in visible)
