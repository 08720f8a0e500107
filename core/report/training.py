"""The report's section on the training of the sampler: history, losses, and what was chosen."""

from __future__ import annotations

import math
from itertools import accumulate
from statistics import median
from typing import TYPE_CHECKING

from crosshook.core.quantity import quantity_of
from crosshook.core.report.choice import candidate_figure, candidate_table, choice_table
from crosshook.core.report.figures import CurveFigure, Figure, HistoryFigure, Series
from crosshook.core.report.numbers import count, duration, measured, percent, plain, rate
from crosshook.core.report.sections import Fact, Section, Table

if TYPE_CHECKING:
    from crosshook.core.quantity import Quantity
    from crosshook.core.results import RunResult
    from crosshook.core.training_result import TrainingResult


def training_section(result: RunResult) -> Section:
    """History of the training: facts, a figure, a table of the iterations."""
    training = result.training
    names = tuple(c.name for c in result.integration.channels)
    lead = (
        "Nothing was trained in this run."
        if training.skipped
        else "The sampler learns where the integrand is large. Each iteration is an estimate of "
        "its own; none of them enters the final cross section."
    )
    facts = [Fact("evaluations", count(training.evaluations), "points spent on the training")]
    if training.degrees_of_freedom:
        facts.append(
            Fact(
                "χ²/dof",
                f"{plain(training.chi_squared, 3)} / {training.degrees_of_freedom}",
                "of the iterations about their mean",
            )
        )
    speed = (
        f"{rate(training.evaluations, training.seconds)} points" if training.evaluations else ""
    )
    facts.append(Fact("time", duration(training.seconds), speed))
    for interface, losses in _losses(training):
        first, last = _ends(losses)
        facts.append(
            Fact(
                f"loss, {interface.replace('_', ' ')}",
                f"{plain(first, 3)} → {plain(last, 3)}",
                f"medians of the first and the last tenth of {count(len(losses))} steps",
            )
        )
    facts.extend(Fact("note", note) for note in training.notes)
    final = (result.integration.cross_section, result.integration.error)
    quantity = quantity_of(result.beams)
    figures: list[Figure] = []
    tables: list[Table] = []
    if training.candidates:
        figures.append(candidate_figure(training))
        tables.append(candidate_table(training))
    if training.choices:
        tables.append(choice_table(training))
    kinds = _kinds(result)
    figures.extend(_loss(interface, losses, kinds) for interface, losses in _losses(training))
    if len(training.iterations) > 1:
        figures.append(_history(training, *final, quantity))
    if training.iterations:
        tables.append(_iterations(training, names, quantity))
    return Section("training", "Training", lead, tuple(facts), tuple(tables), tuple(figures))


def _losses(training: TrainingResult) -> list[tuple[str, tuple[float, ...]]]:
    return [(name, losses) for name, losses in training.losses.items() if losses]


def _ends(losses: tuple[float, ...]) -> tuple[float, float]:
    """Medians of the first and the last tenth: single steps scatter."""
    n = max(1, len(losses) // 10)
    return median(losses[:n]), median(losses[-n:])


def _kinds(result: RunResult) -> tuple[str, str]:
    """The losses of the rounds and of the last stage; empty where the run file has none."""
    sampling = result.configuration.get("sampling")
    settings = sampling.get("training") if isinstance(sampling, dict) else None
    if not isinstance(settings, dict):
        return "", ""
    first = str(settings.get("loss") or "")
    return first, str(settings.get("final_loss") or first)


def _loss(interface: str, losses: tuple[float, ...], kinds: tuple[str, str]) -> CurveFigure:
    name = interface.replace("_", " ")
    first, last = _ends(losses)
    wording = f"{kinds[0].capitalize()}. " if kinds[0] else ""
    if kinds[1] != kinds[0]:
        wording = f"{kinds[0].capitalize()} in the rounds, {kinds[1]} after the last draw. "
    if "unweighting" in kinds:
        wording += "Unweighting cannot be less than 1 but for noise. "
    return CurveFigure(
        f"loss-{interface.replace('_', '-')}",
        f"Loss of the {name}",
        f"{wording}Of the batch of each step, relative to the integral. Channel weights that learn "
        "with the mapping share its steps.",
        f"{count(len(losses))} steps; the loss goes from {plain(first, 3)} to {plain(last, 3)}.",
        "step",
        "loss",
        losses,
    )


def _history(
    training: TrainingResult, value: float, error: float, quantity: Quantity
) -> HistoryFigure:
    places = accumulate(i.evaluations for i in training.iterations)
    estimates = Series(
        "iteration",
        tuple(i.estimate for i in training.iterations),
        tuple(i.error for i in training.iterations),
    )
    first, last = training.iterations[0], training.iterations[-1]
    return HistoryFigure(
        "training-history",
        "How the sampler learns",
        "Above: each iteration's own estimate, with the final result as a band. Below: its "
        "relative error, for one point each (error × √points), which is what learning lowers.",
        f"{len(training.iterations)} iterations; the estimate goes from "
        f"{measured(first.estimate, first.error, quantity.unit)} to "
        f"{measured(last.estimate, last.error, quantity.unit)}.",
        "evaluations",
        tuple(float(p) for p in places),
        estimates,
        ("final", value, error),
        cumulative=False,
        quantity=quantity,
    )


def _iterations(training: TrainingResult, names: tuple[str, ...], quantity: Quantity) -> Table:
    rows = []
    for number, it in enumerate(training.iterations, 1):
        relative = it.error / abs(it.estimate) if it.estimate else math.nan
        channels = zip(it.channel_estimates, it.channel_errors, strict=True)
        rows.append(
            (
                str(number),
                count(it.evaluations),
                measured(it.estimate, it.error),
                percent(relative),
                *(measured(v, e) for v, e in channels),
            )
        )
    per_channel = len(training.iterations[0].channel_estimates)
    shown = names if len(names) == per_channel else tuple(map(str, range(per_channel)))
    unit = quantity.unit
    columns = (
        *("iteration", "points", f"{quantity.symbol} [{unit}]", "error"),
        *(f"{n} [{unit}]" for n in shown),
    )
    return Table(
        "Iterations of the training",
        columns,
        tuple(rows),
        frozenset(range(len(columns))),
        folded=True,
    )
