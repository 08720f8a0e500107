"""What the surrogate commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crosshook.core.report.numbers import count, duration, percent, plain

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.surrogates.evaluation import Evaluation
    from crosshook.core.surrogates.result import SurrogateReport


def show_surrogate(report: SurrogateReport, directory: Path) -> None:
    """A training in a few lines."""
    click.echo(
        f"{report.title}: {report.component}, {count(report.points)} points {report.source}"
    )
    click.echo(f"trained in {duration(report.training_processor_seconds)} of one processor")
    show_evaluation(report.evaluation)
    for note in report.notes:
        click.echo(f"note: {note}")
    click.echo(f"written to {directory}")


def show_evaluation(found: Evaluation) -> None:
    """How good a surrogate is, line by line."""
    d = found.deviations
    lines = [
        ("|Δ| 50/90/99 %", " / ".join(percent(v) for v in (d.median, d.q90, d.q99))),
        ("ε2", percent(found.efficiency, found.efficiency_error)),
        ("a prediction", f"{plain(found.microseconds, 3)} µs"),
    ]
    if found.pull_width is not None and found.pull_rms is not None:
        width, rms = plain(found.pull_width, 3), plain(found.pull_rms, 3)
        lines.insert(2, ("pulls", f"width {width}, rms {rms}"))
    if found.extrapolated is not None:
        lines.append(("beyond the training", f"{percent(found.extrapolated)} of the points"))
    click.echo(f"on {count(found.n)} points:")
    for label, value in lines:
        click.echo(f"  {label:<20} {value}")
