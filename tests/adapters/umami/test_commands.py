"""`crosshook process show` and `crosshook process add` on UMAMI libraries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.adapters.command_line import call
from tests.adapters.umami.conftest import build

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.umami.conftest import Compile


def test_show(library: Compile, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("process", "show", library("gg_tt")) == 0
    shown = capsys.readouterr().out
    assert "UMAMI library" in shown
    assert "0, 0, 173, 173" in shown
    assert "MOMENTA, ALPHA_S, RANDOM_COLOR, RANDOM_HELICITY" in shown
    assert call("process", "show", library("gg_tt", "HEADER_2025"), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["header"], found["legs"], found["inputs"]) == ("2025", 4, None)


def test_add_writes_what_runs(
    library: Compile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With PDG ids and one colour flow the fragment is complete: the process builds."""
    output = tmp_path / "process.yaml"
    words = ("process", "add", library("ee_ff"), "--pdg", "-11,11,-13,13", "--output", output)
    assert call(*words) == 0
    assert "left to fill in" not in capsys.readouterr().err
    (options,) = yaml.safe_load(output.read_text())["process"].values()
    assert build(options).name == "e+ e- > mu+ mu-"
    assert call(*words) == 4
    assert "--overwrite" in capsys.readouterr().err
    assert call(*words, "--overwrite") == 0


def test_add_says_what_is_left(library: Compile, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("process", "add", library("gg_tt")) == 0
    shown = capsys.readouterr()
    assert "4 PDG ids" in shown.err
    fragment = yaml.safe_load(shown.out)["process"]["umami"]
    assert fragment["masses"] == [0, 0, 173, 173]
    assert call("process", "add", library("gg_tt"), "--pdg", "21 21 6 -6") == 0
    shown = capsys.readouterr()
    assert "colour_flows: 2 flows" in shown.err
    assert yaml.safe_load(shown.out)["process"]["umami"]["subprocesses"][0]["pdg"][2] == 6


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--pdg", "21,21,6"), 2, "3 ids"),
        (("--pdg", "g g"), 2, "are no PDG ids"),
        (("--card", "missing.dat"), 3, "umami_initialize"),
    ],
)
def test_add_refuses(
    words: tuple[str, ...],
    code: int,
    message: str,
    library: Compile,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call("process", "add", library("gg_tt"), *words) == code
    assert message in capsys.readouterr().err


def test_what_is_no_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "none.so", tmp_path):
        assert call("process", "show", path) == 3
    shown = capsys.readouterr().err
    assert "no such file" in shown
    assert "known kinds: UMAMI library" in shown
