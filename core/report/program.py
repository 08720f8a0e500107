"""The report's section on a program whose events were unweighted: σ by events and by itself, batches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.report.numbers import count, duration, measured, percent, plain
from crosshook.core.report.sections import Fact, Section, Table

if TYPE_CHECKING:
    from crosshook.core.generation_result import ProgramResult
    from crosshook.core.results import IntegrationResult

RULES = {
    "trials": "Σw / Σtrials over all events the program wrote",
    "average": "mean weight of all events the program wrote, as its files normalise them",
    "sum": "sum of the weights of each file of the program, as it normalises them",
    "xsecup": "as the init blocks of the program's files say",
}


def program_section(program: ProgramResult, weighted: IntegrationResult) -> Section:
    """What the program made and what it says of itself.

    Args:
        program: with its batches.
        weighted: the figures of its events.
    """
    facts = [
        Fact("program", program.program or program.component, f"generator {program.component}"),
        Fact(
            "cross section of the events",
            measured(weighted.cross_section, weighted.error, "pb"),
            RULES.get(program.batches[0].rule, ""),
        ),
    ]
    if not math.isnan(program.cross_section):
        own = measured(program.cross_section, program.error, "pb")
        facts.append(Fact("the program's own cross section", own, _pull(program, weighted)))
    facts += [
        Fact("weighted events", count(sum(b.events for b in program.batches))),
        Fact("points", count(weighted.evaluations), "the program's trials, or its events"),
        Fact("negative weights", percent(weighted.negative_share), "Σ|w<0| / Σ|w|"),
        *(Fact(label, text) for label, text in program.facts.items()),
    ]
    rows = tuple(
        (
            str(b.number),
            str(b.seed),
            count(b.asked),
            count(b.events),
            count(int(b.points)),
            count(b.kept),
            measured(b.cross_section, b.error),
            duration(b.seconds),
        )
        for b in program.batches
    )
    table = Table(
        "Batches",
        ("batch", "seed", "asked", "events", "points", "kept", "σ [pb]", "time"),
        rows,
        frozenset(range(8)),
    )
    lead = (
        "The events are those of a program, weighted as it wrote them and unweighted here. The "
        "first batch fixes the maxima, its events count as well. Logs are in generator/."
    )
    return Section("program", "Program", lead, tuple(facts), (table,))


def _pull(program: ProgramResult, weighted: IntegrationResult) -> str:
    error = math.hypot(weighted.error, 0.0 if math.isnan(program.error) else program.error)
    if not error:
        return ""
    apart = (weighted.cross_section - program.cross_section) / error
    return f"the events are {plain(apart, 2)} standard errors off"
