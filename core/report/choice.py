"""What the choice after a training was between: candidates side by side, and the chosen shares."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.report.figures import BarsFigure, Series
from crosshook.core.report.integration import MOST_CHANNELS
from crosshook.core.report.numbers import count, measured, percent, plain
from crosshook.core.report.sections import Table

if TYPE_CHECKING:
    from crosshook.core.training_result import CandidateResult, TrainingResult

STATES = {"": "", "before": ", initial α", "after": ", trained α"}
"""Behind a name: the channel weights α that a candidate was judged with."""


def candidate_names(training: TrainingResult) -> dict[str, str]:
    """Names people know the candidates by, in order: those of their components where they differ.

    Args:
        training: with candidates.

    Returns:
        E.g. `{"untrained": "untrained", "warm start": "vegas", "learned": "flow", …}`.
    """
    components = {c.name: c.component for c in training.candidates}
    names = list(components.values())
    return {
        role: component if component and names.count(component) == 1 else role
        for role, component in components.items()
    }


def versions(training: TrainingResult) -> tuple[str, ...]:
    """The states of the channel weights that candidates were judged with, in order."""
    return tuple(dict.fromkeys(c.weights for c in training.candidates))


def candidate(training: TrainingResult, name: str, weights: str) -> CandidateResult | None:
    """A candidate, or None: only one state of the channel weights is chosen."""
    found = (c for c in training.candidates if (c.name, c.weights) == (name, weights))
    return next(found, None)


def candidate_table(training: TrainingResult) -> Table:
    """Relative deviation and efficiency of each, with each state of the channel weights."""
    states = versions(training)
    columns = ["sampler"]
    for state in states:
        columns += [f"rel. deviation{STATES[state]}", f"ε(0.1 %){STATES[state]}"]
    rows = []
    for role, name in candidate_names(training).items():
        row = [name if name == role else f"{name} ({role})"]
        for state in states:
            found = candidate(training, role, state)
            row += ["", ""] if found is None else [*figures_of(found)]
        rows.append(tuple(row))
    return Table(
        f"Samplers on {count(training.candidate_points)} fresh points, which no training has seen; "
        "chosen is the best in each channel. Relative deviation: standard deviation of the weights "
        "over their mean. ε(0.1 %): unweighting efficiency, with w_max such that the weights above "
        "it exceed it by 0.1 % of their sum. Both with the shares of channels that suit them best. "
        "Errors by the jackknife. Few points do not see all of a tail: ε of the integration is the "
        "one to quote.",
        tuple(columns),
        tuple(rows),
        frozenset(range(1, len(columns))),
    )


def figures_of(found: CandidateResult) -> tuple[str, str]:
    """Relative deviation and efficiency as text, with their errors."""
    deviation, error = found.relative_deviation, found.deviation_error
    known = math.isfinite(error) and error > 0
    text = measured(deviation, error) if known else plain(deviation, 3)
    return text, percent(found.efficiency, found.efficiency_error)


def candidate_figure(training: TrainingResult) -> BarsFigure:
    """The same as bars."""
    names = candidate_names(training)
    shown = training.candidates
    labels = tuple(names[c.name] + STATES[c.weights] for c in shown)
    learned = len(versions(training)) > 1
    states = " α are the channel weights, before and after their training." if learned else ""
    return BarsFigure(
        "candidates",
        "What was to choose from",
        f"Candidates on {count(training.candidate_points)} fresh points.{states}",
        "; ".join(
            f"{label}: relative deviation {deviation}, efficiency {efficiency}"
            for label, (deviation, efficiency) in zip(labels, map(figures_of, shown), strict=True)
        ),
        labels,
        (
            Series(
                "relative deviation",
                tuple(c.relative_deviation for c in shown),
                tuple(c.deviation_error for c in shown),
            ),
            Series(
                "ε(0.1 %) [%]",
                tuple(100 * c.efficiency for c in shown),
                tuple(100 * c.efficiency_error for c in shown),
            ),
        ),
    )


def choice_table(training: TrainingResult) -> Table:
    """What the points of each channel are drawn from."""
    names = candidate_names(training)
    columns = {"learned": "learned", "warm start": "warm_start", "untrained": "untrained"}
    shown = {role: field for role, field in columns.items() if role in names}
    return Table(
        "What was chosen: shares of the points of each channel, mixed with the balance heuristic",
        ("channel", *(names[role] for role in shown)),
        tuple(
            (c.channel, *(percent(getattr(c, field)) for field in shown.values()))
            for c in training.choices
        ),
        frozenset(range(1, len(shown) + 1)),
        folded=len(training.choices) > MOST_CHANNELS,
    )
