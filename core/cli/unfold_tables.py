"""What the unfolding commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crosshook.core.report.numbers import count, duration, percent, plain
from crosshook.core.report.unfolded import total_of

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.unfolding.result import UnfoldReport


def show_unfolding(report: UnfoldReport, directory: Path) -> None:
    """An unfolding in a few lines."""
    counts = report.counts
    names = ", ".join(report.truth)
    click.echo(f"{report.title}: {report.method}, {names}, {report.iterations} iterations")
    background = ""
    if counts.background:
        background = f" less {plain(counts.background_sum, 6)} of background"
    click.echo(
        f"  measured             {plain(counts.measured_sum, 6)} events{background}\n"
        f"  simulated            {count(counts.simulated)} events, efficiency "
        f"{percent(counts.simulated_both / counts.simulated_truth)}\n"
        f"  true                 {total_of(report)} events\n"
        f"  fit                  {duration(report.fit_seconds)}"
    )
    fits = ", ".join(
        f"{name.replace('_', ' ')} {number}"
        for name, number in report.families.items()
        if name not in ("nominal", "iteration")
    )
    if fits:
        click.echo(f"  replicas             {fits} in {duration(report.replica_seconds)}")
    for note in report.notes:
        click.echo(f"note: {note}")
    for warning in report.diagnostics.warnings:
        click.echo(f"distrust: {warning}")
    click.echo(f"written to {directory}")
