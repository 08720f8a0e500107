"""Pythia 8 and selections agree on σ in every convention Pythia knows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from crosshook.core.convert import convert
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import create_events
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo
from crosshook.core.inspect import inspect_file
from crosshook.core.reweight import reweight_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.physics
MILLIBARN = 1e9
N = 60
QUIET = (
    "Print:quiet = on",
    "Beams:frameType = 4",
    "PartonLevel:all = off",
    "HadronLevel:all = off",
)


@pytest.fixture(scope="module")
def pythia() -> Callable[[Path], tuple[int, float]]:
    """Numbers of events and σ in pb that Pythia finds in a file."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "builtin type .*", DeprecationWarning)
        library = pytest.importorskip("pythia8mc", reason="pythia8mc is not installed")

    def run(path: Path) -> tuple[int, float]:
        generator = library.Pythia("", False)
        for setting in (*QUIET, f"Beams:LHEF = {path}"):
            assert generator.readString(setting), setting
        assert generator.init()
        count = 0
        while generator.next():
            count += 1
        return count, generator.infoPython().sigmaGen() * MILLIBARN

    return run


def batch_of(weighting: int, signs: bool, weighted: bool) -> EventBatch:
    """e+e- → µ+µ-, two processes, σ = 9 pb, or 9 pb of |w|."""
    rng = np.random.default_rng(20261122)
    processes = (ProcessInfo(1, 6.0, 0.3, 9.0), ProcessInfo(2, 3.0, 0.4, 9.0))
    info = RunInfo(
        beams=(-11, 11),
        energies=(45.6, 45.6),
        weighting=weighting,
        processes=processes,
        weights=(WeightInfo("up"),),
    )
    # two thirds of the events are of process 1, as their cross sections are
    process = np.where(np.arange(N) % 3 < 2, 1, 2)
    weight = np.full(N, 1.0 if abs(weighting) == 3 else 9.0)
    if weighted:
        weight *= rng.uniform(0.2, 1.8, N)
        weight *= 9.0 / weight.mean()
    if signs:
        weight[::10] *= -1
    cosine, azimuth = rng.uniform(-1, 1, N), rng.uniform(-np.pi, np.pi, N)
    sine = np.sqrt(1 - cosine**2)
    out = 45.6 * np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=1)
    along = np.tile([0.0, 0.0, 45.6], (N, 1))
    momenta = np.stack([along, -along, out, -out], axis=1).reshape(4 * N, 3)
    particles = {name: np.zeros(4 * N) for name in PARTICLE_COLUMNS} | {
        "pdg_id": np.tile([-11, 11, -13, 13], N),
        "status": np.tile([-1, -1, 1, 1], N),
        "mother1": np.tile([0, 0, 1, 1], N),
        "mother2": np.tile([0, 0, 2, 2], N),
        "e": np.full(4 * N, 45.6),
        **{name: momenta[:, i] for i, name in enumerate(("px", "py", "pz"))},
        "spin": np.full(4 * N, 9.0),
    }
    event = {
        "process_id": process,
        "weight": weight,
        "scale": np.full(N, 91.2),
        "alpha_qed": np.full(N, 0.0078),
        "alpha_qcd": np.full(N, 0.118),
    }
    table = (weight * (1 + cosine**2))[:, None]
    return EventBatch.from_columns(info, np.full(N, 4), event, particles, table)


@pytest.mark.parametrize(
    ("weighting", "signs", "weighted"),
    [
        (3, False, False),
        (-3, True, False),
        (4, False, True),
        (-4, False, False),
        (-4, True, False),
        (-4, True, True),
    ],
)
def test_pythia_finds_the_same_cross_section(
    weighting: int,
    signs: bool,
    weighted: bool,
    pythia: Callable[[Path], tuple[int, float]],
    tmp_path: Path,
) -> None:
    source = tmp_path / "in.lhe"
    batch = batch_of(weighting, signs, weighted)
    with create_events(source, batch.info) as writer:
        writer.write(batch)
    found: dict[str, tuple[int, Any]] = {"in.lhe": (N, None)}
    report = convert(source, tmp_path / "cut.lhe", where="abs(eta[0]) < 0.8")
    found["cut.lhe"] = report.events, report.cross_section_pb
    convert(source, tmp_path / "part.lhe", split=37)
    found["part-1.lhe"], found["part-2.lhe"] = (37, None), (N - 37, None)
    reweight_file(source, tmp_path / "other.lhe", nominal="up")
    found["other.lhe"] = N, None
    for name, (count, sigma) in found.items():
        inspected = inspect_file(tmp_path / name)
        theirs = pythia(tmp_path / name)
        assert theirs[0] == inspected.events == count
        expected = inspected.cross_section_pb
        if weighting == -3 and name.startswith("part"):
            # Pythia takes one asymmetry for all processes; ours are those of each, which agree where
            # processes come in the proportions of their cross sections.
            total = sum(p.xsecup_pb or 0.0 for p in inspected.processes)
            expected = total * (1 - 2 * inspected.negative_fraction)
            assert expected == pytest.approx(inspected.cross_section_pb, rel=0.01)
        assert theirs[1] == pytest.approx(expected, rel=1e-6), name
        if sigma is not None:
            assert theirs[1] == pytest.approx(sigma, rel=1e-6)
