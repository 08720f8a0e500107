"""Events showered by Pythia 8: all of them, momentum conserved, σ kept, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from crosshook.core.cli import main
from crosshook.core.convert import convert
from crosshook.core.errors import ConfigurationError, InputError, OutputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.inspect import inspect_file

pytest.importorskip("pythia8mc", reason="pythia8mc is not installed")
pytest.importorskip("pyhepmc", reason="pyhepmc is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:builtin type .*:DeprecationWarning")

DATA = Path(__file__).parents[2] / "data" / "lhe"
TOPS = DATA / "madgraph_pp_tt012j.lhe.gz"
FAST = ("PartonLevel:MPI = off",)


def events_of(path: Path) -> EventBatch:
    with open_events(path) as stream:
        return EventBatch.concatenate(list(stream))


def test_every_event_is_showered(tmp_path: Path) -> None:
    """The final state has the energy and the charge of the beams; weights and σ are the input's."""
    from crosshook.adapters.pythia.shower import shower

    path = tmp_path / "events.hepmc3.gz"
    report = shower(TOPS, path, seed=7, settings=FAST)
    assert (report.events_in, report.events_out, report.failures) == (20, 20, 0)
    wanted = inspect_file(TOPS).cross_section_pb
    assert report.cross_section_pb == pytest.approx(wanted, rel=1e-6)
    told = inspect_file(path)
    assert (told.rule, told.cross_section_pb) == ("xsecup", pytest.approx(wanted, rel=1e-6))
    events = events_of(path)
    assert len(events) == 20
    np.testing.assert_allclose(events.event["weight"], events_of(TOPS).event["weight"], rtol=1e-9)
    final = events.particles[events.particles.status == 1]
    total = ak.sum(final.p4, axis=1)
    np.testing.assert_allclose(total.E.to_numpy(), 13000.0, rtol=1e-6)
    np.testing.assert_allclose(total.pz.to_numpy(), 0.0, atol=0.1)
    charge = ak.sum(events.pdg("charge")[events.particles.status == 1], axis=1)
    np.testing.assert_allclose(charge.to_numpy(), 2.0, atol=1e-9)
    assert report.mean_final_particles == pytest.approx(float(ak.mean(ak.num(final))), rel=1e-12)
    assert ak.all(abs(final.pdg_id) != 6)
    # every particle comes from another one, but for the two beams
    orphans = ak.sum(events.particle_columns["mother1"] == 0)
    assert orphans == 2 * len(events)


def test_seed_number_and_other_formats(tmp_path: Path) -> None:
    """The same seed gives the same file; a ROOT file is read like the LHE file it came from."""
    from crosshook.adapters.pythia.shower import shower

    rooted = tmp_path / "tops.root"
    convert([TOPS], rooted)
    made = [
        shower(source, tmp_path / f"{i}.hepmc3", seed=seed, events=3, settings=FAST)
        for i, (source, seed) in enumerate([(TOPS, 7), (TOPS, 7), (rooted, 7), (TOPS, 8)])
    ]
    texts = [(tmp_path / f"{i}.hepmc3").read_text() for i in range(4)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[3]
    assert [r.events_out for r in made] == [3] * 4
    assert (
        events_of(tmp_path / "2.hepmc3").counts.tolist()
        == events_of(tmp_path / "0.hepmc3").counts.tolist()
    )


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own name for the output, JSON, and errors in one line."""
    source = tmp_path / "tops.lhe.gz"
    source.write_bytes(TOPS.read_bytes())
    words = ["shower", str(source), "--events", "2", "--set", FAST[0]]
    main([*words, "--json"])
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["events_out"] == 2
    assert (tmp_path / "tops.hepmc3.gz").is_file()
    with pytest.raises(SystemExit) as stop:
        main([*words, "--quiet"])
    assert stop.value.code == OutputError.exit_code
    main([*words, "--quiet", "--overwrite"])
    assert "2 of 2 events, 0 failures" in capsys.readouterr().out
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("source", "output", "seed", "settings", "kind", "words"),
    [
        (TOPS, "x.root", 1, (), OutputError, r"x\.root: showered events are written as \.hepmc"),
        (TOPS, "x.hepmc3", 0, (), ConfigurationError, "seed 0: Pythia takes 1 to"),
        (TOPS, "x.hepmc3", 1, ("Foo:bar = 1",), ConfigurationError, "Pythia does not know it"),
        (TOPS, "x.hepmc3", 1, ("Beams:LHEF = y",), ConfigurationError, "is set by crosshook"),
        (DATA / "sherpa_zjet.lhe", "x.hepmc3", 1, (), InputError, "have no colours"),
        (DATA / "jhugen_noevents.lhe", "x.hepmc3", 1, (), InputError, "holds no events"),
        (DATA / "none.lhe", "x.hepmc3", 1, (), InputError, "there is no such file"),
    ],
)
def test_refusals(
    tmp_path: Path,
    source: Path,
    output: str,
    seed: int,
    settings: tuple[str, ...],
    kind: type[Exception],
    words: str,
) -> None:
    from crosshook.adapters.pythia.shower import shower

    with pytest.raises(kind, match=words):
        shower(source, tmp_path / output, seed, settings=settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["pythia8mc", "pyhepmc"])
def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    from crosshook.adapters.pythia.shower import shower

    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigurationError, match=rf"{missing}.*extra crosshook\[shower\]"):
        shower(TOPS, tmp_path / "x.hepmc3", 1)
    assert list(tmp_path.iterdir()) == []
