"""Crosshook's conformance kit on the component, one test for each law of its interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.testkit import parametrize_with_checks

if TYPE_CHECKING:
    from collections.abc import Callable


@parametrize_with_checks("event_format", "csv")
def test_conformance(check: Callable[[], None]) -> None:
    """The component as a run would build it keeps the law."""
    check()
