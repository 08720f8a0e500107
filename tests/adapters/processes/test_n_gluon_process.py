"""The process n-gluon: options, cuts it needs, colour flows, gradients, conservation of its checkpoints."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.adapters.processes.n_gluon import make_n_gluon
from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.options import load_schema
from crosshook.core.process.self_test import check_amplitudes
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from crosshook.adapters.processes.n_gluon import GluonProcess

GLUONS = BeamSetup(1000.0, (21, 21), hadronic=False)
PROTONS = BeamSetup(13000.0, (2212, 2212), hadronic=True)


def build(**options: object) -> GluonProcess:
    slot = Slot("n-gluon", options)
    return cast("GluonProcess", default_registry().build("process", slot, BuildContext()))


def test_schema_and_factory_have_the_same_options() -> None:
    properties = load_schema("crosshook.schemas:v1/components/n-gluon.json")["properties"]
    assert isinstance(properties, dict)
    keywords = [
        p for p in inspect.signature(make_n_gluon).parameters.values() if p.kind is p.KEYWORD_ONLY
    ]
    assert [p.name for p in keywords] == list(properties)
    assert all({"default", "description"} <= rule.keys() for rule in properties.values())


@pytest.mark.parametrize("options", [{"gluons": 5}, {"initial": "quarks"}, {"gluon": 3}])
def test_bad_options_are_named(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))[:5]):
        build(**options)


@pytest.mark.parametrize("gluons", [2, 3, 4])
def test_check_points(gluons: int) -> None:
    process = build(gluons=gluons)
    assert len(process.checkpoints) == 2
    check_amplitudes(process, torch.device("cpu"))


@pytest.mark.parametrize(("gluons", "flows"), [(2, 6), (3, 24), (4, 120)])
def test_flows_close(gluons: int, flows: int) -> None:
    (subprocess,) = build(gluons=gluons).matrix_element().subprocesses
    assert len(set(subprocess.colour_flows)) == flows
    for flow in subprocess.colour_flows:
        outgoing = [(b, a) if leg < 2 else (a, b) for leg, (a, b) in enumerate(flow)]
        assert sorted(c for c, _ in outgoing) == sorted(c for _, c in outgoing)
        assert all(colour != anticolour for colour, anticolour in flow)


@pytest.mark.parametrize("gluons", [2, 3, 4])
def test_gradients(gluons: int) -> None:
    """Energies of massless legs follow from their momenta: only these are varied."""
    process = build(gluons=gluons)
    element = process.matrix_element()
    legs = torch.tensor([process.checkpoints[0].momenta], dtype=torch.float64)
    alpha_s = torch.full((1,), 0.118, dtype=torch.float64)
    norm = float(element.squared(legs, 0, alpha_s).value)

    def value(space: torch.Tensor, coupling: torch.Tensor) -> torch.Tensor:
        energy = torch.sqrt(space.square().sum(-1, keepdim=True))
        return element.squared(500 * torch.cat((energy, space), -1), 0, coupling).value / norm

    inputs = ((legs[..., 1:] / 500).requires_grad_(True), alpha_s.requires_grad_(True))
    assert torch.autograd.gradcheck(value, inputs, eps=1e-7, atol=1e-4, rtol=1e-4)


def test_batches_do_not_matter() -> None:
    """Points are evaluated in pieces; none of them knows of the others."""
    process = build(gluons=4)
    phase_space = process.phase_space(GLUONS, process.defaults.cuts)
    generator = torch.Generator().manual_seed(2)
    u = torch.rand(1100, phase_space.n_dim, generator=generator, dtype=torch.float64)
    momenta = phase_space.forward(u, torch.arange(1100) % len(phase_space.channels)).momenta
    alpha_s = torch.full((1100,), 0.1, dtype=torch.float64)
    element = process.matrix_element()
    whole = element.squared(momenta, 0, alpha_s).value
    rows = torch.tensor([3, 511, 512, 1099])
    few = element.squared(momenta[rows], 0, alpha_s[rows]).value
    assert torch.allclose(few, whole[rows], rtol=1e-12)
    assert element.squared(momenta[:0], 0, alpha_s[:0], want=("colour",)).value.shape == (0,)
    nobody = element.of_helicity(momenta[:0], 0, alpha_s[:0], rows[:0], want=("colour",))
    assert nobody.value.shape == (0,)


def test_poles_must_be_cut_off() -> None:
    with pytest.raises(ConfigurationError, match="pt_min must be above 0"):
        build().phase_space(GLUONS, {"m_pair_min": 30.0})
    with pytest.raises(ConfigurationError, match="two gluons are parallel"):
        build().phase_space(GLUONS, {"pt_min": 30.0})
    assert build(gluons=2).phase_space(GLUONS, {"pt_min": 30.0}).n_dim == 2


def test_beams_and_energies_that_do_not_fit() -> None:
    cuts = {"pt_min": 30.0, "m_pair_min": 30.0}
    with pytest.raises(ConfigurationError, match="option initial"):
        build().phase_space(PROTONS, cuts)
    with pytest.raises(ConfigurationError, match="no phase space"):
        build(gluons=4).phase_space(BeamSetup(100.0, (21, 21), hadronic=False), cuts)


def test_dimensions_and_channels() -> None:
    cuts = {"pt_min": 30.0, "m_pair_min": 30.0}
    for gluons, fixed, channels in ((2, 2, 1), (3, 5, 3), (4, 8, 6)):
        space = build(gluons=gluons).phase_space(GLUONS, cuts)
        assert (space.n_dim, len(space.channels)) == (fixed, channels)
        hadronic = build(gluons=gluons, initial="protons").phase_space(PROTONS, cuts)
        assert (hadronic.n_dim, len(hadronic.channels)) == (fixed + 2, channels)
        flat = build(gluons=gluons, phase_space="rambo").phase_space(GLUONS, cuts)
        assert (flat.n_dim, flat.channels) == (fixed, ("rambo",))
