"""Axes of histograms of unfolded events: an observable, bins, and what to write beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import numpy as np

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

DEFAULT_BINS = 25
MOST_BINS = 100_000
"""Of equal width; more are a slip, and fill the memory."""
QUANTILES = (0.002, 0.998)
"""Shares of the weight below the ends of an axis nobody chose."""


@dataclass(frozen=True)
class HistogramAxis:
    """One axis.

    Attributes:
        name: key in reports and exports.
        observable: a truth column, or an expression in them.
        edges: rising, `(bins + 1,)`; empty where they follow from the events.
        label: of the axis.
        unit: of the axis.
    """

    name: str
    observable: str
    edges: tuple[float, ...] = ()
    label: str = ""
    unit: str = ""


def read_axes(
    written: Mapping[str, Mapping[str, object]], units: Mapping[str, str], where: str
) -> tuple[HistogramAxis, ...]:
    """Axes as a run file has them.

    Raises:
        ConfigurationError: if bins are given twice, incompletely, or do not rise.
    """
    made = []
    for name, part in written.items():
        observable = str(part.get("observable", name))
        edges = cast("Sequence[float] | None", part.get("edges"))
        parts = [key for key in ("bins", "low", "high") if key in part]
        if edges is not None and parts:
            message = f"{where}.{name}: edges leave nothing for {', '.join(parts)}"
            raise ConfigurationError(message)
        if edges is None and parts:
            if len(parts) < 3:
                message = f"{where}.{name}: bins, low and high go together; given: {parts}"
                raise ConfigurationError(message)
            low, high = cast("float", part["low"]), cast("float", part["high"])
            edges = equal_bins(cast("int", part["bins"]), low, high)
        made.append(
            HistogramAxis(
                name,
                observable,
                rising(edges or (), f"{where}.{name}"),
                str(part.get("label", observable)),
                str(part.get("unit", units.get(observable, ""))),
            )
        )
    return tuple(made)


def rising(edges: Sequence[float], where: str) -> tuple[float, ...]:
    """The edges, if they rise.

    Raises:
        ConfigurationError: if they do not.
    """
    made = tuple(float(edge) for edge in edges)
    if not all(math.isfinite(e) for e in made) or not all(a < b for a, b in pairwise(made)):
        message = f"{where}: edges {list(made)} do not rise"
        raise ConfigurationError(message)
    return made


def equal_bins(bins: int, low: float, high: float) -> tuple[float, ...]:
    """Edges of equal bins."""
    return (*(low + (high - low) * i / bins for i in range(bins)), float(high))


def parse_bins(text: str, where: str = "--bins") -> tuple[float, ...]:
    """Bins as the command line has them.

    Args:
        text: `COUNT:LOW:HIGH`, e.g. `25:0:70`, or edges `0,5,10,20`.
        where: for messages.

    Raises:
        ConfigurationError: if it is neither.
    """
    try:
        if ":" in text:
            count, low, high = text.split(":")
            number = int(count)
            if number > MOST_BINS:
                message = f"{where}: {text!r} makes more than {MOST_BINS:,} bins"
                raise ConfigurationError(message)
            edges = equal_bins(number, float(low), float(high)) if number > 0 else ()
        else:
            edges = tuple(float(edge) for edge in text.split(","))
    except ValueError as error:
        message = f"{where}: {text!r} is neither COUNT:LOW:HIGH nor edges A,B,C,..."
        raise ConfigurationError(message) from error
    if len(edges) < 2:
        message = f"{where}: {text!r} makes no bin"
        raise ConfigurationError(message)
    return rising(edges, where)


def automatic_edges(
    values: NDArray[np.float64], weights: NDArray[np.float64], bins: int = DEFAULT_BINS
) -> tuple[float, ...]:
    """Equal bins over the range that holds nearly all of the weight; whole numbers get whole bins.

    Args:
        values: `(n,)`.
        weights: `(n,)`.
        bins: how many at most.
    """
    order = np.argsort(values)
    share = np.cumsum(np.abs(weights[order]))
    if not len(values) or not share[-1] > 0:
        return (0.0, 1.0)
    ends = np.searchsorted(share / share[-1], QUANTILES)
    low, high = (float(values[order[min(i, len(values) - 1)]]) for i in ends)
    if not low < high:
        return (low - 0.5, low + 0.5)
    if bool((values == np.round(values)).all()):
        step = max(1, math.ceil((high - low + 1) / bins))
        count = math.ceil((high - low + 1) / step)
        return tuple(low - 0.5 + step * i for i in range(count + 1))
    return equal_bins(bins, low, high)
