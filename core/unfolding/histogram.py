"""Histograms of unfolded events after the fact: any observable, with its full covariance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import InputError
from crosshook.core.unfolding.axes import HistogramAxis, automatic_edges, rising
from crosshook.core.unfolding.covariance import standard_errors, uncertainty
from crosshook.core.unfolding.levels import quantity_of
from crosshook.core.unfolding.result import UnfoldedHistogram
from crosshook.core.unfolding.spectra import Binning, spectrum
from crosshook.core.unfolding.weighted_events import NOMINAL, PRIOR, WeightedEvents, open_unfolding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from crosshook.core.interfaces.unfolder import WeightFamily
    from crosshook.core.unfolding.tables import Table

    Floats = NDArray[np.float64]


def unfolded_histogram(
    unfolding: Path | str | WeightedEvents,
    observable: str,
    edges: Sequence[float] = (),
    *,
    name: str = "",
    label: str = "",
    unit: str = "",
) -> UnfoldedHistogram:
    """A distribution of the unfolded events.

    Args:
        unfolding: directory of a finished unfolding, or what `open_unfolding` read there.
        observable: a truth column, or an expression in them.
        edges: rising; chosen from the events if left out.
        name: of the histogram; the observable if left out.
        label: of the axis; the observable if left out.
        unit: of the axis; that of the column if left out.

    Raises:
        InputError: if there is no such column.
        ConfigurationError: if the observable is no expression, or the edges do not rise.
    """
    events = open_unfolding(Path(unfolding)) if isinstance(unfolding, Path | str) else unfolding
    units = events.metadata.get("units")
    known = units if isinstance(units, dict) else {}
    axis = HistogramAxis(
        name or observable,
        observable,
        rising(edges, "edges"),
        label or observable,
        unit or str(known.get(observable, "")),
    )
    return histogram_of(events.table, events.families, axis)


def histogram_of(
    table: Table, families: Mapping[str, WeightFamily], axis: HistogramAxis
) -> UnfoldedHistogram:
    """A distribution of weighted truth events.

    Args:
        table: truth columns, and the simulation's weights where rows are its events.
        families: weights.
        axis: observable and bins.

    Raises:
        InputError: if the observable is not a number for some event.
    """
    values = quantity_of(table, axis.observable, f"histograms.{axis.name}.observable")
    if np.isnan(values).any():
        row = int(np.nonzero(np.isnan(values))[0][0])
        message = f"{table.name}: row {row}: {axis.observable} is nan"
        raise InputError(message)
    nominal = families[NOMINAL].weights[:, 0]
    edges = axis.edges or automatic_edges(values, nominal.numpy())
    binning = Binning(axis.name, edges, axis.unit)
    column = torch.from_numpy(values)
    known = uncertainty(families, lambda weights: spectrum(column, weights, binning))
    told = known.data is not None or known.simulation is not None
    total = known.total if told or known.systematic is not None else None
    prior: Floats = np.zeros(0)
    prior_errors: Floats = np.zeros(0)
    if PRIOR in table.columns:
        weight = torch.from_numpy(np.asarray(table.column(PRIOR)))
        scale = float(nominal.sum() / weight.sum())
        prior = spectrum(column, weight, binning) * scale
        prior_errors = np.sqrt(spectrum(column, weight.square(), binning)) * abs(scale)
    like = known.values
    return UnfoldedHistogram(
        name=axis.name,
        observable=axis.observable,
        label=axis.label or axis.observable,
        unit=axis.unit,
        edges=edges,
        values=_floats(like),
        below=float(nominal[column < edges[0]].sum()),
        above=float(nominal[column >= edges[-1]].sum()),
        data_errors=_floats(standard_errors(known.data, like)),
        simulation_errors=_floats(standard_errors(known.simulation, like)),
        network_errors=_floats(standard_errors(known.network, like)),
        systematic_errors=_floats(standard_errors(known.systematic, like)),
        total_errors=_floats(standard_errors(total, like)),
        covariance=() if total is None else tuple(_floats(row) for row in total),
        prior=_floats(prior),
        prior_errors=_floats(prior_errors),
    )


def _floats(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
