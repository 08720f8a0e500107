"""What a check has to say: findings, and the outcome of one check on one component."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

OTHERS = {*sys.stdlib_module_names, "numpy", "torch"}
"""Packages in which an error may come up, but whose lines nobody wants to see."""

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One way in which a component breaks its contract.

    Attributes:
        message: the defect in words, with the figures that show it.
        case: the smallest case in which it was seen, e.g. `d=1, k=1, n=1000`.
        given: the input row that shows it, or `""`.
        smallest: the smallest case found that shows it: fewest rows, draws, events or tasks,
            simplest values; `""` where there is none by nature.
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
        lines += self.lines()
        if self.law:
            lines.append(f"law: {self.law}")
        return "\n  ".join(lines)

    def lines(self) -> list[str]:
        """Case, input and smallest case, those there are; further lines of one are indented."""
        named = {"case": self.case, "input": self.given, "smallest": self.smallest}
        text = [f"{name + ':':6} {value}" for name, value in named.items() if value]
        return [line for part in text for line in part.replace("\n", "\n  ").splitlines()]


@dataclass(frozen=True)
class Outcome:
    """What became of one check.

    Attributes:
        check: its name.
        law: what must hold.
        status: `passed`, `failed` or `skipped`.
        findings: the defects found; none unless it failed.
        reason: why it was skipped, or `""`.
        anchor: of the section that explains it; `crosshook plugins explain` prints it.
    """

    check: str
    law: str
    status: Status
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    anchor: str = ""


class NotApplicable(Exception):
    """Raised by a check that a component's capabilities put out of scope."""


def raised(error: Exception) -> str:
    """What a component raises, and where, in one line."""
    return f"raises {type(error).__name__}{told_at(error)}"


def told_at(error: Exception) -> str:
    """`: MESSAGE at FILE:LINE`, the first line of the message if there is one."""
    lines = str(error).splitlines()
    return (f": {lines[0]}" if lines else "") + place_of(error)


def place_of(error: Exception) -> str:
    """` at FILE:LINE`, the last line of the component's own before an error, if it has one."""
    place = own = ""
    step: TracebackType | None = error.__traceback__
    while step is not None:
        place = f" at {step.tb_frame.f_code.co_filename}:{step.tb_lineno}"
        module = str(step.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] not in OTHERS and not module.startswith("crosshook.core."):
            own = place
        step = step.tb_next
    return own or place
