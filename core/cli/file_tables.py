"""Prints the results of the file commands for people, with rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crosshook.core.cli.visible import visible
from crosshook.core.events.particle_names import particle_name
from crosshook.core.quantity import quantity_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crosshook.core.convert import ConvertReport
    from crosshook.core.inspect import InspectReport
    from crosshook.core.interfaces.event_format import SkippedEvent
    from crosshook.core.plot_events import PlotReport
    from crosshook.core.reweight import ReweightReport
    from crosshook.core.unweight import UnweightReport
    from crosshook.core.unweight_surrogate import SurrogateUnweightReport

SHOWN = 10
"""Events of which it is said why they were skipped."""


def measured(value: float | None, error: float | None, unit: str = "pb") -> str:
    """A value with its error, e.g. `472.491 ± 3.181 pb`."""
    if value is None:
        return "unknown"
    return f"{value:.7g} {unit}" if error is None else f"{value:.7g} ± {error:.3g} {unit}"


def percent(share: float) -> str:
    """A share in percent with five digits."""
    return f"{100 * share:.5g} %"


def _print_facts(facts: Iterable[tuple[str, str]]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    # Long words are file names; folding keeps them whole for copying.
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, Text(visible(value)))
    Console().print(table)


def show_inspection(report: InspectReport) -> None:
    """Prints an `InspectReport`, the first event as a table."""
    beams = " ".join(
        f"{particle_name(i)} ({e:g} GeV)"
        for i, e in zip(report.beams, report.energies, strict=True)
        if i
    )
    quantity = quantity_of(report.beams)
    value = measured(report.cross_section_pb, report.cross_section_error_pb, quantity.unit)
    names = report.weights[:8] + (("...",) if len(report.weights) > 8 else ())
    facts = [
        ("file", report.file),
        ("format version", report.version),
        ("generator", ", ".join(report.generators) or "not named"),
        ("beams", beams or "not named"),
        ("PDF sets", _pdf_sets(report.pdf_sets)),
        ("events", f"{report.events}"),
    ]
    if report.trials is not None:
        facts.append(("trials", f"{report.trials:.0f}"))
    facts += [
        (quantity.name, value),
        ("rule", f"{report.rule}: {report.reason}"),
        (
            "particles",
            ", ".join(f"{m} ({n} events)" for m, n in report.multiplicities.items()) or "none",
        ),
        ("negative weights", percent(report.negative_fraction)),
        ("Kish", "-" if report.kish is None else f"{percent(report.kish)} of the events"),
        (
            "max/mean |w|",
            "-" if report.weight_max_over_mean is None else f"{report.weight_max_over_mean:.4g}",
        ),
        (
            "weights",
            f"{len(report.weights)}: {', '.join(names)}" if names else "none but the nominal one",
        ),
        ("header", ", ".join(report.header) or "none"),
    ]
    _print_facts([*facts, *_skipped(report.skipped)])
    _print_processes(report)
    if report.first_event:
        _print_first_event(report)


def _pdf_sets(numbers: tuple[int, int]) -> str:
    """LHAPDF numbers of both beams; 0 stands for a set without one, or for none."""
    if numbers == (0, 0):
        return "no LHAPDF number given"
    return f"{numbers[0]}, {numbers[1]} (LHAPDF numbers)"


def _print_processes(report: InspectReport) -> None:
    table = Table(title="processes", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    unit = quantity_of(report.beams).unit
    for name in ("LPRUP", f"XSECUP / {unit}", f"XERRUP / {unit}", "events", "negative"):
        table.add_column(name, justify="right")
    for p in report.processes:
        sigma = "-" if p.xsecup_pb is None else f"{p.xsecup_pb:.7g}"
        error = "-" if p.xerrup_pb is None else f"{p.xerrup_pb:.3g}"
        table.add_row(str(p.process_id), sigma, error, str(p.events), str(p.negative))
    Console().print(table)


def _print_first_event(report: InspectReport) -> None:
    table = Table(
        title="first event (GeV)", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0)
    )
    for name in ("", "name", "status", "from", "colour", "px", "py", "pz", "E", "m"):
        table.add_column(name, justify="right")
    for i, p in enumerate(report.first_event, start=1):
        table.add_row(
            str(i),
            particle_name(p.pdg_id),
            str(p.status),
            f"{p.mothers[0]} {p.mothers[1]}",
            f"{p.colours[0]} {p.colours[1]}",
            *(f"{x:.2f}" for x in (p.px, p.py, p.pz, p.e, p.mass)),
        )
    Console().print(table)


def show_plot(report: PlotReport) -> None:
    """Prints what a `PlotReport` says of each file, and where the picture is."""
    facts = []
    for found in report.files:
        sigma = measured(found.cross_section, None, found.unit)
        bins = "one bin" if len(report.edges) == 2 else f"{len(report.edges) - 1} bins"
        there = f"{found.events - found.outside} of {found.events} events in {bins}"
        facts.append(("read", f"{found.file}: {there}, {sigma} ({found.rule})"))
    _print_facts([*facts, ("wrote", report.output)])


def show_conversion(report: ConvertReport) -> None:
    """Prints a `ConvertReport`."""
    facts = [
        (
            "read",
            f"{i.file}: {i.events} events, "
            f"{measured(i.cross_section_pb, i.cross_section_error_pb)} ({i.rule})"
            + ("" if i.selected == i.events else f", {i.selected} selected")
            + ("" if i.scale == 1.0 else f", weights times {i.scale:.7g}"),
        )
        for i in report.inputs
    ]
    if report.where is not None:
        facts.append(("where", report.where))
    sigma = measured(report.cross_section_pb, report.cross_section_error_pb)
    if len(report.outputs) > 1:
        names = f"{len(report.outputs)} files, {report.outputs[0].file} to"
        facts.append(("wrote", f"{names} {report.outputs[-1].file}"))
        facts.append(("", f"{report.events} events, {sigma} ({report.rule})"))
    else:
        name = report.outputs[0].file
        facts.append(("wrote", f"{name}: {report.events} events, {sigma} ({report.rule})"))
    _print_facts([*facts, *_skipped(report.skipped)])


def _skipped(skipped: Sequence[SkippedEvent]) -> list[tuple[str, str]]:
    """What could not be read: its number, and the first reasons."""
    if not skipped:
        return []
    shown = [("", s.reason) for s in skipped[:SHOWN]]
    more = len(skipped) - len(shown)
    last = [("", f"... and {more} more; all of them with --json")] if more else []
    return [("skipped", f"{len(skipped)} that cannot be read"), *shown, *last]


def show_unweighting(report: UnweightReport) -> None:
    """Prints an `UnweightReport`."""
    r = report
    sigma = measured(r.cross_section_in_pb, r.cross_section_in_error_pb)
    efficiency = f"{percent(r.efficiency)} of all points, {percent(r.efficiency_events)} of events"
    negative = f"{percent(r.negative_fraction_in)} in, {percent(r.negative_fraction_out)} out"
    _print_facts(
        [
            ("read", f"{r.input}: {r.events_in} events for {r.points_in:.0f} points"),
            ("wrote", f"{r.output}: {r.events_out} events"),
            ("cross section in", f"{sigma} ({r.rule_in})"),
            ("cross section out", f"{r.cross_section_out_pb:.7g} pb (mean weight)"),
            ("maximum weight", f"{r.maximum_pb:.6g}; {'; '.join(r.notes)}"),
            ("efficiency", efficiency),
            (
                "overweights",
                f"{r.overweights}, with {percent(r.overweight_share)} of Σ|w| above the maximum",
            ),
            ("Kish", f"{percent(r.kish_in)} in, {percent(r.kish_out)} out"),
            ("negative weights", negative),
            *_skipped(r.skipped),
        ]
    )


def show_surrogate_unweighting(report: SurrogateUnweightReport) -> None:
    """Prints a `SurrogateUnweightReport`."""
    r = report
    before = measured(r.cross_section_in_pb, r.cross_section_in_error_pb)
    after = measured(r.cross_section_out_pb, r.cross_section_out_error_pb)
    _print_facts(
        [
            ("read", f"{r.input}: {r.events_in} events"),
            ("wrote", f"{r.output}: {r.events_out} events"),
            ("cross section in", f"{before} ({r.rule_in}), by {r.surrogate}"),
            ("cross section out", f"{after}, by {r.process['use']} (mean weight)"),
            ("exact |M|²", f"{r.exact}, {r.pilot} of them in the pilot; {'; '.join(r.notes)}"),
            ("efficiencies", f"ε1 {percent(r.first)}, ε2 {percent(r.second)}"),
            (
                "overweights",
                f"{r.overweights}, with {percent(r.overweight_share)} of Σ|w| above the maximum",
            ),
            ("Kish", f"{percent(r.kish_in)} in, {percent(r.kish_out)} out"),
            *_skipped(r.skipped),
        ]
    )


def show_reweighting(report: ReweightReport) -> None:
    """Prints a `ReweightReport`."""
    r = report
    before = measured(r.cross_section_in_pb, r.cross_section_in_error_pb)
    after = measured(r.cross_section_out_pb, r.cross_section_out_error_pb)
    facts = [
        ("read", f"{r.input}: {r.events} events, {before} ({r.rule_in})"),
        ("wrote", f"{r.output}: {after} ({r.rule_out})"),
    ]
    if r.nominal is not None:
        facts.append(("nominal weight", f"{r.nominal}; the old one is {r.original}"))
    for weight in r.added:
        ratio = "-" if weight.mean_over_nominal is None else f"{weight.mean_over_nominal:.6g}"
        kish = "-" if weight.kish is None else percent(weight.kish)
        facts.append((f"added {weight.id}", f"σ times {ratio}, Kish {kish}"))
    if r.kish_in is not None and r.kish_out is not None:
        facts.append(("Kish", f"{percent(r.kish_in)} in, {percent(r.kish_out)} out"))
    facts += [(name.replace("_", " "), f"{value:.5g}") for name, value in r.survey.items()]
    _print_facts([*facts, *_skipped(r.skipped)])
