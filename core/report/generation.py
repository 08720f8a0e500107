"""The report's sections on the events: kinematics, generation, variations, files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.quantity import CROSS_SECTION, Quantity, quantity_of
from crosshook.core.report.comparison import LEAST_EVENTS, compare
from crosshook.core.report.figures import HistogramFigure, Series, SpreadFigure
from crosshook.core.report.numbers import (
    count,
    duration,
    measured,
    percent,
    plain,
    rate,
    size,
)
from crosshook.core.report.sections import Fact, Section, Table

if TYPE_CHECKING:
    from crosshook.core.generation_result import GenerationResult, VariationResult
    from crosshook.core.histograms import Histogram
    from crosshook.core.results import RunResult

IMPROBABLE = 1e-6
"""A probability of χ² below this is no accident, whatever the number of observables."""


def kinematics_section(result: RunResult) -> Section:
    """Observables: the weighted integration, and the events over it."""
    events = result.generation.histograms if result.generation else ()
    sampled = {h.name: h for h in events}
    weighted = bool(result.generation and result.generation.bias)
    figures = tuple(
        _histogram(h, sampled.get(h.name), weighted, quantity_of(result.beams))
        for h in result.integration.histograms
    )
    if result.generator is not None:
        lead = (
            "Unweighted events (points) over all weighted events of the program (line, its error as "
            "a band), of which they are a part: the χ² of independent samples would be larger."
        )
        return Section("kinematics", "Kinematics", lead, figures=figures)
    lead = (
        "Generated events (points) over the weighted integration (line, its error as a band): two "
        "independent samples of one distribution. χ² is over bins, put together where fewer than "
        f"{LEAST_EVENTS:.0f} events are expected; the probability is that of a larger one."
        if events
        else "Weighted integration, its error as a band."
    )
    return Section("kinematics", "Kinematics", lead, figures=figures)


def disagreements(result: RunResult) -> tuple[str, ...]:
    """A warning for every observable in which events and integration cannot be the same."""
    if result.generation is None:
        return ()
    events = {h.name: h for h in result.generation.histograms}
    found = []
    for reference in result.integration.histograms:
        sample = events.get(reference.name)
        if sample is None or sample.edges != reference.edges:
            continue
        agreement = compare(reference, sample, weighted=bool(result.generation.bias))
        if agreement.probability < IMPROBABLE:
            found.append(
                f"events and integration disagree in {reference.observable}: χ² / bins = "
                f"{plain(agreement.chi_squared, 3)} / {agreement.groups}"
            )
    return tuple(found)


def _histogram(
    reference: Histogram, sample: Histogram | None, weighted: bool, quantity: Quantity
) -> HistogramFigure:
    outside = sum(abs(v) for v in (reference.underflow, reference.overflow))
    total = outside + sum(abs(v) for v in reference.values)
    caption = f"{len(reference.values)} bins"
    if total > 0 and outside > 0:
        caption += f", {percent(outside / total)} outside the axis"
    drawn = None
    if sample is not None and sample.edges == reference.edges:
        agreement = compare(reference, sample, weighted=weighted)
        caption += (
            f". χ² / bins = {plain(agreement.chi_squared, 3)} / {agreement.groups}, "
            f"probability {plain(agreement.probability, 2)}"
        )
        drawn = Series("events", sample.values, sample.errors)
    peak = max(range(len(reference.values)), key=lambda i: reference.values[i])
    unit = f" {reference.unit}" if reference.unit else ""
    return HistogramFigure(
        f"histogram-{reference.name}",
        reference.observable,
        caption + ".",
        f"Distribution of {reference.observable} from {plain(reference.edges[0])} to "
        f"{plain(reference.edges[-1])}{unit}, highest between {plain(reference.edges[peak])} and "
        f"{plain(reference.edges[peak + 1])}{unit}.",
        reference.label,
        reference.unit,
        reference.edges,
        Series("integration", reference.values, reference.errors),
        drawn,
        quantity,
    )


def generation_section(
    generation: GenerationResult, quantity: Quantity = CROSS_SECTION
) -> Section:
    """How the events came about, and the cross section by process."""
    facts = (
        Fact("events", count(generation.events)),
        Fact(
            quantity.name,
            measured(generation.cross_section, generation.error, quantity.unit),
            "all stages after the training combined; the mean weight of the events",
        ),
        Fact("points drawn", count(generation.evaluations), "the pilot not counted"),
        Fact("pilot", count(generation.pilot), "points that set the maxima"),
        Fact("efficiency", percent(generation.efficiency), "kept events per point drawn"),
        Fact(
            "overweights",
            f"{count(generation.overweights)} events",
            "events that keep more than the common weight",
        ),
        Fact(
            "overweight share",
            percent(generation.overweight_share),
            "Σ(w − common weight)₊ / Σw over the events",
        ),
        Fact("Kish fraction", percent(generation.kish), "of the events"),
        Fact("surplus", count(generation.surplus), "events kept and cut off at the end"),
        Fact(
            "time",
            duration(generation.seconds),
            f"{rate(generation.events, generation.seconds)} events",
        ),
        *(Fact("unweighter", line) for line in generation.rule),
        *_bias_facts(generation),
    )
    rows = tuple(
        (str(p.process_id), p.label, measured(p.cross_section, p.error))
        for p in generation.processes
    )
    title, column = f"{quantity.name} by process", f"{quantity.symbol} [{quantity.unit}]"
    table = Table(title.capitalize(), ("id", "process", column), rows, frozenset({2}))
    return Section("events", "Events", "", facts, (table,) if rows else ())


def _bias_facts(generation: GenerationResult) -> tuple[Fact, ...]:
    """What a bias means for the weights; nothing without one."""
    if not generation.bias:
        return ()
    effective = generation.events * generation.kish
    common = 1 / math.sqrt(effective) if effective > 0 else math.nan
    return (
        Fact("bias b", generation.bias, "events are unweighted by |w|·b and keep 1/b"),
        Fact(
            "common scale of the weights",
            percent(common),
            "1/√(events · Kish): the mean weight is σ, and this much uncertainty is common to "
            "distributions where b is large",
        ),
    )


def variations_section(
    generation: GenerationResult, quantity: Quantity = CROSS_SECTION
) -> Section:
    """The cross section under the variations of scales and densities."""
    nominal = generation.cross_section
    groups: dict[str, list[VariationResult]] = {}
    for item in generation.variations:
        groups.setdefault(item.group, []).append(item)
    facts = []
    spreads = []
    for group, items in groups.items():
        values = [v.cross_section for v in items]
        changes = tuple(v / nominal - 1 for v in values) if nominal else ()
        span = f"{count(len(items))} weights, {plain(min(values))} to {plain(max(values))}"
        span += f" {quantity.unit}"
        if changes:
            mean = sum(changes) / len(changes)
            scatter = (sum((c - mean) ** 2 for c in changes) / max(1, len(changes) - 1)) ** 0.5
            span += f"; standard deviation {percent(scatter)}"
            spreads.append((readable(group), changes))
        envelope = f"{signed(min(changes))} … {signed(max(changes))}" if changes else "n/a"
        facts.append(Fact(readable(group), envelope, span))
    single = Table(
        "Every variation",
        ("id", "group", "weight", f"{quantity.symbol} [{quantity.unit}]", "change"),
        tuple(
            (
                v.id,
                readable(v.group),
                v.text,
                plain(v.cross_section),
                signed(v.cross_section / nominal - 1) if nominal else "n/a",
            )
            for v in generation.variations
        ),
        frozenset({3, 4}),
        folded=True,
    )
    figure = SpreadFigure(
        "variations",
        "Variations of the cross section",
        "Every variation as a mark, each group's envelope as a bar.",
        "; ".join(f"{name}: {signed(min(c))} to {signed(max(c))}" for name, c in spreads),
        tuple(spreads),
    )
    return Section(
        "variations",
        "Variations",
        "The cross section under further weights of the same events, as change from the nominal "
        f"{plain(nominal)} {quantity.unit}.",
        tuple(facts),
        (single,),
        (figure,) if spreads else (),
    )


def readable(name: str) -> str:
    """A key as words, e.g. `scale variation`, `PDF variation`."""
    return " ".join("PDF" if word == "pdf" else word for word in name.split("_"))


def signed(change: float) -> str:
    """A relative change in percent with its sign."""
    return f"{100 * change:+.2f} %".replace("-", "−")


def files_table(generation: GenerationResult) -> Table:
    """The files of the run."""
    rows = tuple((f.name, size(f.bytes), f.sha256) for f in generation.files)
    return Table("Files", ("file", "size", "SHA-256"), rows, frozenset({1}))
