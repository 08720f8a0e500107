"""Header cards as text and as mappings, weights as a table: real headers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import InputError
from crosshook.core.events.cards import generation_info, header_text, parameters, run_card
from crosshook.core.events.files import open_events
from crosshook.core.events.weight_table import weight_table

if TYPE_CHECKING:
    from crosshook.core.events.run_info import RunInfo

FOLDER = Path(__file__).parents[2] / "data" / "lhe"


def info_of(name: str) -> RunInfo:
    with open_events(FOLDER / name) as stream:
        return stream.info


def test_madgraph() -> None:
    info = info_of("madgraph_pp_tt012j.lhe.gz")
    assert "define j = p" in header_text(info, "MG5ProcCard")
    card = run_card(info)
    assert (card["nevents"], card["ebeam1"], card["pdlabel"]) == ("10000", "6500.0", "nn23lo1")
    assert float(generation_info(info)["Integrated weight (pb)"]) == 1463.962951248
    slha = parameters(info)
    assert slha["mass"][6,] == 173.0
    assert slha["sminputs"][1,] == 132.507
    assert slha["decay"][6,] == 1.4915
    rows = weight_table(info)
    assert [row.id for row in rows[:2]] == ["rwgt_1", "rwgt_2"]
    assert rows[0].text == "set sminputs 1 100.0 # orig: 132.507"
    assert rows[0].group == "tearex_reweighting"


def test_sherpa() -> None:
    card = run_card(info_of("sherpa_zjet.lhe"))
    assert card["BEAM_ENERGIES"] == 6500
    assert isinstance(card["PROCESSES"], list)


def test_groups_of_weights() -> None:
    row = weight_table(info_of("testlhef3.lhe"))[1]
    assert (row.column, row.id, row.combine) == (1, "1002", "envelope")
    assert row.text == "muR=0.10000E+01 muF=0.20000E+01"


def test_no_cards() -> None:
    info = info_of("jhugen_qq_bbH.lhe")
    assert (run_card(info), parameters(info), generation_info(info)) == ({}, {}, {})
    with pytest.raises(InputError, match="the header has no block 'slha'; it has none"):
        header_text(info, "slha")
    broken = replace(info, header={"SHRunCard": "\nA: [1\nB: 2\n"})
    with pytest.raises(InputError, match="the run card SHRunCard is no YAML"):
        run_card(broken)
