"""The report's sections on the integration: cross section, channels, weights and efficiency."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.agreement import LARGEST
from crosshook.core.pareto import TRUSTED
from crosshook.core.quantity import CROSS_SECTION, Quantity
from crosshook.core.report.figures import (
    BarsFigure,
    Figure,
    HistoryFigure,
    Series,
    SpectrumFigure,
)
from crosshook.core.report.numbers import count, duration, measured, percent, plain, rate
from crosshook.core.report.sections import Fact, Section, Table
from crosshook.core.statistics import chi_squared_probability

if TYPE_CHECKING:
    from crosshook.core.results import AgreementResult, IntegrationResult
    from crosshook.core.statistics import Efficiency

MOST_CHANNELS = 16
"""Channels shown in pictures; the table has them all."""

RULE_HELP = {
    "excess-share": "weights above w_max exceed it by this share of the sum of weights",
    "carried-share": "points above w_max carry at most this share of the sum (Sherpa's Max_Epsilon)",
    "maximum": "w_max is the largest weight seen; depends on the number of points",
    "bootstrap-median": "w_max is the median of the largest weight of random resamples",
}


def rule_name(efficiency: Efficiency) -> str:
    """A rule with its parameter, e.g. `excess-share 0.1 %`."""
    has_share = efficiency.rule in ("excess-share", "carried-share")
    return f"{efficiency.rule} {percent(efficiency.share)}" if has_share else efficiency.rule


def chosen_efficiency(integration: IntegrationResult) -> Efficiency | None:
    """ε(0.1 %) by the rule `excess-share`, or else the first there is."""
    for item in integration.efficiencies:
        if item.rule == "excess-share" and math.isclose(item.share, 1e-3):
            return item
    return integration.efficiencies[0] if integration.efficiencies else None


def integration_section(
    integration: IntegrationResult, quantity: Quantity = CROSS_SECTION
) -> Section:
    """The integral (cross section or width), its convergence and its channels."""
    probability = chi_squared_probability(integration.chi_squared, integration.degrees_of_freedom)
    facts = [
        Fact(
            quantity.name,
            measured(integration.cross_section, integration.error, quantity.unit),
            "from this stage alone, with the frozen sampler",
        ),
        Fact("relative error", percent(_relative(integration))),
        Fact("evaluations", count(integration.evaluations)),
        Fact(
            "χ²/dof of the blocks",
            f"{plain(integration.chi_squared, 4)} / {integration.degrees_of_freedom}",
            f"probability {plain(probability, 2)}",
        )
        if integration.latents == "random"
        else Fact(
            "latents", integration.latents, "a net a block; errors from the spread of the blocks"
        ),
        *_agreement_facts(integration.agreement),
        Fact("cut efficiency", percent(integration.cut_efficiency), "points with weight ≠ 0"),
        Fact("negative weights", percent(integration.negative_share), "Σ|w<0| / Σ|w|"),
        Fact("invalid points", count(integration.invalid), "NaN or infinite weight"),
        Fact(
            "time",
            duration(integration.seconds),
            f"{rate(integration.evaluations, integration.seconds)} points",
        ),
    ]
    figures: list[Figure] = []
    if len(integration.running) > 1:
        figures.append(_convergence(integration, quantity))
    if len(integration.channels) > 1:
        figures.append(_channels(integration, quantity))
    tables = (_channel_table(integration, quantity),) if integration.channels else ()
    return Section("integration", "Integration", "", tuple(facts), tables, tuple(figures))


def _agreement_facts(found: AgreementResult | None) -> list[Fact]:
    """Whether training and channels say the same; nothing where there is nothing to compare."""
    if found is None:
        return []
    facts = []
    if math.isfinite(found.training_probability):
        facts.append(
            Fact(
                "training and integration",
                f"probability {plain(found.training_probability, 2)}",
                "of larger differences between the training's estimates and this one",
            )
        )
    if math.isfinite(found.channels_probability):
        largest = max(abs(p) for p in found.channel_pulls if math.isfinite(p))
        facts.append(
            Fact(
                "channels among each other",
                f"{plain(largest, 2)} standard errors",
                "largest difference between a channel's own points and all points in what its "
                f"channel weights claim; probability {plain(found.channels_probability, 2)}",
            )
        )
    return facts


def _tail_facts(found: AgreementResult | None) -> list[Fact]:
    """How much hangs on few points."""
    if found is None:
        return []
    facts = []
    if math.isfinite(found.tail_shape):
        facts.append(
            Fact(
                "Pareto shape k̂",
                plain(found.tail_shape, 2),
                f"of the largest weights; above {TRUSTED} the error is not to be trusted",
            )
        )
    if math.isfinite(found.largest_share):
        facts.append(
            Fact(
                f"{LARGEST} largest weights",
                f"{percent(found.largest_share)} of Σ|w|",
                f"{percent(found.largest_square_share)} of Σw²",
            )
        )
    return facts


def weights_section(integration: IntegrationResult) -> Section:
    """Spectrum of weights and what it means for unweighting."""
    facts = (
        Fact("⟨w⟩ / max w", percent(integration.mean_over_max), "depends on the number of points"),
        Fact("Kish fraction", percent(integration.kish), "(Σw)² / (N Σw²), as drawn"),
        Fact(
            "relative deviation",
            plain(integration.relative_deviation, 3),
            "standard deviation of the weights over their mean, as drawn: channels drawn more "
            "often than others have smaller weights",
        ),
        Fact(
            "relative error × √N",
            plain(_relative(integration) * math.sqrt(integration.evaluations), 3),
            "what a point brings to the error of the integral: the deviation within channels",
        ),
        *_tail_facts(integration.agreement),
    )
    lead = "The narrower the spectrum, the more of the points survive as events of one weight."
    figures = (_spectrum(integration),) if _filled(integration) else ()
    tables = efficiency_table(integration)
    return Section("weights", "Weights and efficiency", lead, facts, tables, figures)


def efficiency_table(integration: IntegrationResult) -> tuple[Table, ...]:
    """Unweighting efficiencies by rule; nothing if there are none."""
    rows = tuple(
        (
            rule_name(e),
            RULE_HELP.get(e.rule, ""),
            percent(e.value, e.error),
            percent(e.after_cuts, e.error * e.after_cuts / e.value if e.value else math.nan),
            count(e.points),
        )
        for e in integration.efficiencies
    )
    table = Table(
        "Unweighting efficiency ε = ⟨min(|w|, w_max)⟩ / w_max by the rule that sets w_max",
        ("rule", "meaning", "ε, all points", "ε, after cuts", "N"),
        rows,
        frozenset({2, 3, 4}),
    )
    return (table,) if rows else ()


def _relative(integration: IntegrationResult) -> float:
    sigma = integration.cross_section
    return integration.error / abs(sigma) if sigma else math.nan


def _convergence(integration: IntegrationResult, quantity: Quantity) -> HistoryFigure:
    value = measured(integration.cross_section, integration.error, quantity.unit)
    return HistoryFigure(
        "convergence",
        "Convergence of the integration",
        "Running estimate with its error over the blocks drawn; the final value is the line. "
        "Below: its relative error, with 1/√N for comparison.",
        f"After {count(integration.evaluations)} points the running estimate is {value}.",
        "evaluations",
        tuple(float(points) for points, _, _ in integration.running),
        Series(
            "running estimate",
            tuple(v for _, v, _ in integration.running),
            tuple(e for _, _, e in integration.running),
        ),
        ("final", integration.cross_section, integration.error),
        cumulative=True,
        quantity=quantity,
    )


def _channels(integration: IntegrationResult, quantity: Quantity) -> BarsFigure:
    ranked = sorted(integration.channels, key=lambda c: -abs(c.estimate))
    names = {c.name for c in ranked[:MOST_CHANNELS]}
    shown = [c for c in integration.channels if c.name in names]
    left = len(integration.channels) - len(shown)
    omitted = f" The {left} smallest of {len(ranked)} are left out." if left else ""
    nothing = (math.nan,) * len(shown)
    return BarsFigure(
        "channels",
        "Channels",
        f"Share of the points drawn in each channel, and its part of the {quantity.name}.{omitted}",
        "; ".join(
            f"{c.name}: {percent(c.share)} of the points, {measured(c.estimate, c.error, quantity.unit)}"
            for c in shown
        ),
        tuple(c.name for c in shown),
        (
            Series("share of points [%]", tuple(100 * c.share for c in shown), nothing),
            Series(
                f"{quantity.name} [{quantity.unit}]",
                tuple(c.estimate for c in shown),
                tuple(c.error for c in shown),
            ),
        ),
    )


def _channel_table(integration: IntegrationResult, quantity: Quantity) -> Table:
    rows = tuple(
        (
            c.name,
            percent(c.share),
            count(c.points),
            measured(c.estimate, c.error),
            plain(c.largest, 4),
            percent(abs(c.estimate) / c.largest) if c.largest > 0 else "n/a",
            percent(c.zeros / c.points) if c.points else "n/a",
        )
        for c in integration.channels
    )
    unit = quantity.unit
    largest = f"max |w| [{unit}]"
    columns = (
        *("channel", "share", "points"),
        *(f"{quantity.symbol} [{unit}]", largest, "⟨w⟩ / max w", "outside cuts"),
    )
    return Table(
        "Channels of the integration",
        columns,
        rows,
        frozenset(range(1, len(columns))),
        folded=len(rows) > MOST_CHANNELS,
    )


def _filled(integration: IntegrationResult) -> bool:
    return any(any(counts) for counts in integration.spectrum.channels)


def _spectrum(integration: IntegrationResult) -> SpectrumFigure:
    spectrum = integration.spectrum
    names = [c.name for c in integration.channels]
    lines = [
        (names[i] if i < len(names) else str(i), counts)
        for i, counts in enumerate(spectrum.channels)
        if any(counts)
    ]
    lines.sort(key=lambda line: -sum(line[1]))
    total = sum(sum(counts) for _, counts in lines)
    zeros = (
        f"The {count(spectrum.zeros)} points with w = 0 (outside cuts or phase space) have no "
        "place on this axis."
        if spectrum.zeros
        else "No point has w = 0."
    )
    left = len(lines) - MOST_CHANNELS
    omitted = f" The {left} channels with fewest points are left out." if left > 0 else ""
    used = [i for _, counts in lines for i, n in enumerate(counts) if n]
    return SpectrumFigure(
        "weight-spectrum",
        "Spectrum of weights",
        f"Weights over their mean, {count(total)} points with w ≠ 0. {zeros}{omitted}",
        f"The weights reach from 10^{spectrum.edges[min(used)]:.1f} to "
        f"10^{spectrum.edges[max(used) + 1]:.1f} times their mean.",
        r"$|w|\,/\,\langle|w|\rangle$",
        spectrum.edges,
        tuple(lines[:MOST_CHANNELS]),
    )
