"""The commands inspect, convert and unweight as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from crosshook.core.cli import main

DATA = Path(__file__).parents[1] / "data" / "lhe"
WJJ = str(DATA / "sherpa_wjj.lhe.gz")
KEYS = {
    "events",
    "cross_section_pb",
    "cross_section_error_pb",
    "rule",
    "weights",
    "negative_fraction",
}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    code = 0
    try:
        main(list(words))
    except SystemExit as stop:
        code = int(stop.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.parametrize("path", sorted(DATA.iterdir()), ids=lambda p: p.name)
def test_inspect_every_dialect(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "inspect", str(path), "--json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert set(report) >= KEYS
    code, out, _ = run(capsys, "inspect", str(path))
    assert code == 0
    assert report["rule"] in out


@pytest.mark.parametrize(
    ("name", "generator"),
    [
        ("sherpa_wjj.lhe.gz", "Sherpa 3.0.3"),
        ("madgraph_pp_tt012j.lhe.gz", "MadGraph5_aMC@NLO 3.7.0"),
        ("mg5_2.2.1_Z_mlm.lhe", "MadGraph5_aMC@NLO 2.2.1"),
        ("jhugen_ggH_ZZ.lhe", "JHUGen 7.5.1"),
        ("pythia6_ttbar_pdfline.lhe", "Pythia 6.413"),
        ("powheg_trijet_negw.lhe", "POWHEG-BOX"),
        ("pythia8_weakbosons.lhe", "Pythia"),
    ],
)
def test_inspect_names_the_generator(
    name: str, generator: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, "inspect", str(DATA / name), "--json")
    assert json.loads(out)["generators"][0].startswith(generator)


def test_inspect_shows_the_first_event(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "inspect", str(DATA / "madgraph_pp_tt012j.lhe.gz"))
    assert "p (6500 GeV)" in out
    assert "1463.963 ± 2.38 pb" in out
    assert "t~" in out


def test_convert_and_unweight(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, lhe = str(tmp_path / "events.root"), str(tmp_path / "unit.lhe.gz")
    code, out, _ = run(capsys, "convert", WJJ, root, "--option", "container=ttree", "--json")
    assert (code, json.loads(out)["events"]) == (0, 40)
    code, out, _ = run(capsys, "convert", WJJ, WJJ, root, "--overwrite")
    assert code == 0
    assert "80 events" in " ".join(out.split())
    code, out, _ = run(capsys, "unweight", root, lhe, "--seed", "4", "--share", "0.05", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["unweighter"]["options"]["share"] == 0.05
    assert report["cross_section_out_pb"] == pytest.approx(report["cross_section_in_pb"])
    code, out, _ = run(capsys, "unweight", root, lhe, "--seed", "4", "--overwrite")
    assert code == 0
    assert "mean weight" in out


def test_select_split_and_reweight(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut, part = str(tmp_path / "cut.lhe"), str(tmp_path / "part.lhe.gz")
    more, other = str(tmp_path / "more.root"), str(tmp_path / "other.lhe")
    code, out, _ = run(capsys, "convert", WJJ, cut, "--where", "pt[jet[0]] > 60")
    words = " ".join(out.split())
    assert code == 0
    assert "selected" in words
    assert "where pt[jet[0]] > 60" in words
    code, out, _ = run(capsys, "convert", WJJ, part, "--events", "5:", "--split", "20", "--json")
    assert [o["events"] for o in json.loads(out)["outputs"]] == [20, 15]
    code, out, _ = run(capsys, "convert", WJJ, part, "--split", "20", "--overwrite")
    assert "2 files" in out
    option = ("--option", "weights.k=1 + pt[jet[0]]/100", "--option", "weights.one=1")
    code, out, _ = run(capsys, "reweight", WJJ, more, "--use", "expression", *option)
    assert code == 0
    assert "added one" in out
    code, out, _ = run(capsys, "reweight", more, other, "--nominal", "k", "--json")
    report = json.loads(out)
    assert (code, report["rule_in"], report["rule_out"]) == (0, "trials", "average")
    _, out, _ = run(capsys, "inspect", other, "--json")
    assert json.loads(out)["cross_section_pb"] == pytest.approx(report["cross_section_out_pb"])


def test_events_that_cannot_be_read_are_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is skipped is counted and said; cross sections are those of the rest."""
    text = (DATA / "sherpa_zjet.lhe").read_text()
    events = text.split("<event")
    events[3] = events[3].replace("e+01 ", "e+x ", 1)
    broken = tmp_path / "broken.lhe"
    broken.write_text("<event".join(events))
    code, _, err = run(capsys, "inspect", str(broken))
    assert (code, "event 3 (line" in err) == (3, True)
    code, out, _ = run(capsys, "inspect", str(broken), "--on-error", "skip", "--json")
    report = json.loads(out)
    assert (code, report["events"]) == (0, 9)
    assert [s["event"] for s in report["skipped"]] == [3]
    commands = (
        ("convert",),
        ("convert", "--where", "n > 0"),
        ("unweight", "--seed", "1"),
        ("reweight", "--use", "expression", "--option", "weights.k=2"),
    )
    for number, (name, *flags) in enumerate(commands):
        target = str(tmp_path / f"out-{number}.root")
        code, out, _ = run(capsys, name, str(broken), target, *flags, "--on-error", "skip")
        assert code == 0, name
        assert "skipped" in out
        assert "event 3 (line" in " ".join(out.split())
        code, out, _ = run(capsys, "inspect", target, "--json")
        assert json.loads(out)["cross_section_pb"] == pytest.approx(report["cross_section_pb"])


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("inspect", "nowhere.lhe"), 3, "nowhere.lhe: there is no such file"),
        (("convert", WJJ, "out.txt"), 4, "no event format has this extension"),
        (("convert", WJJ, "out.root", "--option", "container=tuple"), 2, "container"),
        (("convert", WJJ, "out.root", "--option", "containr=ttree"), 2, "containr"),
        (("convert", WJJ, "out.root", "--option", "container"), 2, "is not KEY=VALUE"),
        (("convert", WJJ, "out.root", "--option", "level={a: b[c]}"), 2, "is no YAML"),
        (("convert", WJJ, "out.root", "--option", "a=1", "--option", "a.b=2"), 2, "value already"),
        (("convert", WJJ, "out.root", "--where", "pt[0]"), 2, "a quantity, where a condition"),
        (("convert", WJJ, "out.root", "--events", "7"), 2, "'7' is no range of events"),
        (("convert", WJJ, "out.root", "--split", "0"), 2, "--split"),
        (("reweight", WJJ, "out.root"), 2, "nothing to do"),
        (("reweight", WJJ, "out.root", "--nominal", "x"), 3, "no weight 'x'"),
        (("reweight", WJJ, "out.root", "--use", "expresion"), 2, "did you mean expression?"),
        (("reweight", WJJ, "out.root", "--option", "a=1"), 2, "choose one with --use"),
        (("unweight", WJJ, "out.lhe"), 2, "--seed"),
        (("unweight", WJJ, "out.lhe", "--seed", "1", "--rule", "best"), 2, "rule"),
        (("unweight", WJJ, "out.lhe", "--seed", "1", "--use", "rejecton"), 2, "rejection"),
    ],
)
def test_errors_are_one_clear_line(
    words: tuple[str, ...],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    found, _, err = run(capsys, *words)
    assert found == code
    assert message in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_help_of_the_file_commands_stays_light() -> None:
    script = """
import sys
from crosshook.core.cli import main
try:
    main(["unweight", "--help"])
except SystemExit:
    pass
heavy = {"torch", "awkward", "uproot", "numba", "numpy", "pyarrow", "rich"} & set(sys.modules)
print("heavy:", sorted(heavy))
"""
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "heavy: []" in out.stdout
