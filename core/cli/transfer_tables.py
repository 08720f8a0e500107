"""What the commands of transfer functions print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crosshook.core.report.numbers import count, duration, percent, plain

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.transfer.evaluation import TransferEvaluation
    from crosshook.core.transfer.result import TransferReport


def show_transfer(report: TransferReport, directory: Path) -> None:
    """A training in a few lines."""
    click.echo(
        f"{report.component}: {', '.join(report.reco)} given {', '.join(report.truth)}; "
        f"{count(report.accepted)} of {count(report.events)} events accepted"
    )
    click.echo(f"trained in {duration(report.training_processor_seconds)} of one processor")
    show_evaluation(report.evaluation)
    for note in report.notes:
        click.echo(f"note: {note}")
    click.echo(f"written to {directory}")


def show_evaluation(found: TransferEvaluation) -> None:
    """How good a transfer function is, line by line."""
    lines = [("mean of log T", f"{found.log_prob:.4f} ± {found.log_prob_error:.4f}")]
    lines += [
        (
            f"ranks of {r.name}",
            f"χ² {plain(r.chi2, 3)} in {len(r.counts)} bins, p {plain(r.p_value, 2)}",
        )
        for r in found.ranks
    ]
    if found.acceptance:
        low, high = found.acceptance[0].predicted, found.acceptance[-1].predicted
        text = (
            f"{percent(low)} to {percent(high)}, χ² {plain(found.acceptance_chi2, 3)} in "
            f"{len(found.acceptance)} bins, p {plain(found.acceptance_p_value, 2)}"
        )
        lines.append(("acceptance", text))
    lines.append(
        ("a density, a draw", f"{found.microseconds:.2g}, {found.draw_microseconds:.2g} µs")
    )
    click.echo(f"on {count(found.events)} events, {count(found.accepted)} accepted:")
    for label, value in lines:
        click.echo(f"  {label:<24} {value}")
