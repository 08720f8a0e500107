"""The public conformance kit on the process `umami`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crosshook.core.registry import default_registry
from crosshook.core.testkit import Subject, checks_for
from crosshook.core.testkit.runner import BoundCheck
from tests.adapters.umami.conftest import top_pair

if TYPE_CHECKING:
    from tests.adapters.umami.conftest import Compile

CHECKS = {check.name: check for check in checks_for("process")}
_MADE: dict[str, Subject] = {}


@pytest.fixture
def subject(library: Compile) -> Subject:
    """gg → tt̄ with MadGraph's first point, whose top has a width."""
    if "gg_tt" not in _MADE:
        path = Path(__file__).parents[2] / "data" / "amplitudes.json"
        row = json.loads(path.read_text("utf-8"))["gg_tt"][0]
        point = {
            "momenta": row["momenta"],
            "alpha_s": row["alpha_s"],
            "value": row["squared"],
            "tolerance": 1e-4,
        }
        options = {**top_pair(library("gg_tt")), "reference": [point]}
        registry = default_registry()
        registered = registry.get("process", "umami")
        _MADE["gg_tt"] = Subject(registered, registry, options, tolerance=1e-8)
    return _MADE["gg_tt"]


@pytest.mark.parametrize("name", CHECKS)
def test_conformance(name: str, subject: Subject) -> None:
    BoundCheck(CHECKS[name], subject)()
