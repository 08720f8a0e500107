"""Pictures of event files: `plot_events` draws a quantity of one file, or of two with their ratio."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.cross_section import WeightSums, cross_section
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.event_expression import EventExpression
from crosshook.core.events.files import open_events
from crosshook.core.quantity import Quantity, quantity_of
from crosshook.core.unfolding.axes import rising

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from crosshook.core.interfaces.event_format import OnError
    from crosshook.core.registry import Registry

    Floats = NDArray[np.float64]

UNKNOWN = Quantity("sum of weights", "Σw", "unit of XWGTUP")
"""What is drawn of a file that does not say its cross section, or whose weights add up to 0."""
BINS = 40
"""About how many bins are chosen where none are given."""
TAIL = 0.005
"""Share of the events that chosen bins may leave out on either side."""


@dataclass(frozen=True)
class FileHistogram:
    """A quantity of the events of one file.

    Attributes:
        file: its path.
        events: number of events in it.
        outside: how many are outside the bins, or lack a particle the quantity needs.
        cross_section: that of the file by its own rule; None if unknown.
        unit: of the cross section: pb, or GeV for a width.
        rule: how it was found; see `crosshook.core.cross_section`.
        values: the part of each bin; sums of weights where the cross section is unknown.
        errors: their standard errors from the weights, `(Σw²)^½`.
    """

    file: str
    events: int
    outside: int
    cross_section: float | None
    unit: str
    rule: str
    values: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class PlotReport:
    """What was drawn.

    Attributes:
        output: the picture; empty if none was drawn.
        observable: the expression.
        edges: of the bins, `(bins + 1,)`.
        quantity: name of what is distributed.
        unit: of the values.
        files: histograms in the order of the files.
    """

    output: str
    observable: str
    edges: tuple[float, ...]
    quantity: str
    unit: str
    files: tuple[FileHistogram, ...]

    def as_json(self) -> dict[str, object]:
        """The report as values JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class _Column:
    """Values `(n,)` and weights `(n,)` of a file, and what its weights stand for."""

    values: Floats
    weights: Floats
    sums: WeightSums
    cross_section: float | None
    unit: str
    rule: str
    quantity: Quantity


def plot_events(
    files: str | Path | Sequence[str | Path],
    observable: str,
    output: str | Path | None = None,
    *,
    edges: Sequence[float] = (),
    label: str = "",
    unit: str = "",
    on_error: OnError = "stop",
    registry: Registry | None = None,
) -> PlotReport:
    """Draws the differential cross section in a quantity of the events of a file.

    Values and weights of all events are held in memory, 16 bytes an event.

    Args:
        files: one file, or two: the second is drawn as points over the first, their ratio below.
        observable: an expression as in `crosshook convert --where`, e.g. `pt[0]`.
        output: the picture, `.svg`, `.png` or `.pdf`; None draws nothing.
        edges: of the bins, rising, the last one excluded; chosen from the first file if empty.
        label: of the axis; the expression if empty.
        unit: of the axis.
        on_error: `skip` leaves out events that cannot be read.
        registry: where formats come from.

    Returns:
        The histograms.

    Raises:
        ConfigurationError: if the expression is none, the edges make no bins, or there are more
            files than two.
        InputError: if a file cannot be read, or the first has no event with the quantity.
        OutputError: if the picture cannot be written.
    """
    paths = [files] if isinstance(files, str | Path) else list(files)
    if not 1 <= len(paths) <= 2:
        message = f"{len(paths)} files to draw: one, or two to compare"
        raise ConfigurationError(message)
    if len(edges) == 1:
        message = "edges: one edge makes no bin"
        raise ConfigurationError(message)
    edges = rising(edges, "edges")
    if output is not None:
        from crosshook.core.report.picture import check_ending

        check_ending(Path(output))
    columns = [_read(path, observable, on_error, registry) for path in paths]
    bins = np.array(edges) if edges else _chosen(columns[0], paths[0], observable)
    quantity = columns[0].quantity
    if any(column.quantity != quantity for column in columns):
        quantity = UNKNOWN
    histograms = tuple(
        _histogram(str(path), column, bins, quantity)
        for path, column in zip(paths, columns, strict=True)
    )
    report = PlotReport(
        "" if output is None else str(output),
        observable,
        tuple(bins.tolist()),
        quantity.name,
        quantity.unit,
        histograms,
    )
    if output is not None:
        _draw(report, Path(output), quantity, label or observable, unit)
    return report


def _read(
    path: str | Path, observable: str, on_error: OnError, registry: Registry | None
) -> _Column:
    values, weights, sums = [np.empty(0)], [np.empty(0)], WeightSums()
    with open_events(path, registry=registry, on_error=on_error) as stream:
        expression: EventExpression | None = None
        for batch in stream:
            expression = expression or EventExpression.quantity(
                observable, batch.info, "observable"
            )
            values.append(expression.values(batch))
            weights.append(np.asarray(batch.event["weight"], np.float64))
            sums.add(batch)
        found = cross_section(stream.info, sums)
        measured = quantity_of(stream.info.beams)
    quantity = measured if found.value is not None and sums.weight else UNKNOWN
    joined = np.concatenate(values), np.concatenate(weights)
    return _Column(*joined, sums, found.value, measured.unit, found.rule, quantity)


def _chosen(column: _Column, path: str | Path, observable: str) -> Floats:
    """Round edges around most of the events; a bin for each value where all are whole numbers."""
    values = column.values[np.isfinite(column.values)]
    if not values.size:
        message = f"{path}: no event has {observable}"
        raise InputError(message)
    low, high = np.quantile(values, (TAIL, 1 - TAIL)).tolist()
    smallest, largest = float(values.min()), float(values.max())
    if largest - smallest < BINS and bool((values == np.round(values)).all()):
        return np.arange(smallest - 0.5, largest + 1.0)
    from matplotlib.ticker import MaxNLocator

    if smallest >= 0 and low < 0.2 * high:
        low = 0.0
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return np.array(MaxNLocator(BINS, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))


def _histogram(file: str, column: _Column, edges: Floats, quantity: Quantity) -> FileHistogram:
    inside = np.isfinite(column.values) & (column.values >= edges[0]) & (column.values < edges[-1])
    place = np.searchsorted(edges, column.values[inside], side="right") - 1
    weights = column.weights[inside]
    scale = 1.0
    if quantity != UNKNOWN and column.cross_section is not None:
        scale = column.cross_section / column.sums.weight
    size = len(edges) - 1
    values = scale * np.bincount(place, weights, size)
    errors = abs(scale) * np.sqrt(np.bincount(place, weights**2, size))
    return FileHistogram(
        file,
        column.sums.events,
        column.sums.events - int(inside.sum()),
        column.cross_section,
        column.unit,
        column.rule,
        tuple(values.tolist()),
        tuple(errors.tolist()),
    )


def _draw(report: PlotReport, output: Path, quantity: Quantity, label: str, unit: str) -> None:
    from crosshook.core.report.distributions import draw_histogram
    from crosshook.core.report.figures import HistogramFigure, Series
    from crosshook.core.report.picture import write_picture

    names = [Path(histogram.file).name for histogram in report.files]
    if len(set(names)) < len(names):
        names = [histogram.file for histogram in report.files]
    series = [Series(n, h.values, h.errors) for n, h in zip(names, report.files, strict=True)]
    if not any(map(math.isfinite, series[0].values)):
        message = f"{names[0]}: no finite weights to draw"
        raise InputError(message)
    figure = HistogramFigure(
        id="plot",
        title=label,
        caption="",
        alternative="",
        axis=label,
        unit=unit,
        edges=report.edges,
        reference=series[0],
        sample=series[1] if len(series) > 1 else None,
        quantity=quantity,
    )
    write_picture(lambda: draw_histogram(figure), output)
