"""Generated code, cards and names are read as MadGraph writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crosshook.adapters.madgraph.channels import channels_of
from crosshook.adapters.madgraph.generated_code import read_generated_code
from crosshook.adapters.madgraph.param_card import read_param_card
from crosshook.adapters.madgraph.particle_ids import process_ids
from crosshook.adapters.madgraph.proc_card import read_proc_card
from crosshook.core.errors import InputError
from tests.adapters.madgraph.conftest import CARD, MUONS, PROC_CARD, TOPS

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.adapters.madgraph.generated_code import GeneratedCode
    from crosshook.adapters.madgraph.param_card import ParamCard

PLAIN_CPP = """\
  vxxxxx(p[perm[0]], mME[0], hel[0], -1, w[0]);
  vxxxxx(p[perm[1]], mME[1], hel[1], -1, w[1]);
  oxxxxx(p[perm[2]], mME[2], hel[2], +1, w[2]);
  ixxxxx(p[perm[3]], mME[3], hel[3], -1, w[3]);
  VVV1P0_1(w[0], w[1], pars->GC_10, pars->ZERO, pars->ZERO, w[4]);
  FFV1_1(w[2], w[0], pars->GC_11, pars->mdl_MT, pars->mdl_WT, w[5]);
  FFV1_2(w[3], w[0], pars->GC_11, pars->mdl_MT, pars->mdl_WT, w[6]);
  // Amplitude(s) for diagram number 1
  FFV1_0(w[3], w[2], w[4], pars->GC_11, amp[0]);
  // Amplitude(s) for diagram number 2
  FFV1_0(w[3], w[5], w[1], pars->GC_11, amp[1]);
  // Amplitude(s) for diagram number 3
  FFV1_0(w[6], w[2], w[1], pars->GC_11, amp[2]);
// Process: g g > t t~ WEIGHTED<=2 @1
"""

CONTACT = """\
C     Process: g g > g g QED=0 @1
      CALL VXXXXX(P(0,1),ZERO,NHEL(1),-1*IC(1),W(1,1))
      CALL VXXXXX(P(0,2),ZERO,NHEL(2),-1*IC(2),W(1,2))
      CALL VXXXXX(P(0,3),ZERO,NHEL(3),+1*IC(3),W(1,3))
      CALL VXXXXX(P(0,4),ZERO,NHEL(4),+1*IC(4),W(1,4))
C     Amplitude(s) for diagram number 1
      CALL VVVV1_0(W(1,1),W(1,2),W(1,3),W(1,4),GC_12,AMP(1))
      CALL VVVV3_0(W(1,1),W(1,2),W(1,3),W(1,4),GC_12,AMP(2))
      CALL VVV1P0_1(W(1,1),W(1,3),GC_10,ZERO,ZERO,W(1,5))
C     Amplitude(s) for diagram number 2
      CALL VVV1_0(W(1,5),W(1,2),W(1,4),GC_10,AMP(3))
"""


def code(tmp_path: Path, name: str, text: str) -> GeneratedCode:
    path = tmp_path / name
    path.write_text(text)
    return read_generated_code(path)


@pytest.fixture
def card(tmp_path: Path) -> ParamCard:
    path = tmp_path / "param_card.dat"
    path.write_text(CARD)
    return read_param_card(path)


def test_the_same_diagrams_in_every_language(tmp_path: Path, card: ParamCard) -> None:
    """The three diagrams of gg -> tt~: s, t, u."""
    found = [code(tmp_path, "CPPProcess.cc", text) for text in (TOPS, PLAIN_CPP)]
    assert [c.processes for c in found] == [("g g > t t~",)] * 2
    assert [c.legs for c in found] == [4, 4]
    channels = [channels_of([c], card, [0, 0, 173, 173], 2) for c in found]
    assert channels[0] == channels[1]
    assert channels[0] == (
        [
            {"name": "diagram-1", "propagators": [{"legs": [2, 3]}]},
            {"name": "diagram-2", "propagators": [{"legs": [0, 2], "mass": 173.0}]},
            {"name": "diagram-3", "propagators": [{"legs": [0, 3], "mass": 173.0}]},
        ],
        (),
    )


def test_a_resonance_has_its_width(tmp_path: Path, card: ParamCard) -> None:
    found = code(tmp_path, "matrix.f", MUONS)
    assert found.processes == ("e+ e- > mu+ mu-",)
    (photon, z), unknown = channels_of([found], card, [0.0] * 4, 2, with_diagrams=True)
    assert photon == {"name": "diagram-1", "diagrams": [0], "propagators": [{"legs": [2, 3]}]}
    assert z["propagators"] == [{"legs": [2, 3], "mass": 91.188, "width": 2.441404}]
    assert unknown == ()
    # a Z that cannot be on its shell falls like a massless one
    (_,), _ = channels_of([found], card, [0, 0, 60, 60], 2)


def test_diagrams_with_contact_vertices_are_no_channels(tmp_path: Path, card: ParamCard) -> None:
    found = code(tmp_path, "matrix.f", CONTACT)
    assert [d.number for d in found.diagrams] == [1, 2]
    (channel,), _ = channels_of([found], card, [0.0] * 4, 2)
    assert channel == {"name": "diagram-2", "propagators": [{"legs": [0, 2]}]}


def test_unknown_masses_are_told(tmp_path: Path, card: ParamCard) -> None:
    text = MUONS.replace("MDL_MZ", "MDL_MZP").replace("MDL_WZ", "MDL_WZP")
    _, unknown = channels_of([code(tmp_path, "matrix.f", text)], card, [0.0] * 4, 2)
    assert unknown == ("MDL_MZP", "FK_MDL_WZP")


def test_param_card(card: ParamCard) -> None:
    assert (card.mass(-6), card.mass(21), card.mass(24)) == (173.0, 0.0, 80.419)
    assert card.symbol("m_pars->mdl_MZ") == 91.188
    assert (card.symbol("FK_MDL_WT"), card.symbol("MDL_MW")) == (1.4915, 80.419)
    assert card.symbol("ZERO") == card.symbol("0.") == 0
    assert card.symbol("MDL_WW") is None


def test_damaged_param_card(tmp_path: Path) -> None:
    path = tmp_path / "card.dat"
    with pytest.raises(InputError, match=r"card\.dat: no parameter card"):
        read_param_card(path)
    path.write_text("Block mass\n 6 heavy # MT\n")
    with pytest.raises(InputError, match=r"line 2: '6 heavy # MT' is no entry of block mass"):
        read_param_card(path)


def test_proc_card(tmp_path: Path) -> None:
    path = tmp_path / "proc_card_mg5.dat"
    assert read_proc_card(path) is None
    path.write_text(PROC_CARD)
    found = read_proc_card(path)
    assert found is not None
    assert (found.model, found.asked) == (
        "sm-no_b_mass",
        ("e+ e- > mu+ mu-", "q q > t t~ @2"),
    )
    assert found.both_orders("u", "u~")
    assert not found.both_orders("e+", "e-")


def test_particle_names() -> None:
    assert process_ids("g u~ > e+ ve~ z a") == ((21, -2, -11, -12, 23, 22), 2)
    assert process_ids("w- > mu- vm~") == ((-24, 13, -14), 1)
    assert process_ids("g g > go go") is None
    assert process_ids("u d~ > w+ > e+ ve / h $ z") == ((2, -1, -11, 12), 2)
    assert process_ids("h > ta+ ta-") == ((25, -15, 15), 1)
