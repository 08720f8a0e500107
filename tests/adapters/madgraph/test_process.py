"""The process `madgraph`: cross sections in closed form, cards, the conformance kit, what is refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.core.config import resolve
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, InputError, NumericalError
from crosshook.core.process.self_test import generic_points
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import build_process
from crosshook.core.testkit import Subject, checks_for
from crosshook.core.testkit.runner import BoundCheck
from tests.adapters.madgraph.conftest import CARD, MUONS, PHOTON

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.interfaces.process import Process
    from tests.adapters.madgraph.conftest import MakeDirectory

CPU = torch.device("cpu")
MODULE = "SubProcesses/P1_ll_ll/matrix2py.py"
LIBRARY = "lib/libmg5amc_gg_ttx_cpp.so"


def muon_pairs(root: Path, **changes: object) -> dict[str, object]:
    own = {"file": MODULE, "pdg": [-11, 11, -13, 13]}
    return {"directory": str(root), "subprocesses": [own], **changes}


def top_pairs(root: Path, **changes: object) -> dict[str, object]:
    own = {"file": LIBRARY, "pdg": [21, 21, 6, -6], "orders": {"qcd": 2}}
    channels = [{"propagators": [{"legs": [leg, 2], "mass": 173.0}]} for leg in (0, 1)]
    named = [{"name": name, **c} for name, c in zip("tu", channels, strict=True)]
    return {"directory": str(root), "subprocesses": [own], "channels": named, **changes}


def build(options: dict[str, object]) -> Process:
    registry = default_registry()
    slot = {"use": "madgraph", "options": options}
    context = BuildContext(registry=registry)
    return cast("Process", registry.build("process", slot, context, "run.yaml: process"))


def test_muon_pairs_have_the_textbook_cross_section(muons: Path) -> None:
    """σ = 4πα²/3s with α of the card."""
    registry = default_registry()
    document = {"process": {"madgraph": muon_pairs(muons)}, "beams": {"energy": 10.0}}
    process = build_process(resolve(document, "run.yaml", registry), registry)
    n = 2000
    u = torch.rand(
        n, process.n_dim, generator=torch.Generator().manual_seed(4), dtype=torch.float64
    )
    value = process.evaluate(u, torch.zeros(n, dtype=torch.int64)).value
    exact = 4 * math.pi / (3 * 132.507**2 * 10**2) * 0.3893793721e9
    assert abs(float(value.mean()) - exact) < 5 * float(value.std()) / math.sqrt(n)


def test_top_pairs_agree_with_crosshooks_own(tops: Path) -> None:
    """The same closed form in C and in torch."""
    own = build(top_pairs(tops)).matrix_element()
    registry = default_registry()
    slot = {"use": "pp-ttbar", "options": {"mass_t": 173.0}}
    other = cast(
        "Process",
        registry.build("process", slot, BuildContext(registry=registry), "process"),
    ).matrix_element()
    momenta = generic_points((0, 0, 173.0, 173.0), 1000.0, 2, CPU)
    alpha_s = torch.linspace(0.1, 0.13, len(momenta), dtype=torch.float64)
    expected = other.squared(momenta, 0, alpha_s).value
    assert torch.allclose(own.squared(momenta, 0, alpha_s).value, expected, rtol=1e-12, atol=0)
    assert own.subprocesses[0].chooses_colour


def test_a_card_of_ones_own(muons: Path, tmp_path: Path) -> None:
    """|M|² is proportional to α², of the card that is given."""
    card = tmp_path / "mine.dat"
    card.write_text(CARD.replace("1.325070e+02", "6.625350e+01"))
    momenta = generic_points((0.0,) * 4, 100.0, 2, CPU)
    alpha_s = torch.full((len(momenta),), 0.118, dtype=torch.float64)
    one, four = (
        build(options).matrix_element().squared(momenta, 0, alpha_s).value
        for options in (muon_pairs(muons), muon_pairs(muons, card=str(card)))
    )
    assert torch.allclose(four, 4 * one, rtol=1e-12, atol=0)


def test_masses_are_those_of_the_card(tops: Path, tmp_path: Path) -> None:
    card = tmp_path / "mine.dat"
    card.write_text(CARD.replace("1.730000e+02", "1.725000e+02"))
    assert build(top_pairs(tops, card=str(card))).matrix_element().masses == (0, 0, 172.5, 172.5)


def test_flavours_of_one_module_are_evaluated_once(muons: Path) -> None:
    options = muon_pairs(muons)
    entry = cast("list[dict[str, object]]", options["subprocesses"])[0]
    both = [entry, {**entry, "pdg": [-11, 11, -15, 15]}]
    card = CARD.replace("Block SMINPUTS", "   15 0.0 # MTA\nBlock SMINPUTS")
    (muons / "Cards" / "param_card.dat").write_text(card)
    found = build({**options, "subprocesses": both}).matrix_element().subprocesses
    assert [s.amplitude for s in found] == [0, 0]


@pytest.mark.parametrize("check", checks_for("process"), ids=lambda check: check.name)
def test_conformance(check: object, muons: Path) -> None:
    value = (4 * math.pi / 132.507) ** 2
    point = {
        "momenta": [[5, 0, 0, 5], [5, 0, 0, -5], [5, 5, 0, 0], [5, -5, 0, 0]],
        "value": value,
        "origin": "the closed form",
    }
    options = muon_pairs(muons, reference=[point])
    registry = default_registry()
    BoundCheck(check, Subject(registry.get("process", "madgraph"), registry, options))()  # type: ignore[arg-type]


def test_a_library_of_another_process(tops: Path) -> None:
    """A bridge ends its program when the number of legs is another."""
    options = top_pairs(tops, channels=[])
    options["subprocesses"] = [{"file": LIBRARY, "pdg": [22, 22, 6, -6, 22]}]
    with pytest.raises(InputError, match="npar mismatch"):
        build(options)


def test_what_is_refused(muons: Path, make_directory: MakeDirectory) -> None:
    def refused(kind: type[Exception], message: str, **changes: object) -> None:
        with pytest.raises(kind, match=message):
            build(muon_pairs(muons, **changes))

    entry = {"file": MODULE, "pdg": [-11, 11, -13, 13]}
    refused(InputError, "none: no such directory", directory="none")
    refused(InputError, "no parameter card", card="none.dat")
    missing = {**entry, "file": "SubProcesses/P1_ll_ll/matrix3py.so"}
    refused(InputError, r"no such file; `crosshook process add", subprocesses=[missing])
    (muons / "lib").mkdir()
    (muons / "lib" / "matrix2py.cpython-27-x86_64-linux-gnu.so").write_bytes(b"x")
    other = {**entry, "file": "lib/matrix2py.cpython-27-x86_64-linux-gnu.so"}
    refused(InputError, "built for another Python", subprocesses=[other])
    (muons / "lib" / "libother.so").write_bytes(b"x")
    refused(InputError, "neither a module", subprocesses=[{**entry, "file": "lib/libother.so"}])
    (muons / "lib" / "libbridge.so").write_bytes(b"fbridgecreate_")
    bridge = {**entry, "file": "lib/libbridge.so"}
    refused(InputError, r"fbridge\.inc: needed to know how", subprocesses=[bridge])
    tops = {**entry, "pdg": [-11, 11, 6, -6]}
    refused(ConfigurationError, "run them one by one", subprocesses=[entry, tops])
    quarks = {**entry, "pdg": [2, -2, 2, -2]}
    refused(ConfigurationError, "colour_flows: needed", subprocesses=[quarks])
    make_directory({MODULE: PHOTON.replace("dot(0, 2)", "p[0, 2]"), "m/matrix.f": MUONS})
    refused(NumericalError, "under a common boost")
