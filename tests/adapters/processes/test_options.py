"""Options: defaults, and one clear message for what is not allowed."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from crosshook.adapters.processes import make_drell_yan, make_ee_mumu, make_pp_ttbar
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.options import load_schema

if TYPE_CHECKING:
    from typing import Any

    from crosshook.core.interfaces.process import Process

PROTONS = BeamSetup(13000.0, (2212, 2212), hadronic=True)


@pytest.mark.parametrize(
    ("name", "factory"),
    [("pp-ttbar", make_pp_ttbar), ("drell-yan", make_drell_yan), ("ee-mumu", make_ee_mumu)],
)
def test_schema_and_factory_have_the_same_options(name: str, factory: Any) -> None:
    properties = load_schema(f"crosshook.schemas:v1/components/{name}.json")["properties"]
    assert isinstance(properties, dict)
    keywords = [
        p for p in inspect.signature(factory).parameters.values() if p.kind is p.KEYWORD_ONLY
    ]
    assert [p.name for p in keywords] == list(properties)
    assert all(p.default is p.empty for p in keywords)
    assert all({"default", "description"} <= rule.keys() for rule in properties.values())


def test_defaults_are_the_reference_set_ups(build: Any) -> None:
    assert build("pp-ttbar").matrix_element().parameters == {"mass_t": 172.5}
    assert build("drell-yan").matrix_element().parameters == {
        "alpha_qed_inverse": 132.183,
        "sin2_theta_w": 0.223013,
        "mass_z": 91.1876,
        "width_z": 2.4952,
    }
    assert build("ee-mumu").defaults.beams == (-11, 11)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("pp-ttbar", {"mass_t": -1}, "mass_t"),
        ("pp-ttbar", {"light_flavours": 6}, "light_flavours"),
        ("pp-ttbar", {"mass_top": 173}, "mass_t"),
        ("drell-yan", {"lepton": "tau"}, "lepton"),
        ("drell-yan", {"sin2_theta_w": 1.2}, "sin2_theta_w"),
        ("ee-mumu", {"width_z": 0}, "width_z"),
    ],
)
def test_bad_options_are_named(
    build: Any, name: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        build(name, **options)


def test_options_reach_the_process(build: Any) -> None:
    process = build("drell-yan", lepton="mu", light_flavours=2)
    assert process.name == "p p > mu- mu+"
    assert [each.pdg for each in process.matrix_element().subprocesses] == [
        (1, -1, 13, -13),
        (2, -2, 13, -13),
    ]
    gluons = build("pp-ttbar", light_flavours=0).matrix_element().subprocesses
    assert [each.label for each in gluons] == ["g g > t t~"]


@pytest.mark.parametrize("name", ["pp-ttbar", "drell-yan"])
def test_hadronic_processes_refuse_leptons(build: Any, name: str) -> None:
    beams = BeamSetup(1000.0, (-11, 11), hadronic=False)
    with pytest.raises(ConfigurationError, match=r"beams \(-11, 11\) are not hadrons"):
        build(name).phase_space(beams, {"m_min": 66.0})


def test_ee_mumu_refuses_other_beams(build: Any) -> None:
    with pytest.raises(ConfigurationError, match="the positron along"):
        build("ee-mumu").phase_space(PROTONS, {})


def test_drell_yan_needs_a_cut_on_the_photon_pole(build: Any) -> None:
    with pytest.raises(ConfigurationError, match="m_min or pt_min"):
        build("drell-yan").phase_space(PROTONS, {})


def test_channels_are_named(process: Process) -> None:
    defaults = process.defaults
    beams = BeamSetup(defaults.energy, defaults.beams, defaults.hadronic)
    channels = process.phase_space(beams, defaults.cuts).channels
    assert len(set(channels)) == len(channels) > 0
