"""The conformance kit: tests that every component of an interface has to pass.

Built-ins and third-party components run the same checks, on the component as the registry builds
it, after a small training. From the shell: `crosshook plugins check NAME`. In a test module:

    from crosshook.core.testkit import parametrize_with_checks

    @parametrize_with_checks("channel_mapping", "my-mapping")
    def test_conformance(check):
        check()
"""

from crosshook.core.testkit.checks import KITS, Check, checks_for
from crosshook.core.testkit.finding import Finding, Outcome
from crosshook.core.testkit.runner import (
    examine,
    parametrize_with_checks,
    run_checks,
    subject_of,
)
from crosshook.core.testkit.subject import Subject

__all__ = [
    "KITS",
    "Check",
    "Finding",
    "Outcome",
    "Subject",
    "checks_for",
    "examine",
    "parametrize_with_checks",
    "run_checks",
    "subject_of",
]
