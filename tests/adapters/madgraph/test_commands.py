"""`crosshook process show` and `crosshook process add` on process directories."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.adapters.command_line import call
from tests.adapters.madgraph.conftest import MUONS, PHOTON, PROC_CARD, TOPS
from tests.adapters.madgraph.test_reading import CONTACT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.madgraph.conftest import MakeDirectory

FOLDER = "SubProcesses/P1_ll_ll"


def test_show(muons: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("process", "show", muons) == 0
    shown = capsys.readouterr().out
    assert "MadGraph process directory" in shown
    assert "sm-no_b_mass" in shown
    assert "e+ e- > mu+ mu-: 2 diagrams; matrix2py, matrix2py.py" in shown
    assert call("process", "show", muons, "--json") == 0
    (folder,) = json.loads(capsys.readouterr().out)["folders"]
    assert (folder["legs"], folder["kind"], folder["mirror"]) == (4, "matrix2py", None)


def test_add_writes_what_runs(
    muons: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without colour and α_s nothing is left to fill in: the process is built and tested."""
    output = tmp_path / "process.yaml"
    assert call("process", "add", muons, "--output", output) == 0
    assert "left to fill in" not in capsys.readouterr().err
    assert yaml.safe_load(output.read_text())["process"]["madgraph"] == {
        "directory": str(muons),
        "subprocesses": [{"file": f"{FOLDER}/matrix2py.py", "pdg": [-11, 11, -13, 13]}],
        "channels": [
            {"name": "diagram-1", "propagators": [{"legs": [2, 3]}]},
            {
                "name": "diagram-2",
                "propagators": [{"legs": [2, 3], "mass": 91.188, "width": 2.441404}],
            },
        ],
        "invariance": 7.2e-4,
    }
    # one folder of it is named
    assert call("process", "add", muons / FOLDER, "--card", muons / "Cards/param_card.dat") == 0
    named = yaml.safe_load(capsys.readouterr().out)["process"]["madgraph"]
    assert (named["directory"], named["card"]) == (str(muons), f"{muons}/Cards/param_card.dat")


def test_add_measures_the_power_of_alpha_s(tops: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("process", "add", tops) == 0
    options = yaml.safe_load(capsys.readouterr().out)["process"]["madgraph"]
    assert options["subprocesses"] == [
        {"file": "lib/libmg5amc_gg_ttx_cpp.so", "pdg": [21, 21, 6, -6], "orders": {"qcd": 2}}
    ]
    assert [c["propagators"][0]["legs"] for c in options["channels"]] == [[2, 3], [0, 2], [0, 3]]


QUARKS = MUONS.replace("e+ e- > mu+ mu-", "u u~ > t t~")


def test_the_other_order_of_the_beams(
    make_directory: MakeDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    """`q q > t t~` was asked for, and one order was written: it stands for both."""
    module = PHOTON.replace("return 2", "return alphas**2.5")
    root = make_directory(
        {
            f"{FOLDER}/matrix.f": QUARKS,
            f"{FOLDER}/matrix2py.py": module,
            "Cards/proc_card_mg5.dat": PROC_CARD,
        }
    )
    assert call("process", "add", root) == 0
    shown = capsys.readouterr()
    (entry,) = yaml.safe_load(shown.out)["process"]["madgraph"]["subprocesses"]
    assert entry["mirror"] is True
    assert "orders of P1_ll_ll: |M|² is no single power of α_s" in shown.err
    (root / "Cards" / "proc_card_mg5.dat").unlink()
    assert call("process", "add", root) == 0
    shown = capsys.readouterr()
    assert "mirror: true" not in shown.out
    assert "mirror of P1_ll_ll: true if the other order is meant too" in shown.err
    (root / FOLDER / "mirrorprocs.inc").write_text("      DATA (MIRRORPROCS(I),I=1,1)/.TRUE./\n")
    assert call("process", "add", root) == 0
    assert "mirror: true" in capsys.readouterr().out


def test_add_says_what_is_left(
    make_directory: MakeDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = MUONS.replace("mu+ mu-", "x1+ x1-").replace("MDL_MZ", "MDL_MZP")
    root = make_directory({f"{FOLDER}/matrix.f": unknown, f"{FOLDER}/matrix2py.py": PHOTON})
    assert call("process", "add", root) == 0
    shown = capsys.readouterr()
    assert "pdg of P1_ll_ll (e+ e- > x1+ x1-): 4 PDG ids" in shown.err
    assert "MDL_MZP: a mass or width that" in shown.err
    assert yaml.safe_load(shown.out)["process"]["madgraph"]["subprocesses"][0]["pdg"] == []
    assert call("process", "add", root, "--pdg", "-11,11,2,-2") == 0
    shown = capsys.readouterr()
    assert "pdg of" not in shown.err
    assert call("process", "add", root, "--pdg", "2,-2,2,-2") == 0
    assert "colour_flows of P1_ll_ll" in capsys.readouterr().err


def test_what_is_not_built_is_said_with_its_command(
    muons: Path, make_directory: MakeDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    make_directory(
        {
            "SubProcesses/P2_gg_gg/matrix.f": CONTACT,
            "SubProcesses/P2_gg_gg/matrix2py.cpython-27-x86_64-linux-gnu.so": "x",
        }
    )
    assert call("process", "add", muons) == 0
    error = capsys.readouterr().err
    assert "P2_gg_gg is not built: matrix2py.cpython-27-x86_64-linux-gnu.so is built for" in error
    assert f"cd {muons}/SubProcesses/P2_gg_gg && make matrix2py.so" in error
    assert call("process", "add", muons / "SubProcesses" / "P2_gg_gg") == 2
    assert "nothing can be called" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"CPPProcess.cc": TOPS}, "standalone_cpp has no library to call"),
        (
            {"CPPProcess.cc": TOPS, "fbridge.cc": "", "cudacpp.mk": ""},
            "make -f cudacpp.mk FPTYPE=d",
        ),
        ({"CPPProcess.cc": TOPS, "api.cpp": ""}, "P1_ll_ll && make FPTYPE=d"),
        ({"matrix1.f": MUONS}, "this output is for MadEvent"),
        ({"check_sa.f": ""}, "no generated code"),
    ],
)
def test_other_outputs(
    files: dict[str, str],
    message: str,
    make_directory: MakeDirectory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = make_directory({f"{FOLDER}/{name}": text for name, text in files.items()})
    assert call("process", "add", root) == (3 if "no generated" in message else 2)
    assert message in capsys.readouterr().err


def test_processes_of_different_legs(
    muons: Path, make_directory: MakeDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    three = MUONS.replace(
        "CALL FFV1P0_3", "CALL VXXXXX(P(0,5),ZERO,NHEL(5),1*IC(5),W(1,6))\n CALL X"
    )
    make_directory(
        {
            "SubProcesses/P2_ll_lla/matrix.f": three,
            "SubProcesses/P2_ll_lla/matrix2py.py": PHOTON,
        }
    )
    assert call("process", "add", muons) == 2
    assert "processes of 4, 5 legs; name one folder" in capsys.readouterr().err


def test_a_library_behind_umami_is_for_that_process(
    make_directory: MakeDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its diagrams are numbered as the code has them, and give the channels' prior weights."""
    root = make_directory({f"{FOLDER}/CPPProcess.cc": TOPS, f"{FOLDER}/fbridge.cc": ""})
    library = root / "lib" / "libumami_cpp.so"
    library.parent.mkdir()
    library.write_bytes(b"umami_matrix_element\0fbridgecreate_\0")
    assert call("process", "add", root) == 0
    shown = capsys.readouterr()
    options = yaml.safe_load(shown.out)["process"]["umami"]
    assert options["subprocesses"] == [
        {
            "library": str(library),
            "card": str(root / "Cards" / "param_card.dat"),
            "pdg": [21, 21, 6, -6],
        }
    ]
    assert [channel["diagrams"] for channel in options["channels"]] == [[0], [1], [2]]
    assert options["masses"] == [0, 0, 173, 173]
    assert "colour_flows of P1_ll_ll: in the library's order" in shown.err
