"""Crosshook's conformance kit on the component, one test for each law of its interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytest.importorskip("madnis", reason="madnis is not installed: pip install --no-deps madnis")

from crosshook.core.testkit import parametrize_with_checks

SMALL = {"layers": 2, "units": 8, "bins": 4, "batch": 2500}


@parametrize_with_checks("channel_mapping", "madnis", options=SMALL, tolerance=1e-7)
def test_conformance(check: Callable[[], None]) -> None:
    """The component as a run would build it keeps the law."""
    check()
