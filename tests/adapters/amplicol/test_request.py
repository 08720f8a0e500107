"""Processes in words."""

from __future__ import annotations

import pytest

from crosshook.adapters.amplicol.request import parse
from crosshook.core.errors import ConfigurationError


def test_particles_and_groups() -> None:
    found = parse("p  p > TAU- ve~ j")
    assert found.text == "p p > TAU- ve~ j"
    assert found.outgoing[:2] == ((15,), (-12,))
    assert set(found.incoming[0]) == set(found.outgoing[2]) == {21, *range(1, 6), *range(-5, 0)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("p p t t~", "needs one '>'"),
        ("p p > t t~ > j", "needs one '>'"),
        ("p > t t~", "1 incoming and 2 outgoing"),
        ("p p > tt~", "2 incoming and 1 outgoing"),
        ("p p > t t~ muu-", "unknown particle 'muu-'; did you mean mu-?"),
        ("p p > t t~ 7", "unknown particle '7'; known are"),
    ],
)
def test_what_is_no_process_is_said(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match="process ") as caught:
        parse(text)
    assert reason in str(caught.value)
