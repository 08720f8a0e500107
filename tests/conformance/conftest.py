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
from crosshook.core.testkit import Check, Finding, checks_for, run_checks, subject_of

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


NOTHING_TO_SHRINK = ("raises ", "no stored amplitude to compare with")
"""How findings begin that come before any input: a training that fails, say."""


def has_its_smallest_case(finding: Finding, check: Check) -> None:
    """Asserts that a finding says what its smallest case is, if it has one by nature."""
    if check.whole:
        assert not finding.smallest
    elif not finding.message.startswith(NOTHING_TO_SHRINK):
        assert finding.smallest, finding


@pytest.fixture
def registry_of() -> Callable[..., Registry]:
    """`registry_of("channel_mapping", Class)`: a registry with that class as `subject`."""

    def make(interface: str, factory: type, capabilities: Capabilities | None = None) -> Registry:
        return registry_with(interface, factory, capabilities or Capabilities())

    return make


@pytest.fixture
def findings_on() -> Callable[..., list[Finding]]:
    """Runs the whole kit on a class: `findings_on("channel_mapping", Class, capabilities)`."""

    def run(
        interface: str, factory: type, capabilities: Capabilities | None = None
    ) -> list[Finding]:
        registry = registry_with(interface, factory, capabilities or Capabilities())
        findings = run_checks("subject", registry, interface=interface)
        checks = {check.name: check for check in checks_for(interface)}
        for finding in findings:
            has_its_smallest_case(finding, checks[finding.check])
        return findings

    return run


@pytest.fixture
def reject() -> Callable[..., None]:
    """Asserts that a check finds a defect in a class and names it as the pattern says."""

    def run(
        interface: str,
        factory: type,
        words: str,
        check: str,
        capabilities: Capabilities | None = None,
    ) -> None:
        registry = registry_with(interface, factory, capabilities or Capabilities())
        subject = subject_of("subject", registry, interface=interface)
        (chosen,) = (c for c in checks_for(interface) if c.name == check)
        findings = chosen.outcome(subject).findings
        messages = [finding.message for finding in findings]
        assert any(re.search(words, message) for message in messages), messages
        for finding in findings:
            has_its_smallest_case(finding, chosen)

    return run
