"""What accounts of event files show of themselves: read, converted, unweighted, reweighted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.events.particle_names import particle_name
from crosshook.core.quantity import quantity_of
from crosshook.core.report.numbers import count, measured, percent, plain
from crosshook.core.report.sections import Fact, Headline, Table

if TYPE_CHECKING:
    from crosshook.core.convert import ConvertReport
    from crosshook.core.inspect import InspectReport
    from crosshook.core.interfaces.event_format import SkippedEvent
    from crosshook.core.reweight import ReweightReport
    from crosshook.core.unweight import UnweightReport
    from crosshook.core.unweight_surrogate import SurrogateUnweightReport


def _sigma(value: float | None, error: float | None, unit: str = "pb") -> str:
    """A cross section, of which a file may say neither value nor error."""
    if value is None:
        return "unknown"
    return measured(value, math.nan if error is None else error, unit)


def _share(value: float | None) -> str:
    return "n/a" if value is None else percent(value)


def _skipped(events: tuple[SkippedEvent, ...]) -> tuple[str, ...]:
    return (f"{count(len(events))} events could not be read",) if events else ()


def inspect_headline(report: InspectReport) -> Headline:
    """Events, cross section and what the weights are like."""
    quantity = quantity_of(report.beams)
    sigma = _sigma(report.cross_section_pb, report.cross_section_error_pb, quantity.unit)
    facts = (
        Fact(quantity.name, sigma, f"{report.rule}: {report.reason}"),
        Fact("negative weights", percent(report.negative_fraction)),
        Fact("Kish fraction", _share(report.kish), "(Σw)²/(n Σw²)"),
        Fact("further weights", count(len(report.weights))),
    )
    beams = " + ".join(
        f"{particle_name(i)} {e:g} GeV"
        for i, e in zip(report.beams, report.energies, strict=True)
        if i
    )
    about = ", ".join(filter(None, (*report.generators, beams)))
    notes = _skipped(report.skipped)
    return Headline(report.file, about, count(report.events), "events", facts, notes)


def inspect_table(report: InspectReport) -> Table:
    """Processes of the file."""
    unit = quantity_of(report.beams).unit
    rows = tuple(
        (
            str(p.process_id),
            _sigma(p.xsecup_pb, p.xerrup_pb, ""),
            count(p.events),
            count(p.negative),
        )
        for p in report.processes
    )
    columns = ("LPRUP", f"XSECUP [{unit}]", "events", "negative")
    return Table("Processes", columns, rows, frozenset(range(4)))


def convert_headline(report: ConvertReport) -> Headline:
    """Events and cross section of what was written."""
    sigma = _sigma(report.cross_section_pb, report.cross_section_error_pb)
    facts = [Fact("cross section", sigma, report.rule)]
    if report.where:
        facts.append(Fact("condition", report.where))
    if len(report.outputs) > 1:
        facts.append(Fact("files", count(len(report.outputs)), report.outputs[0].file + ", …"))
    events, notes = count(report.events), _skipped(report.skipped)
    return Headline(report.output, "converted", events, "events", tuple(facts), notes)


def convert_table(report: ConvertReport) -> Table:
    """What went in."""
    rows = tuple(
        (
            i.file,
            count(i.events),
            count(i.selected),
            _sigma(i.cross_section_pb, i.cross_section_error_pb, ""),
            plain(i.scale),
        )
        for i in report.inputs
    )
    columns = ("input", "events", "selected", "σ [pb]", "weights times")
    return Table("Inputs", columns, rows, frozenset(range(1, 5)))


def unweight_headline(report: UnweightReport) -> Headline:
    """Events in and out, and the efficiency."""
    sigma = _sigma(report.cross_section_in_pb, report.cross_section_in_error_pb)
    facts = (
        Fact("weighted events", count(report.events_in), report.input),
        Fact("efficiency", percent(report.efficiency), "of all points"),
        Fact("σ of the input", sigma),
        Fact("σ of the output", f"{plain(report.cross_section_out_pb)} pb", "mean weight"),
        Fact("overweights", count(report.overweights), percent(report.overweight_share)),
        Fact("Kish fraction", percent(report.kish_out), f"{percent(report.kish_in)} before"),
    )
    notes = (*report.notes, *_skipped(report.skipped))
    return Headline(report.output, "unweighted", count(report.events_out), "events", facts, notes)


def surrogate_unweight_headline(report: SurrogateUnweightReport) -> Headline:
    """Events in and out, what both stages kept, and σ before and after."""
    before = _sigma(report.cross_section_in_pb, report.cross_section_in_error_pb)
    after = _sigma(report.cross_section_out_pb, report.cross_section_out_error_pb)
    facts = (
        Fact("weighted events", count(report.events_in), report.input),
        Fact("first stage", percent(report.first), "of the events read"),
        Fact("second stage", percent(report.second), "of those with exact |M|²"),
        Fact("σ by the surrogate", before),
        Fact("σ by the exact |M|²", after),
        Fact("overweights", count(report.overweights), percent(report.overweight_share)),
        Fact("Kish fraction", percent(report.kish_out), f"{percent(report.kish_in)} before"),
    )
    notes = (*report.notes, *_skipped(report.skipped))
    about = f"unweighted with {report.surrogate}"
    return Headline(report.output, about, count(report.events_out), "events", facts, notes)


def reweight_headline(report: ReweightReport) -> Headline:
    """Events, the nominal weight, and σ before and after."""
    before = _sigma(report.cross_section_in_pb, report.cross_section_in_error_pb)
    after = _sigma(report.cross_section_out_pb, report.cross_section_out_error_pb)
    facts = [
        Fact("σ of the input", before, report.rule_in),
        Fact("σ of the output", after, report.rule_out),
        Fact("Kish fraction", _share(report.kish_out), f"{_share(report.kish_in)} before"),
    ]
    if report.nominal is not None:
        kept = f"the old one is {report.original}" if report.original else ""
        facts.insert(0, Fact("nominal weight", report.nominal, kept))
    events, notes = count(report.events), _skipped(report.skipped)
    return Headline(report.output, "reweighted", events, "events", tuple(facts), notes)


def reweight_table(report: ReweightReport) -> Table:
    """Weights that were added."""
    rows = tuple(
        (
            w.id,
            "n/a" if w.mean_over_nominal is None else plain(w.mean_over_nominal),
            _share(w.kish),
        )
        for w in report.added
    )
    columns = ("weight", "Σw/Σw of the nominal one", "Kish fraction")
    return Table("Added weights", columns, rows, frozenset({1, 2}))
