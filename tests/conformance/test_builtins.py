"""Every built-in component passes the public conformance kit, at the precision of float64."""

from __future__ import annotations

from math import pi
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crosshook.core.learning import learner
from crosshook.core.registry import default_registry
from crosshook.core.testkit import KITS, Subject, checks_for
from crosshook.core.testkit.runner import BoundCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.registry import Registered

PHOTON = Path(__file__).parents[2] / "examples" / "photon_mumu.py"
SMEARING = PHOTON.with_name("smearing.py")

ELSEWHERE = frozenset({"madgraph", "onnx", "pyamplicol", "sherpa", "umami"})
"""Components that need a compiler, an extra or another program; the tests in their own folder run the kit on them."""

FLOAT64 = 1e-8
FLOAT32 = 1e-4

REQUIRED_OPTIONS: dict[str, dict[str, object]] = {
    "conditional-flow": {
        "epochs": 5,
        "iterations": 2,
        "draws": 3,
        "ratio_epochs": 3,
        "hidden": 12,
        "bins": 6,
        "depth": 1,
    },
    "conditional-flow-matching": {
        "epochs": 10,
        "iterations": 2,
        "draws": 3,
        "ratio_epochs": 3,
        "hidden": 16,
        "depth": 2,
        "steps": 3,
    },
    "lhapdf": {"set": "ToyLH_LO"},
    "expression": {"weights": {"ratio": "weight['up'] / weight['down']", "pt": "1 + pt[0]"}},
    "invariants": {"epochs": 10},
    "omnifold": {"ensemble": 1, "iterations": 3, "hidden": 32, "depth": 1, "epochs": 10},
    "matrix-element": {
        "process": "ee-mumu",
        "alternatives": {"heavy": {"mass_z": 91.5}, "wide": {"width_z": 3.0}},
    },
    "python": {"function": f"{PHOTON}:dsigma", "dimensions": 2},
    "python-amplitude": {
        "subprocesses": [{"function": f"{PHOTON}:squared", "pdg": [-11, 11, -13, 13]}],
        "channels": [
            {"name": "s", "propagators": [{"legs": [2, 3]}]},
            {"name": "t", "propagators": [{"legs": [0, 2]}]},
        ],
        "reference": [
            {
                "momenta": [[5, 0, 0, 5], [5, 0, 0, -5], [5, 5, 0, 0], [5, -5, 0, 0]],
                "value": 16 * pi**2 / 137.035999**2,
                "tolerance": 1e-12,
            }
        ],
    },
}
"""Of components that are nothing without, or take long with their defaults."""

FURTHER_OPTIONS: dict[str, list[dict[str, object]]] = {
    "flow": [
        {
            "structure": "coupling",
            "layers": 2,
            "networks": "per-channel",
            "precision": "float64",
            "bins": 3,
            "hidden": 6,
            "depth": 1,
            "encoding": 1,
        },
    ],
    "n-gluon": [{"helicities": "sampled"}],
    "network": [{"precision": "float64", "hidden": 5, "depth": 1}],
    "invariants": [
        {
            "precision": "float64",
            "hidden": 5,
            "depth": 1,
            "ansatz": "none",
            "boost": 0.5,
            "epochs": 10,
        },
    ],
}
"""Option sets that are tried besides the defaults: everything that makes other code run."""

SHORT: dict[str, object] = {"epochs": 3, "acceptance_epochs": 2, "precision": "float64"}
SMALL = {**SHORT, "hidden": 5, "depth": 1}
TRANSFER_OPTIONS: dict[str, list[dict[str, object]]] = {
    "python": [{"function": f"{SMEARING}:Smearing"}],
    "gaussian": [{"epochs": 3, "acceptance_epochs": 2}],
    "mixture-density": [{**SMALL, "components": 3, "encoding": 2}],
    "flow": [{**SMALL, "components": 2, "bins": 3, "encoding": 2}],
    "transformer-flow": [
        {**SHORT, "width": 4, "heads": 2, "blocks": 1, "components": 2, "bins": 3, "encoding": 2}
    ],
}
"""Option sets of transfer functions."""

FEW_STEPS, FEW_EVALUATIONS, FEW_EVENTS = 30, 400, 2000
"""A training that leaves the identity; the kit's checks hold for any trained state."""


def _subjects(registered: Registered) -> Iterator[tuple[str, Subject]]:
    component = registered.component
    given = [REQUIRED_OPTIONS.get(component.name, {}), *FURTHER_OPTIONS.get(component.name, [])]
    if registered.interface.name == "transfer_function":
        given = TRANSFER_OPTIONS[component.name]
    for number, options in enumerate(given):
        subject = Subject(registered, default_registry(), options, tolerance=FLOAT64)
        if component.capabilities.learns or subject.interface == "amplitude_surrogate":
            subject.evaluations = FEW_EVALUATIONS
            if "precision" not in options:
                subject.tolerance = FLOAT32
        if subject.interface == "transfer_function":
            subject.evaluations = FEW_EVENTS
            subject.tolerance = FLOAT64 if "precision" in options else FLOAT32
        place = f"-{number}" if number else ""
        yield f"{subject.interface}-{component.name}{place}", subject


SUBJECTS = [
    named
    for registered in default_registry().components()
    if registered.distribution == "crosshook"
    and registered.interface.name in KITS
    and not registered.reason
    and registered.component.name not in ELSEWHERE
    for named in _subjects(registered)
]


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(BoundCheck(check, subject), id=f"{name}-{check.name}")
        for name, subject in SUBJECTS
        for check in checks_for(subject.interface)
    ],
)
def test_conformance(check: BoundCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner, "FEWEST_STEPS", FEW_STEPS)
    check()


def test_there_are_built_ins_behind_the_sampling_hooks() -> None:
    names = {(s.interface, s.registered.component.name) for _, s in SUBJECTS}
    assert names >= {
        ("channel_mapping", "uniform"),
        ("channel_mapping", "vegas"),
        ("channel_mapping", "flow"),
        ("channel_weights", "prior"),
        ("channel_weights", "network"),
        ("channel_weights", "uniform"),
        ("unweighter", "rejection"),
    }
