"""Registers components written in a test module, as a plugin of their own would."""

from __future__ import annotations

import re
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from crosshook.core.component import Capabilities, Component
from crosshook.core.entry_points import Plugin
from crosshook.core.interfaces import INTERFACES
from crosshook.core.registry import Registry
from crosshook.core.testkit import Finding, examine, run_checks, subject_of

if TYPE_CHECKING:
    from collections.abc import Callable


def registry_with(interface: str, factory: type, capabilities: Capabilities) -> Registry:
    """A registry with one component `subject`, whose factory is a class of a test module."""
    record: Component[object] = Component(
        "subject", f"{factory.__module__}:{factory.__name__}", "", capabilities=capabilities
    )
    module = ModuleType("plugin_of_the_test")
    setattr(module, INTERFACES[interface].hook, lambda: [record])
    return Registry([Plugin("test", module.__name__, "test-plugin", "0", module)])


@pytest.fixture
def findings_on() -> Callable[..., list[Finding]]:
    """Runs the whole kit on a class: `findings_on("channel_mapping", Class, capabilities)`."""

    def run(
        interface: str, factory: type, capabilities: Capabilities | None = None
    ) -> list[Finding]:
        registry = registry_with(interface, factory, capabilities or Capabilities())
        return run_checks("subject", registry, interface=interface)

    return run


@pytest.fixture
def reject() -> Callable[..., None]:
    """Asserts that the kit finds a defect in a class and names it as the pattern says."""

    def run(
        interface: str, factory: type, words: str, capabilities: Capabilities | None = None
    ) -> None:
        registry = registry_with(interface, factory, capabilities or Capabilities())
        subject = subject_of("subject", registry, interface=interface)
        messages = []
        for outcome in examine(subject):
            for finding in outcome.findings:
                if re.search(words, finding.message):
                    return
                messages.append(finding.message)
        pytest.fail(f"{factory.__name__}: no finding says {words!r}, only {messages}")

    return run
