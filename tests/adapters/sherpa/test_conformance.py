"""The kit on `sherpa` with a program that acts like it; places of the wheel; logs as Sherpa writes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crosshook.adapters.sherpa.installation import surroundings
from crosshook.adapters.sherpa.log import read_log
from crosshook.core.testkit import run_checks

if TYPE_CHECKING:
    from tests.adapters.sherpa.conftest import Place

GROUPS = """
239.147 pb +- ( 2.18653 pb = 0.914304 % ) 84484 ( 138590 -> 60 % )
2_3__j__j__e-__e+__j : 238.874 pb +- ( 0.4 pb = 0.178961 % )  exp. eff: 0.838893 %
  reduce max for 2_3__j__j__e-__e+__j to 0.342742 ( eps = 0.001 -> exp. eff 0.0244759 )
Read in channels from directory: Results/Comix/MC_2_3__j__j__e-__e+__j
2_3__j__j__e-__e+__j : 238.874 pb +- ( 0.4 pb = 0.178961 % )  exp. eff: 0.838893 %
2_2__j__j__e-__e+ : 1.0e+03 pb +- ( 0.3 pb = 0.03 % )  exp. eff: 31 %
"""


def test_conformance(place: Place) -> None:
    options = {"card": "Sherpa.yaml", "binary": "./Sherpa"}
    assert run_checks("sherpa", interface="generator", options=options) == []


def test_cross_sections_of_groups_add_up() -> None:
    """A group that is read back counts once; without results the latest estimate counts."""
    said = read_log(GROUPS, "")
    assert said.cross_section == pytest.approx(1238.874, rel=1e-12)
    assert said.error == pytest.approx(0.5, rel=1e-12)
    assert len(said.facts) == 2
    early = read_log(GROUPS.split("2_3")[0], "")
    assert (early.cross_section, early.error) == (239.147, 2.18653)


def test_the_wheels_folders_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also through a link; what the user has set stays in force."""
    for name in ("bin", "lib64/SHERPA-MC", "share/SHERPA-MC"):
        (tmp_path / "wheel" / name).mkdir(parents=True)
    binary = tmp_path / "wheel" / "bin" / "Sherpa"
    binary.touch()
    link = tmp_path / "Sherpa"
    link.symlink_to(binary)
    monkeypatch.setenv("LHAPDF_DATA_PATH", "/mine")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    home = tmp_path / "wheel"
    for path in (binary, link):
        found = surroundings(path, {"OTHER": "x"})
        assert found["LD_LIBRARY_PATH"] == f"{home}/lib64:{home}/lib64/SHERPA-MC"
        data = f"{home}/share/SHERPA-MC"
        assert found["LHAPDF_DATA_PATH"] == f"/mine:{data}:{data}/LHAPDF"
        assert found["OTHER"] == "x"
    assert surroundings(binary, {"LD_LIBRARY_PATH": "only"})["LD_LIBRARY_PATH"] == "only"
    assert "LD_LIBRARY_PATH" not in surroundings(Path("/usr/bin/true"), {})
