"""HepMC files: columns against what was put in, a showered file of Pythia 8, what is refused."""

from __future__ import annotations

import gzip
import math
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import pytest

from crosshook.core.convert import convert
from crosshook.core.errors import ConfigurationError, InputError, OutputError
from crosshook.core.events.files import create_events, open_events
from crosshook.core.inspect import inspect_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.events.batch import EventBatch
    from tests.adapters.conftest import ReadAll

pyhepmc = pytest.importorskip("pyhepmc", reason="pyhepmc is not installed")
DATA = Path(__file__).parents[2] / "data" / "lhe"
N = 7
WEIGHTS = [2.0, -1.0, 3.0, 4.0, 0.5, 2.5, 1.0]
TRIALS = [1, 3, 2, 1, 5, 1, 2]


def event(i: int, names: list[str], unit: Any, sigma: float | None) -> Any:
    """p p → (quarks 2, 3 → Z → e+e-) + photon in three vertices; momenta differ by event."""
    scale = 1.0 if unit == pyhepmc.Units.GEV else 1000.0
    made = pyhepmc.GenEvent(unit, pyhepmc.Units.MM)
    made.event_number = i
    info = pyhepmc.GenRunInfo()
    info.weight_names = names
    info.tools = [pyhepmc.GenRunInfo.ToolInfo("Sherpa", "3.0.3", "showered")]
    made.run_info = info

    def particle(p: tuple[float, ...], pdg: int, status: int) -> Any:
        return pyhepmc.GenParticle(tuple(scale * x for x in p), pdg, status)

    beams = [particle((0, 0, s * 6500.0, 6500.0), 2212, 4) for s in (1, -1)]
    quarks = [particle((0, 0, s * 50.0, 50.0), pdg, 21) for s, pdg in ((1, 2), (-1, -2))]
    boson = particle((3.0 + i, 4.0, 0.0, math.hypot(3.0 + i, 4.0, 91.0)), 23, 62)
    photon = particle((-3.0 - i, -4.0, 0.0, math.hypot(3.0 + i, 4.0)), 22, 1)
    half = [x / 2 for x in (3.0 + i, 4.0, 0.0)]
    e = math.hypot(3.0 + i, 4.0, 91.0) / 2
    leptons = [
        particle((half[0], half[1], s * math.sqrt(e**2 - half[0] ** 2 - half[1] ** 2), e), pdg, 1)
        for s, pdg in ((1, 11), (-1, -11))
    ]
    for incoming, outgoing in ((beams, quarks), (quarks, [boson, photon]), ([boson], leptons)):
        vertex = pyhepmc.GenVertex()
        for p in incoming:
            vertex.add_particle_in(p)
        for p in outgoing:
            vertex.add_particle_out(p)
        made.add_vertex(vertex)
    quarks[0].attributes = {"flow1": 501}
    quarks[1].attributes = {"flow2": 501}
    columns = {"Weight": WEIGHTS[i], "MUR2": WEIGHTS[i] / 2, "NTrials": float(TRIALS[i])}
    made.weights = [columns.get(name, 1.0) for name in names] if names else [WEIGHTS[i]]
    made.attributes = {
        "signal_process_id": 5,
        "event_scale": 91.0 + i,
        "alphaQCD": 0.118,
        "alphaQED": 0.0078,
    }
    if sigma is not None:
        cross_section = pyhepmc.GenCrossSection()
        made.cross_section = cross_section
        made.cross_section.set_cross_section(sigma + i, 0.5 + i, i + 1, i + 1)
    return made


def written(
    path: Path, names: list[str], sigma: float | None = 10.0, mev: bool = False, **how: Any
) -> Path:
    unit = pyhepmc.Units.MEV if mev else pyhepmc.Units.GEV
    with pyhepmc.open(str(path), "w", **how) as file:
        for i in range(N):
            file.write(event(i, names, unit, sigma))
    return path


@pytest.mark.parametrize("mev", [False, True])
@pytest.mark.parametrize("ending", [".hepmc3", ".hepmc", ".hepmc3.gz"])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_columns(
    ending: str, mev: bool, batch_size: int, tmp_path: Path, read_all: ReadAll
) -> None:
    path = written(tmp_path / f"events{ending}", ["Weight", "MUR2", "NTrials"], mev=mev)
    info, events = read_all(path, batch_size)
    assert (info.beams, info.energies) == ((2212, 2212), (6500.0, 6500.0))
    assert info.generators == (("Sherpa", "3.0.3", "showered"),)
    assert info.weight_ids == ("MUR2",)
    assert events.counts.tolist() == [8] * N
    columns = {name: c.reshape(N, 8) for name, c in events.particle_columns.items()}
    assert columns["pdg_id"][0].tolist() == [2212, 2212, 2, -2, 23, 22, 11, -11]
    assert columns["status"][0].tolist() == [4, 4, 21, 21, 62, 1, 1, 1]
    assert columns["mother1"][2].tolist() == [0, 0, 1, 1, 3, 3, 5, 5]
    assert columns["mother2"][2].tolist() == [0, 0, 2, 2, 4, 4, 0, 0]
    assert columns["colour1"][3].tolist() == [0, 0, 501, 0, 0, 0, 0, 0]
    assert columns["colour2"][3].tolist() == [0, 0, 0, 501, 0, 0, 0, 0]
    np.testing.assert_allclose(columns["px"][:, 4], 3.0 + np.arange(N), rtol=1e-14)
    np.testing.assert_allclose(columns["mass"][:, 4], 91.0, rtol=1e-12)
    np.testing.assert_allclose(columns["mass"][:, 0], 0.0, atol=1e-3)
    assert events.event["weight"].tolist() == WEIGHTS
    assert events.event["trials"].tolist() == TRIALS
    assert events.weights[:, 0].tolist() == [w / 2 for w in WEIGHTS]
    assert events.event["scale"].tolist() == [91.0 + i for i in range(N)]
    assert set(events.event["process_id"].tolist()) == {5}


def test_cross_section_by_trials_or_as_announced(tmp_path: Path) -> None:
    by_trials = inspect_file(written(tmp_path / "a.hepmc3", ["Weight", "NTrials"]))
    assert by_trials.rule == "trials"
    assert by_trials.cross_section_pb == pytest.approx(sum(WEIGHTS) / sum(TRIALS), rel=1e-14)
    announced = inspect_file(written(tmp_path / "b.hepmc3", ["Weight", "MUR2"]))
    # the generator's estimate is final in its last event only
    assert (announced.rule, announced.weighting) == ("xsecup", -2)
    assert announced.cross_section_pb == 10.0 + N - 1
    assert announced.cross_section_error_pb == 0.5 + N - 1
    neither = inspect_file(written(tmp_path / "c.hepmc3", ["Weight"], sigma=None))
    assert neither.rule == "average"
    unnamed = inspect_file(written(tmp_path / "d.hepmc3", []))
    assert unnamed.weights == ()


def test_hepmc2(tmp_path: Path, read_all: ReadAll) -> None:
    names = ["Weight", "MUR2"]
    _, new = read_all(written(tmp_path / "new.hepmc3", names))
    info, old = read_all(written(tmp_path / "old.hepmc2", names, format="HepMC2"))
    assert info.weight_ids == ("MUR2",)
    np.testing.assert_array_equal(old.particle_columns["px"], new.particle_columns["px"])
    np.testing.assert_array_equal(old.particle_columns["mother1"], new.particle_columns["mother1"])
    np.testing.assert_array_equal(old.event["weight"], new.event["weight"])


def test_selected_events_go_to_other_formats(tmp_path: Path) -> None:
    source = written(tmp_path / "events.hepmc3.gz", ["Weight", "MUR2", "NTrials"])
    for ending in ("root", "parquet", "lhe"):
        target = tmp_path / f"out.{ending}"
        report = convert(source, target, where="n[photon] == 1 and pt[photon[0]] > 7")
        expected = sum(w for i, w in enumerate(WEIGHTS) if math.hypot(3 + i, 4) > 7)
        assert report.cross_section_pb == pytest.approx(expected / sum(TRIALS), rel=1e-14)
        assert inspect_file(target).cross_section_pb == pytest.approx(
            report.cross_section_pb, rel=1e-14
        )


def batches(path: Path) -> Iterator[EventBatch]:
    with open_events(path, 2) as stream:
        yield from stream


def test_a_cut_file_gives_its_events_and_an_error(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.hepmc3", ["Weight"]).read_bytes()
    cut = tmp_path / "cut.hepmc3"
    for end in (whole.rindex(b"\nE "), whole.rindex(b"\nP "), len(whole) - 30):
        cut.write_bytes(whole[:end])
        read: list[int] = []
        with pytest.raises(InputError, match=r"cut\.hepmc3: "):
            read.extend(len(batch) for batch in batches(cut))
        assert N - 1 <= sum(read) <= N
    packed = tmp_path / "cut.hepmc3.gz"
    packed.write_bytes(gzip.compress(whole)[:-40])
    with pytest.raises(InputError, match=r"cut\.hepmc3\.gz"):
        inspect_file(packed)
    cut.write_bytes(b"HepMC::Version 3\n%PDF")
    with pytest.raises(InputError, match=r"cut\.hepmc3"):
        inspect_file(cut)


def test_found_by_its_first_bytes(tmp_path: Path) -> None:
    for how in (".hepmc3", ".hepmc3.gz"):
        path = written(tmp_path / f"events{how}", ["Weight"])
        other = path.rename(tmp_path / f"events-{len(how)}.dat")
        assert inspect_file(other).events == N


def test_it_is_not_written(tmp_path: Path) -> None:
    with open_events(DATA / "sherpa_zjet.lhe") as stream:
        info = stream.info
    with pytest.raises(OutputError, match="HepMC files are read only"):
        create_events(tmp_path / "out.hepmc3", info)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "events.hepmc3", ["Weight"])
    monkeypatch.setitem(sys.modules, "pyhepmc", None)
    with pytest.raises(ConfigurationError, match=r"pip install pyhepmc \(extra crosshook\[hepmc"):
        open_events(path)


@pytest.mark.physics
def test_a_showered_file_of_pythia(tmp_path: Path, read_all: ReadAll) -> None:
    """Every final particle of Pythia's comes through; together they have the beams' energy."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "builtin type .*", DeprecationWarning)
        library = pytest.importorskip("pythia8mc", reason="pythia8mc is not installed")
    pythia = library.Pythia("", False)
    for setting in ("Print:quiet = on", "Beams:eCM = 91.2", "Beams:idA = 11", "Beams:idB = -11",
                    "WeakSingleBoson:ffbar2gmZ = on", "PDF:lepton = off",
                    "Random:setSeed = on", "Random:seed = 20261122"):  # fmt: skip
        assert pythia.readString(setting)
    assert pythia.init()
    path = tmp_path / "showered.hepmc3"
    energies = []
    with pyhepmc.open(str(path), "w") as file:
        for number in range(20):
            assert pythia.next()
            record = [pythia.event[i] for i in range(1, pythia.event.size())]
            final_state = [q for q in record if q.isFinal()]
            energies.append([q.e() for q in final_state])
            made = pyhepmc.GenEvent()
            vertex = pyhepmc.GenVertex()
            for s in (1, -1):
                beam = pyhepmc.GenParticle((0, 0, s * 45.6, 45.6), 11 * s, 4)
                vertex.add_particle_in(beam)
            for q in final_state:
                p = (q.px(), q.py(), q.pz(), q.e())
                vertex.add_particle_out(pyhepmc.GenParticle(p, q.id(), 1))
            made.add_vertex(vertex)
            made.event_number = number
            made.weights = [1.0]
            file.write(made)
    _, events = read_all(path)
    final = events.particles[events.particles.status == 1]
    for found, wanted in zip(final.p4.E.to_list(), energies, strict=True):
        np.testing.assert_allclose(sorted(found), sorted(wanted), rtol=1e-12)
    total = ak.sum(final.p4, axis=1)
    np.testing.assert_allclose(total.mass.to_numpy(), 91.2, rtol=1e-6)
    assert events.counts.max() > 50
