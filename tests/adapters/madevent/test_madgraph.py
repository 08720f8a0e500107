"""Process directories of MadGraph: existing runs, and a program that acts like bin/generate_events."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import crosshook
from crosshook.core.errors import CrosshookError, ProgramError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import create_events, open_events
from crosshook.core.testkit import run_checks

DATA = Path(__file__).parents[2] / "data" / "lhe" / "madgraph_ee_mumu.lhe.gz"
PROGRAM = r"""
import gzip, os, random, re, sys
from pathlib import Path

name, flag = sys.argv[1:]
assert flag == "-f"
home = Path(__file__).resolve().parents[1]
assert Path.cwd() == home
card = (home / "Cards" / "run_card.dat").read_text()
events, seed = (int(re.search(rf"(\d+)\s*= {key}", card)[1]) for key in ("nevents", "iseed"))
assert f"{seed}" in name
if os.environ.get("FAKE") == "fail":
    sys.exit("ERROR: the compilation fails")
rng = random.Random(seed)
sigma = 40 * rng.uniform(0.999, 1.001)
lines = [f'<LesHouchesEvents version="3.0">\n<init>\n-11 11 500 500 0 0 0 0 -4 1\n{sigma} 0.04 {sigma} 1\n</init>\n']
for _ in range(events):
    x = rng.uniform(-500, 500)
    lines.append(f"<event>\n4 1 {sigma} 91 0.0078 0.118\n")
    for pdg, status, px, pz in ((-11, -1, 0, 500), (11, -1, 0, -500), (-13, 1, x, 0), (13, 1, -x, 0)):
        lines.append(f"{pdg} {status} 0 0 0 0 {px} 0 {pz} 500 0 0 9\n")
    lines.append("</event>\n")
lines.append("</LesHouchesEvents>\n")
(home / "Events" / name).mkdir(parents=True)
with gzip.open(home / "Events" / name / "unweighted_events.lhe.gz", "wt") as file:
    file.writelines(lines)
print("  === Results Summary for run: run_01 tag: tag_1 ===\n")
print(f"     Cross-section :   {sigma:.4f} +- 0.04 pb\n     Nb of events :  {events}")
"""
RUN_CARD = """
  tag_1     = run_tag ! name of the run
  10000 = nevents ! Number of unweighted events requested
  0   = iseed   ! rnd seed (0=assigned automatically=default))
  average =  event_norm
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process directory."""
    monkeypatch.delenv("FAKE", raising=False)
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "PROC"
    (home / "bin").mkdir(parents=True)
    (home / "Cards").mkdir()
    (home / "Cards" / "run_card.dat").write_text(RUN_CARD)
    (home / "Cards" / "proc_card_mg5.dat").write_text(
        "import model sm\ngenerate e+ e- > mu+ mu-\n"
    )
    (home / "MGMEVersion.txt").write_text("3.7.0 \n")
    program = home / "bin" / "generate_events"
    program.write_text(f"#!{sys.executable} -IS\n{PROGRAM}")
    program.chmod(0o755)
    (tmp_path / "run.yaml").write_text(
        "generator: {madgraph: PROC}\ngenerate: {events: 1200}\n"
        "output: {directory: out, formats: [lhe], report: none}\n"
    )
    return home


def events_of(path: Path) -> EventBatch:
    with open_events(path) as stream:
        return EventBatch.concatenate(list(stream))


def finish(home: Path, name: str, factor: float, events: int = 20) -> None:
    """A run as MadGraph leaves it, with another σ."""
    with open_events(DATA) as stream:
        batch = EventBatch.concatenate(list(stream))[:events].with_weights(factor)
    (process,) = batch.info.processes
    sigma = process.cross_section * factor
    info = replace(
        batch.info, processes=(replace(process, cross_section=sigma, error=0.01 * sigma),)
    )
    folder = home / "Events" / name
    folder.mkdir(parents=True)
    with create_events(folder / "unweighted_events.lhe.gz", info) as writer:
        writer.write(batch.with_info(info))


def test_existing_runs(home: Path) -> None:
    """All events, one weight, σ by numbers of events; natural order; a note that there are fewer."""
    for name, factor, events in (
        ("run_10", 1.02, 10),
        ("run_2", 0.99, 20),
        ("crosshook_1", 3.0, 5),
    ):
        finish(home, name, factor, events)
    (home / "Events" / "banner.txt").write_text("no run")
    result = crosshook.run(Path("run.yaml"))
    events = events_of(Path("out/events.lhe"))
    own = events_of(DATA)
    sigma = own.info.processes[0].cross_section
    expected = sigma * (20 * 0.99 + 10 * 1.02) / 30
    assert result.generation is not None
    assert result.generation.cross_section == pytest.approx(expected, rel=1e-6)
    error = 0.01 * sigma * np.hypot(20 * 0.99, 10 * 1.02) / 30
    assert result.generation.error == pytest.approx(error, rel=1e-6)
    assert len(events) == 30
    np.testing.assert_allclose(events.event["weight"], expected, rtol=1e-6)
    px = np.asarray(own.particle_columns["px"])
    again = np.asarray(events.particle_columns["px"])
    np.testing.assert_array_equal(again, np.concatenate([px, px[: len(again) - len(px)]]))
    assert result.notes == ("the program had no more events: 30 of 1200 were made",)
    assert result.process == "e+ e- > mu+ mu-"
    assert result.generator is not None
    assert result.generator.program == "MadGraph5_aMC@NLO 3.7.0"
    assert (home / "Cards" / "run_card.dat").read_text() == RUN_CARD
    assert len(list(home.glob("Events/*/unweighted_events.lhe.gz"))) == 3
    # what MadGraph writes beside the numbers comes through
    assert set(events.raw) == set(own.raw)
    assert events.info.weight_ids == own.info.weight_ids


def test_runs_by_name_and_of_one_process(home: Path) -> None:
    """A run that does not fit is an error, not half of a sample."""
    finish(home, "run_01", 1.0)
    finish(home, "run_02", 2.0)
    chosen = ["generator={madgraph: PROC, runs: [run_02]}"]
    result = crosshook.run(Path("run.yaml"), settings=chosen, output=Path("chosen"))
    assert result.generation is not None
    assert result.generation.events == 20
    with pytest.raises(CrosshookError, match=r"run_02.*cross sections of process"):
        crosshook.run(Path("run.yaml"))


def test_launched(home: Path) -> None:
    """Number of events and seed in the card, a run for each batch, MadGraph's σ."""
    result = crosshook.run(Path("run.yaml"))
    assert result.generation is not None
    assert result.generator is not None
    (batch,) = result.generator.batches
    assert (batch.asked, batch.kept, result.generation.events) == (1200, 1200, 1200)
    card = (home / "Cards" / "run_card.dat").read_text()
    assert card == RUN_CARD.replace("10000 =", "1200 =").replace("0   =", f"{batch.seed}   =")
    kept = home / "Events" / f"crosshook_{batch.seed}" / "unweighted_events.lhe.gz"
    assert kept.is_file()
    weight = np.asarray(events_of(Path("out/events.lhe")).event["weight"])
    np.testing.assert_allclose(weight, result.generation.cross_section, rtol=1e-9)
    assert result.generation.cross_section == pytest.approx(40, rel=1.1e-3)
    assert result.generation.error == pytest.approx(0.04, rel=1e-6)


def test_several_batches_get_one_weight(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of different σ; the second one resumed after a failure."""
    settings = ["generate={events: 2000, pilot: 1000}"]
    finish(home, "run_01", 1.0)
    settings.append("generator={madgraph: PROC, events: launch}")
    monkeypatch.setenv("FAKE", "fail")
    with pytest.raises(ProgramError, match=r"generate_events.*exit code 1(.|\n)*compilation"):
        crosshook.run(Path("run.yaml"), settings=settings)
    monkeypatch.delenv("FAKE")
    result = crosshook.resume(Path("out"))
    assert result.generation is not None
    assert result.generator is not None
    assert len({b.cross_section for b in result.generator.batches}) == 2
    weight = np.asarray(events_of(Path("out/events.lhe")).event["weight"])
    assert len(weight) == 2000
    np.testing.assert_allclose(weight, result.generation.cross_section, rtol=1e-9)
    assert result.generation.overweights == 0


def test_conformance(home: Path) -> None:
    options: dict[str, object] = {"directory": "PROC"}
    assert run_checks("madgraph", interface="generator", options=options) == []
    finish(home, "run_01", 1.0)
    finish(home, "run_02", 1.0)
    assert run_checks("madgraph", interface="generator", options=options) == []


@pytest.mark.parametrize(
    ("missing", "options", "words"),
    [
        ("PROC", "", "there is no such folder"),
        ("PROC/bin/generate_events", "", r"to launch: bin/generate_events is missing"),
        ("PROC/Cards/run_card.dat", "", r"run_card\.dat is missing"),
        ("", ", events: existing", r"no run with one of unweighted_events\.lhe\.gz"),
        ("", ", runs: [run_07]", r"run_07: has none of"),
    ],
)
def test_what_is_missing(home: Path, missing: str, options: str, words: str) -> None:
    if missing:
        path = home.parent / missing
        path.rename(path.with_name("away"))
    with pytest.raises(CrosshookError, match=words):
        crosshook.run(Path("run.yaml"), settings=[f"generator={{madgraph: PROC{options}}}"])
    assert not Path("out").exists()
