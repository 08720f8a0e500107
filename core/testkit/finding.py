"""What a check has to say: findings, and the outcome of one check on one component."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One way in which a component breaks its contract.

    Attributes:
        message: the defect in words, with the figures that show it.
        case: the smallest case in which it was seen, e.g. `d=1, k=1, n=1000`.
        given: the input row that shows it, or `""`.
        smallest: the smallest input found that shows it: fewest rows, simplest values; or `""`.
        figures: the numbers behind the message.
        check: name of the check.
        law: what must hold, in words and as a formula.
    """

    message: str
    case: str = ""
    given: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    check: str = ""
    law: str = ""
    smallest: str = ""

    def __str__(self) -> str:
        lines = [f"{self.check}: {self.message}"]
        if self.case:
            lines.append(f"  case: {self.case}")
        if self.given:
            lines.append(f"  input: {self.given}")
        if self.smallest:
            lines.append(f"  smallest: {self.smallest}")
        if self.law:
            lines.append(f"  law: {self.law}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Outcome:
    """What became of one check.

    Attributes:
        check: its name.
        law: what must hold.
        status: `passed`, `failed` or `skipped`.
        findings: the defects found; none unless it failed.
        reason: why it was skipped, or `""`.
        page: where the documentation explains it.
    """

    check: str
    law: str
    status: Status
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    page: str = ""


class NotApplicable(Exception):
    """Raised by a check that a component's capabilities put out of scope."""
