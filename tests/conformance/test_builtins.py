"""Every built-in component passes the public conformance kit, at the precision of float64."""

import pytest

from crosshook.core.registry import default_registry
from crosshook.core.testkit import KITS, Subject, checks_for
from crosshook.core.testkit.runner import BoundCheck

FLOAT64 = 1e-8

REQUIRED_OPTIONS = {"lhapdf": {"set": "ToyLH_LO"}}

SUBJECTS = [
    Subject(
        registered,
        default_registry(),
        REQUIRED_OPTIONS.get(registered.component.name, {}),
        tolerance=FLOAT64,
    )
    for registered in default_registry().components()
    if registered.distribution == "crosshook"
    and registered.interface.name in KITS
    and not registered.reason
]


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(
            BoundCheck(check, subject),
            id=f"{subject.interface}-{subject.registered.component.name}-{check.name}",
        )
        for subject in SUBJECTS
        for check in checks_for(subject.interface)
    ],
)
def test_conformance(check: BoundCheck) -> None:
    check()


def test_there_are_built_ins_behind_the_sampling_hooks() -> None:
    names = {(s.interface, s.registered.component.name) for s in SUBJECTS}
    assert names >= {
        ("channel_mapping", "uniform"),
        ("channel_mapping", "vegas"),
        ("channel_weights", "prior"),
        ("channel_weights", "uniform"),
        ("unweighter", "rejection"),
    }
