"""What `crosshook infer` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

from crosshook.core.report.numbers import count, percent, plain

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.inference.result import InferenceReport


def show_inference(report: InferenceReport, directory: Path) -> None:
    """An inference in a few lines."""
    click.echo(f"{report.title}: {count(report.events)} events, {report.data}")
    for found in report.parameters:
        kind = " (nuisance)" if found.nuisance else ""
        click.echo(f"  {found.name} = {plain(found.best, 5)}{kind}")
        for interval in found.intervals:
            parts = " and ".join(f"[{plain(a, 4)}, {plain(b, 4)}]" for a, b in interval.segments)
            click.echo(f"    {interval.level:.2%} by {interval.method:<7} {parts}")
        if report.ensemble > 1:
            spread = plain(found.ensemble_deviation, 2)
            click.echo(f"    spread of {report.ensemble} networks {spread}")
    if report.integrals is not None:
        each = report.integrals
        time = ""
        if math.isfinite(each.milliseconds):
            time = f", {plain(each.milliseconds, 3)} ms an event"
        click.echo(
            f"  integrals: {percent(each.effective)} of {each.points} points effective "
            f"(uniform {percent(each.uniform)}){time}"
        )
    for toy in report.toys:
        shares = ", ".join(
            f"{percent(value, error)} in {level:.1%}"
            for level, (value, error) in zip(report.levels, toy.coverage, strict=True)
        )
        click.echo(f"  {toy.parameter} = {plain(toy.truth, 4)}: {shares}")
    for note in report.notes:
        click.echo(f"note: {note}")
    click.echo(f"written to {directory}")
