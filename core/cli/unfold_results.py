"""`crosshook unfold plot` and `export`: distributions of unfolded events after the fact."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from crosshook.core.unfolding.result import UnfoldedHistogram
    from crosshook.core.unfolding.weighted_events import WeightedEvents

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("directory", type=FILE)
@click.option(
    "--observable",
    "observables",
    multiple=True,
    metavar="EXPRESSION",
    help="A truth column or an expression; those of the report if left out.",
)
@click.option(
    "--bins", metavar="BINS", help="COUNT:LOW:HIGH or edges A,B,C; of one observable only."
)
@click.option("--label", default="", help="Label of the axis.")
@click.option("--unit", default="", help="Unit of the axis.")
@click.option(
    "--output",
    type=FILE,
    help="The picture (.svg, .png, .pdf) of one observable; plots/ in DIRECTORY if left out.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the histograms as JSON, draw nothing."
)
def plot(
    directory: Path,
    observables: tuple[str, ...],
    bins: str | None,
    label: str,
    unit: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Draw distributions of the unfolded events in DIRECTORY, with errors and covariances."""
    from crosshook.core import results
    from crosshook.core.errors import ConfigurationError
    from crosshook.core.unfolding.weighted_events import open_unfolding

    if len(observables) != 1 and (bins or label or unit or output):
        message = "--bins, --label, --unit and --output are of one --observable"
        raise ConfigurationError(message)
    events = open_unfolding(directory)
    made = _histograms(events, observables, bins, label, unit)
    if as_json:
        click.echo(json.dumps(results.as_json(made), ensure_ascii=False))
        return
    from crosshook.core.report.unfolded import histogram_figure
    from crosshook.core.report.unfolded_plot import draw_unfolded

    unfolded = cast("list[str]", events.metadata["unfolded"])
    kept = set(cast("list[str]", events.metadata["columns"])) - set(unfolded)
    for found in made:
        name = histogram_figure(found).id.removeprefix("unfolded-")
        path = output if output is not None else events.directory.plots / f"{name}.svg"
        draw_unfolded(found, path)
        click.echo(path)
        others = [name for name in re.findall(r"\w+", found.observable) if name in kept]
        if others:
            known = ", ".join(unfolded)
            click.echo(
                f"note: {', '.join(others)}: not unfolded; at fixed {known} as simulated, and the "
                "errors do not know that",
                err=True,
            )


@click.command()
@click.argument("directory", type=FILE)
@click.argument("output", type=FILE)
@click.option(
    "--observable",
    "observables",
    multiple=True,
    metavar="EXPRESSION",
    help="A truth column or an expression; those of the report if left out.",
)
@click.option(
    "--bins", metavar="BINS", help="COUNT:LOW:HIGH or edges A,B,C; of one observable only."
)
@click.option("--overwrite", is_flag=True, help="Replace a submission that is there already.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def export(
    directory: Path,
    output: Path,
    observables: tuple[str, ...],
    bins: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write distributions of the unfolding in DIRECTORY to the folder OUTPUT, as HEPData's YAML."""
    from crosshook.core import results
    from crosshook.core.errors import ConfigurationError
    from crosshook.core.unfolding.hepdata import export_hepdata
    from crosshook.core.unfolding.weighted_events import open_unfolding

    if bins and len(observables) != 1:
        message = "--bins is of one --observable"
        raise ConfigurationError(message)
    events = open_unfolding(directory)
    chosen = _histograms(events, observables, bins, "", "") if observables else ()
    found = export_hepdata(events, output, chosen, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(results.as_json(found), ensure_ascii=False))
    else:
        click.echo(f"{found.path}: {', '.join(found.tables)}")


def _histograms(
    events: WeightedEvents,
    observables: tuple[str, ...],
    bins: str | None,
    label: str,
    unit: str,
) -> tuple[UnfoldedHistogram, ...]:
    """Histograms of observables; those of the unfolding's report if none are given."""
    from crosshook.core.unfolding.axes import parse_bins
    from crosshook.core.unfolding.hepdata import recommended
    from crosshook.core.unfolding.histogram import unfolded_histogram

    if not observables:
        return recommended(events)
    edges = parse_bins(bins) if bins else ()
    return tuple(
        unfolded_histogram(events, observable, edges, label=label, unit=unit)
        for observable in observables
    )
