"""The sections of an unfolding's report, from its diagnostics alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.report.numbers import MISSING, count, measured, percent, plain
from crosshook.core.report.sections import Fact, Section, Table
from crosshook.core.report.unfolding_convergence import convergence, harm, stress
from crosshook.core.report.unfolding_spectra import detector, truth

if TYPE_CHECKING:
    from crosshook.core.unfolding.diagnostics_result import (
        Diagnostics,
        LevelSpectra,
        VarianceSplit,
    )


def unfolding_sections(found: Diagnostics) -> list[Section]:
    """Every section, in the order people ask."""
    made = [truth(found), _uncertainties(found)]
    if found.stopping is not None:
        made.append(convergence(found.stopping))
    if found.shifts:
        made.append(stress(found.shifts))
    if found.harms:
        made.append(harm(found.harms))
    return [*made, detector(found), _weights(found)]


def unfolding_facts(found: Diagnostics) -> tuple[Fact, ...]:
    """The numbers that matter most, for the top of a report."""
    facts = [
        Fact(
            "closure at detector level",
            percent(found.closure.difference),
            "events after folding, over those measured, less 1",
        )
    ]
    if found.stopping is not None:
        settled = found.stopping.recommended
        facts.append(
            Fact(
                "settled from iteration",
                "none" if settled is None else str(settled),
                f"of {found.stopping.iterations}",
            )
        )
    facts.append(
        Fact(
            "effective events",
            count(round(found.weights.effective)),
            f"(Σw)²/Σw² of {count(found.weights.rows)}",
        )
    )
    return tuple(facts)


def unfolding_notes(found: Diagnostics) -> tuple[str, ...]:
    """What a reader must know first: reasons for distrust, then what the component says."""
    return (*found.warnings, *found.notes)


def _uncertainties(found: Diagnostics) -> Section:
    rows = tuple(
        (
            s.name,
            *(_share(s, errors) for errors in (s.statistical, s.network, s.total)),
        )
        for s in found.spectra
    )
    table = Table(
        "Root mean square of the relative errors of the bins, each by its content",
        ("observable", "statistics", "network", "total"),
        rows,
        frozenset({1, 2, 3}),
    )
    fits = ", ".join(f"{name} {number}" for name, number in found.fits.items())
    facts = (Fact("weights kept", fits, "columns of each family"),)
    lead = (
        "Statistics: what resamples of the events change beyond what the networks' seeds do. "
        "Network: what seeds change at the same events, for one fit. n/a: no replica tells."
    )
    told = any(cell != MISSING for row in rows for cell in row[1:])
    tables = (table,) if told else ()
    if found.splits:
        tables = (*tables, _split_table(found.splits))
    return Section("uncertainties", "Uncertainties", lead, facts, tables)


def _split_table(splits: tuple[VarianceSplit, ...]) -> Table:
    """Shares of the variance of a mean, of single fits to resampled events."""
    rows = []
    for split in splits:
        known = [v for v in (split.statistical, split.seed, split.interaction) if math.isfinite(v)]
        total = sum(known)
        layout = f"{split.resamples} × {split.seeds}"
        shares = (MISSING,) * 4
        if total > 0:
            shares = (
                plain(math.sqrt(total), 3),
                percent(split.statistical / total, split.statistical_error / total),
                percent(split.seed / total),
                percent(split.interaction / total),
            )
        rows.append((split.name, split.family, layout, *shares))
    return Table(
        "Where the variance of means comes from, in single fits to resampled events",
        ("mean of", "family", "resamples × seeds", "σ", "events", "seed", "seed × events"),
        tuple(rows),
        frozenset({2, 3, 4, 5, 6}),
    )


def _share(spectra: LevelSpectra, errors: tuple[float, ...]) -> str:
    """√(Σ h (σ/h)² / Σ h), over bins with something inside."""
    pairs = [(h, e) for h, e in zip(spectra.unfolded, errors, strict=True) if h > 0]
    total = sum(h for h, _ in pairs)
    if not total > 0 or not all(math.isfinite(e) for _, e in pairs):
        return MISSING
    return percent(math.sqrt(sum(e * e / h for h, e in pairs) / total))


def _weights(found: Diagnostics) -> Section:
    weights, closure = found.weights, found.closure
    facts = [
        Fact("rows", count(weights.rows), "of truth"),
        Fact("effective", count(round(weights.effective)), "(Σw)²/Σw²"),
        Fact(
            "before unfolding",
            plain(weights.prior_effective, 6),
            "the same of the simulation's weights",
        ),
        Fact("ten largest", percent(weights.largest_share), "of the sum of weights"),
        Fact("Pareto shape", plain(weights.tail_shape, 2), "of the weights' tail, good below 0.7"),
        Fact(
            "ratios",
            f"{plain(weights.lowest_ratio, 3)} to {plain(weights.highest_ratio, 3)}",
            "to the simulation's weights, 99.8 % of them, over their mean",
        ),
        Fact(
            "at the largest ratio", count(weights.at_ceiling), "rows; many if ratios are clipped"
        ),
        Fact("negative", count(weights.negative), "rows"),
        Fact(
            "measured",
            measured(closure.measured, closure.measured_error),
            "sum of weights less background",
        ),
        Fact("folded", plain(closure.folded, 6), "sum of weights of the result at detector level"),
        Fact(
            "unfolded",
            plain(found.unfolded_sum, 6),
            "sum of weights: events in the fiducial region",
        ),
    ]
    lead = "Every true event has a weight; few large ones would decide for all."
    return Section("weights", "Weights", lead, tuple(facts))
