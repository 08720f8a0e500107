"""What event batches, features, unfolded samples and integrals show of themselves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from crosshook.core.report.integration import rule_name
from crosshook.core.report.numbers import count, measured, percent, plain
from crosshook.core.report.sections import Fact, Headline, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.integral_result import Integral
    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.unfolder import Unfolded
    from crosshook.core.statistics import Efficiency
    from crosshook.core.unfolding.result import UnfoldedHistogram

FIRST: Final = 5
"""Rows of events that are shown."""


def batch_headline(batch: EventBatch) -> Headline:
    """Number of events and particles, and the sum of the weights."""
    facts = [
        Fact("particles", count(int(batch.counts.sum())), _span(batch)),
        Fact("further weights", count(batch.weights.shape[1])),
    ]
    if len(batch):
        weight = batch.event["weight"].astype(float)
        facts.insert(1, Fact("mean weight", f"{plain(float(weight.mean()))} pb"))
    beams = " + ".join(map(str, batch.info.beams))
    return Headline("event batch", f"beams {beams}", count(len(batch)), "events", tuple(facts))


def _span(batch: EventBatch) -> str:
    if not len(batch):
        return ""
    low, high = int(batch.counts.min()), int(batch.counts.max())
    return f"{low} in each event" if low == high else f"{low} to {high} in an event"


def batch_table(batch: EventBatch) -> Table:
    """The first events with their particles."""
    from crosshook.core.events.particle_names import particle_name

    rows = []
    for i in range(min(FIRST, len(batch))):
        part = slice(int(batch.offsets[i]), int(batch.offsets[i + 1]))
        pdg, status = (batch.particle_columns[name][part] for name in ("pdg_id", "status"))
        names = [particle_name(int(number)) for number in pdg]
        incoming = [name for name, s in zip(names, status, strict=True) if s == -1]
        outgoing = [name for name, s in zip(names, status, strict=True) if s == 1]
        rows.append(
            (
                str(i),
                str(int(batch.event["process_id"][i])),
                f"{' '.join(incoming)} > {' '.join(outgoing)}",
                plain(float(batch.event["weight"][i])),
                plain(float(batch.event["scale"][i])),
            )
        )
    columns = ("event", "process", "particles", "weight [pb]", "scale [GeV]")
    return Table("First events", columns, tuple(rows), frozenset({0, 1, 3, 4}))


def features_headline(features: Features) -> Headline:
    """Rows, columns and sets."""
    sets = tuple(
        Fact(f"set {name}", ", ".join(features.set_names.get(name, ())) or count(v.shape[-1]))
        for name, (v, _) in features.sets.items()
    )
    facts = (Fact("columns", ", ".join(features.names) or "none"), *sets)
    return Headline("features", "", count(len(features)), "rows", facts)


def features_table(features: Features) -> Table:
    """The first rows of the dense columns."""
    units = features.units or ("",) * len(features.names)
    columns = tuple(f"{n} [{u}]" if u else n for n, u in zip(features.names, units, strict=True))
    rows = tuple(tuple(plain(v) for v in row) for row in features.dense[:FIRST].tolist())
    return Table("First rows", columns, rows, frozenset(range(len(columns))))


def unfolded_headline(unfolded: Unfolded) -> Headline:
    """Rows and the sum of the nominal weights."""
    nominal = unfolded.families["nominal"].weights.double()
    facts = (
        Fact("truth", ", ".join((*unfolded.truth.names, *unfolded.truth.sets))),
        Fact("sum of weights", plain(float(nominal.sum()), 6), "nominal"),
        Fact("effective rows", plain(_effective(nominal.flatten().tolist())), "(Σw)²/Σw²"),
    )
    return Headline(
        "unfolded sample", "", count(len(unfolded.truth)), "rows", facts, unfolded.notes
    )


def _effective(weights: list[float]) -> float:
    squares = math.fsum(w * w for w in weights)
    return math.fsum(weights) ** 2 / squares if squares > 0 else math.nan


def unfolded_table(unfolded: Unfolded) -> Table:
    """Families of weights."""
    rows = tuple(
        (name, str(family.kind), count(family.weights.shape[1]))
        for name, family in unfolded.families.items()
    )
    return Table("Weights", ("family", "kind", "columns"), rows, frozenset({2}))


def histogram_headline(histogram: UnfoldedHistogram) -> Headline:
    """An unfolded distribution: its sum, and what lies beside the axis."""
    facts = (
        Fact("below the axis", plain(histogram.below)),
        Fact("above the axis", plain(histogram.above)),
    )
    total = plain(math.fsum(histogram.values), 6)
    return Headline(f"unfolded {histogram.name}", histogram.label, total, "sum of the bins", facts)


def histogram_table(histogram: UnfoldedHistogram) -> Table:
    """Bins with their total errors."""
    unit = f" [{histogram.unit}]" if histogram.unit else ""
    rows = tuple(
        (plain(low), plain(high), measured(value, error))
        for low, high, value, error in zip(
            histogram.edges,
            histogram.edges[1:],
            histogram.values,
            histogram.total_errors,
            strict=False,
        )
    )
    return Table("Bins", (f"from{unit}", f"to{unit}", "events"), rows, frozenset({0, 1, 2}))


def efficiencies_table(efficiencies: Sequence[Efficiency]) -> Table:
    """Unweighting efficiencies by rule."""
    rows = tuple(
        (rule_name(e), percent(e.value, e.error), percent(e.after_cuts), count(e.points))
        for e in efficiencies
    )
    columns = ("rule", "ε, all points", "ε, after cuts", "N")
    return Table("Unweighting efficiency", columns, rows, frozenset({1, 2, 3}))


def integral_headline(integral: Integral) -> Headline:
    """The integral, how it was found and how well one could unweight."""
    best = integral.efficiency
    facts = (
        Fact("evaluations", count(integral.evaluations.total), "training included"),
        Fact("ε(0.1 %)", percent(best.value, best.error), "unweighting efficiency"),
        Fact(
            "χ²/dof of the blocks",
            f"{plain(integral.chi_squared, 3)} / {integral.degrees_of_freedom}",
        )
        if integral.degrees_of_freedom
        else Fact("latents", integral.latents),
    )
    value = measured(integral.value, integral.error)
    return Headline("integral", "", value, "value", facts, integral.warnings)


def integral_table(integral: Integral) -> tuple[Table, ...]:
    """Channels, if there are several."""
    if len(integral.channels) < 2:
        return ()
    rows = tuple(
        (c.name, percent(c.share), count(c.points), measured(c.estimate, c.error))
        for c in integral.channels
    )
    columns = ("channel", "share", "points", "integral")
    return (Table("Channels", columns, rows, frozenset({1, 2, 3})),)
