"""Runs the checks on components found by name, or lists them for pytest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.errors import RegistryError
from crosshook.core.registry import Registered, default_registry
from crosshook.core.testkit.checks import Check, checks_for
from crosshook.core.testkit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

    from crosshook.core.registry import Registry
    from crosshook.core.testkit.finding import Finding, Outcome


def subject_of(
    component: Registered | str,
    registry: Registry | None = None,
    *,
    interface: str | None = None,
    options: Mapping[str, object] | None = None,
    device: str = "cpu",
    tolerance: float | None = None,
) -> Subject:
    """A component ready to be checked.

    Args:
        component: the registered component, or its name.
        registry: where it is looked up and built; everything installed if None.
        interface: needed where components of several interfaces share the name.
        options: as in a run file.
        device: where it runs.
        tolerance: see `Subject`.

    Raises:
        RegistryError: if the name is unknown, ambiguous or unusable, or not for that device.
        ConfigurationError: if an option is not allowed.
    """
    chosen = registry if registry is not None else default_registry()
    if isinstance(component, str):
        component = chosen.find(component, interface)
    subject = Subject(component, chosen, options or {}, device)
    # Mistakes of the caller are errors here, not findings in every check.
    chosen.options(subject.interface, subject.slot())
    if device.split(":")[0] not in subject.capabilities.devices:
        name, able = component.component.name, ", ".join(subject.capabilities.devices)
        message = f"{subject.interface} {name!r} does not run on {device!r}; it runs on {able}"
        raise RegistryError(message)
    if tolerance is not None:
        subject.tolerance = tolerance
    return subject


def examine(subject: Subject) -> Iterator[Outcome]:
    """The outcome of every check, one after another."""
    for check in checks_for(subject.interface):
        yield check.outcome(subject)


def run_checks(
    component: Registered | str,
    registry: Registry | None = None,
    *,
    interface: str | None = None,
    options: Mapping[str, object] | None = None,
    device: str = "cpu",
    tolerance: float | None = None,
) -> list[Finding]:
    """All findings on a component; an empty list means that it conforms.

    Args:
        component: the registered component, or its name.
        registry: where it is looked up and built; everything installed if None.
        interface: needed where components of several interfaces share the name.
        options: as in a run file.
        device: where it runs.
        tolerance: see `Subject`.
    """
    subject = subject_of(
        component,
        registry,
        interface=interface,
        options=options,
        device=device,
        tolerance=tolerance,
    )
    return [finding for outcome in examine(subject) for finding in outcome.findings]


@dataclass
class BoundCheck:
    """A check with its component, as one pytest item: calling it passes, skips or fails.

    Attributes:
        check: the check.
        subject: the component.
    """

    check: Check
    subject: Subject

    def __call__(self) -> None:
        """Runs the check.

        Raises:
            AssertionError: listing the findings.
        """
        import pytest

        outcome = self.check.outcome(self.subject)
        if outcome.status == "skipped":
            pytest.skip(outcome.reason)
        if outcome.findings:
            raise AssertionError("\n".join(str(finding) for finding in outcome.findings))


def parametrize_with_checks(
    interface: str,
    name: str,
    registry: Registry | None = None,
    *,
    options: Mapping[str, object] | None = None,
    device: str = "cpu",
    tolerance: float | None = None,
) -> pytest.MarkDecorator:
    """One pytest item per check: decorate `def test_conformance(check): check()`.

    Args:
        interface: e.g. `channel_mapping`.
        name: the component's name.
        registry: where it is looked up and built; everything installed if None.
        options: as in a run file.
        device: where it runs.
        tolerance: see `Subject`.
    """
    import pytest

    subject = subject_of(
        name, registry, interface=interface, options=options, device=device, tolerance=tolerance
    )
    items = [
        pytest.param(BoundCheck(check, subject), id=f"{name}-{check.name}")
        for check in checks_for(interface)
    ]
    return pytest.mark.parametrize("check", items)
