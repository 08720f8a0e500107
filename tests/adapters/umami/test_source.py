"""Values of libraries behind UMAMI: against MadGraph, whatever the layout of the momenta."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.adapters.umami.source import UmamiSource, arranged
from crosshook.core.amplitudes.assembled import AssembledAmplitudes
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, IntegrandError, NumericalError
from crosshook.core.process.self_test import check_amplitudes
from crosshook.core.registry import default_registry
from tests.adapters.umami.conftest import FLOWS, build, top_pair

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.process import Process
    from tests.adapters.umami.conftest import Compile

HEADERS = [(), ("HEADER_2025",)]
WIDTH = 1e-4
"""MadGraph keeps the width of the top: (Γ_t/m_t)² = 7.4e-5."""


def stored(name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Momenta, α_s and |M|² of MadGraph."""
    path = Path(__file__).parents[2] / "data" / "amplitudes.json"
    rows = json.loads(path.read_text("utf-8"))[name]
    momenta, alpha_s, squared = (
        torch.tensor([row[key] for row in rows], dtype=torch.float64)
        for key in ("momenta", "alpha_s", "squared")
    )
    return momenta, alpha_s, squared


def amplitudes(options: dict[str, object]) -> AssembledAmplitudes:
    found = build(options).matrix_element()
    assert isinstance(found, AssembledAmplitudes)
    return found


@pytest.mark.parametrize("header", HEADERS)
def test_top_pairs_are_those_of_madgraph(header: tuple[str, ...], library: Compile) -> None:
    """α_s differs from point to point."""
    momenta, alpha_s, squared = stored("gg_tt")
    found = amplitudes(top_pair(library("gg_tt", *header))).squared(momenta, 0, alpha_s).value
    assert torch.allclose(found, squared, rtol=WIDTH, atol=0)


def test_muon_pairs_are_those_of_madgraph(library: Compile) -> None:
    momenta, alpha_s, squared = stored("ee_mumu")
    given = {"library": str(library("ee_ff")), "pdg": [-11, 11, -13, 13]}
    found = amplitudes({"subprocesses": [given]}).squared(momenta, 0, alpha_s).value
    assert torch.allclose(found, squared, rtol=1e-8, atol=0)


def test_flavours_and_symmetry_factors(library: Compile) -> None:
    """Well above the Z the up quarks' 3·(Q² + ...) is within a factor of the muons'."""
    path = str(library("ee_ff"))
    given = [
        {"library": path, "pdg": [-11, 11, -13, 13]},
        {"library": path, "flavor_index": 1, "pdg": [-11, 11, -2, 2]},
        {"library": path, "flavor_index": 1, "pdg": [-11, 11, -4, 4], "identical": 2},
    ]
    found = amplitudes({"subprocesses": given})
    assert [s.process_id for s in found.subprocesses] == [1, 2, 3]
    assert [s.amplitude for s in found.subprocesses] == [0, 1, 2]
    assert found.subprocesses[1].label == "e+ e- > u~ u"
    momenta, alpha_s, _ = stored("ee_mumu")
    muons, ups, halves = (found.squared(momenta, i, alpha_s).value for i in range(3))
    assert torch.equal(ups, 2 * halves)
    assert ((ups / muons > 0.5) & (ups / muons < 3)).all()


@pytest.mark.parametrize(("flavour", "quark"), [(1, 2), (2, 1)])
def test_quarks_are_those_of_drell_yan_backwards(
    flavour: int, quark: int, library: Compile
) -> None:
    """|M|² of q q̄ → e- e+, which has its own amplitude: 9 times, for colours are not averaged over."""
    given = {
        "library": str(library("ee_ff")),
        "flavor_index": flavour,
        "pdg": [-11, 11, -quark, quark],
    }
    momenta, alpha_s, _ = stored("ee_mumu")
    found = amplitudes({"subprocesses": [given]}).squared(momenta, 0, alpha_s).value
    options = {
        "alpha_qed_inverse": 132.507,
        "sin2_theta_w": 0.222246486,
        "mass_z": 91.188,
        "width_z": 2.441404,
    }
    slot = {"use": "drell-yan", "options": options}
    process = cast("Process", default_registry().build("process", slot, BuildContext()))
    backwards = process.matrix_element()
    (number,) = (
        i for i, s in enumerate(backwards.subprocesses) if s.pdg == (quark, -quark, 11, -11)
    )
    expected = backwards.squared(momenta[:, [3, 2, 1, 0]], number, alpha_s).value
    assert torch.allclose(found, 9 * expected, rtol=1e-8, atol=0)


def test_every_layout_gives_the_same_and_the_right_one_is_not_copied(library: Compile) -> None:
    found = amplitudes(top_pair(library("gg_tt")))
    source = found.contributions[0].source
    assert isinstance(source, UmamiSource)
    momenta, alpha_s, squared = stored("gg_tt")
    soa = momenta.permute(2, 1, 0).contiguous()
    wide = torch.zeros((4, 4, 50), dtype=torch.float64)
    wide[:, :, 7:27] = soa
    lasts = source.handles.library._library.provider_last_momenta
    import ctypes

    lasts.restype = ctypes.c_void_p
    for layout, in_place in (
        (momenta, False),
        (soa.permute(2, 1, 0), True),
        (wide[:, :, 7:27].permute(2, 1, 0), True),
        (momenta.flip(0).flip(0), False),
    ):
        value = found.squared(layout, 0, alpha_s).value
        assert torch.allclose(value, squared, rtol=WIDTH, atol=0)
        assert (lasts() == layout.data_ptr()) == in_place
        with_diagrams = source.evaluate(layout, alpha_s, 0, diagrams=True)
        assert with_diagrams.diagrams is not None
        assert with_diagrams.diagrams.shape == (20, 3)
        assert (with_diagrams.diagrams[:, 0] == 4).all()
    assert arranged(momenta[:1]).stride == 1


def test_channels_are_weighed_by_their_diagrams(library: Compile) -> None:
    momenta, alpha_s, _ = stored("gg_tt")
    found = amplitudes(top_pair(library("gg_tt"))).squared(momenta, 0, alpha_s, want=("channels",))
    tau = [
        2 * (momenta[:, i] * momenta[:, 2] * torch.tensor([1, -1, -1, -1])).sum(1) for i in (0, 1)
    ]
    s = sum(tau)
    assert found.channels is not None
    expected = torch.stack((4 * torch.ones_like(s), (s / tau[0]) ** 2, (s / tau[1]) ** 2), 1)
    # eleven digits of momenta, of which the products of the faster gluon lose five
    assert torch.allclose(found.channels, expected, rtol=1e-5)


@pytest.mark.parametrize("count", [(), ("NO_COLOR_COUNT",)])
@pytest.mark.parametrize("header", HEADERS)
def test_colour_flows_are_drawn_by_the_library(
    header: tuple[str, ...], count: tuple[str, ...], library: Compile
) -> None:
    """The first flow has the share τ₂²/(τ₁² + τ₂²) of evenly spread numbers, also where the number
    of flows is not told.
    """
    found = amplitudes(top_pair(library("gg_tt", *header, *count)))
    assert len(found.subprocesses[0].colour_flows) == len(FLOWS)
    momenta, alpha_s, _ = stored("gg_tt")
    n = 2000
    point = momenta[:1].expand(n, -1, -1)
    uniform = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    flow = found.choose_colour(point, 0, alpha_s[:1].expand(n), uniform)
    tau = [
        float(2 * (point[0, i] * point[0, 2] * torch.tensor([1, -1, -1, -1])).sum())
        for i in (0, 1)
    ]
    expected = tau[1] ** 2 / (tau[0] ** 2 + tau[1] ** 2)
    assert abs(float((flow == 0).double().mean()) - expected) <= 1 / n


def test_colour_flows_that_are_not_written_are_missed(library: Compile) -> None:
    found = amplitudes(top_pair(library("gg_tt", "FORGETS_COLOUR")))
    momenta, alpha_s, _ = stored("gg_tt")
    with pytest.raises(
        ConfigurationError, match=r"chose colour flow -1 of g g > t t~; .* lists 2"
    ):
        found.choose_colour(momenta, 0, alpha_s, torch.full_like(alpha_s, 0.5))


def test_reference_points_are_compared(library: Compile) -> None:
    momenta, alpha_s, squared = stored("gg_tt")
    point = {
        "momenta": momenta[0].tolist(),
        "alpha_s": float(alpha_s[0]),
        "value": float(squared[0]),
        "tolerance": WIDTH,
        "origin": "MadGraph",
    }
    options = top_pair(library("gg_tt"))
    check_amplitudes(build({**options, "reference": [point]}), torch.device("cpu"))
    wrong = build({**options, "reference": [{**point, "value": 1.02 * float(squared[0])}]})
    with pytest.raises(NumericalError, match="but MadGraph gives"):
        check_amplitudes(wrong, torch.device("cpu"))


def test_nothing_and_nonsense(library: Compile) -> None:
    found = amplitudes(top_pair(library("gg_tt")))
    empty = torch.zeros((0, 4, 4), dtype=torch.float64)
    assert found.squared(empty, 0, empty[:, 0, 0], want=("channels",)).value.shape == (0,)
    for wrong in (torch.zeros((2, 5, 4), dtype=torch.float64), torch.zeros((2, 4, 4))):
        with pytest.raises(IntegrandError, match="needed are"):
            found.squared(wrong, 0, wrong[:, 0, 0])
