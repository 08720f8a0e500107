"""Histograms of events (UHI, through hist): weighted sums and their squares in bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.events.event_expression import EventExpression

if TYPE_CHECKING:
    import hist
    from hist.axis import AxisProtocol

    from crosshook.core.events.batch import EventBatch

    Binning = tuple[int, float, float] | AxisProtocol


def event_histogram(
    batch: EventBatch, quantity: str, axis: Binning, weight: str | None = None
) -> hist.Hist[hist.storage.Weight]:
    """A histogram of a quantity; those of several batches add up with `+`.

    Args:
        batch: the events.
        quantity: an expression, e.g. `pt[jet[0]]`; see `event_expression`. Events that lack a
            particle it names are left out.
        axis: `(bins, low, high)`, or an axis of hist.
        weight: id of a further weight; the nominal one if None.

    Returns:
        Sums of weights in the unit of the file, with variances. What makes them a cross section is
        up to the file's convention: divide by its number of events where the mean weight is σ.

    Raises:
        ConfigurationError: if the expression is none.
        InputError: if there is no such weight.
    """
    import hist

    binned = (
        hist.axis.Regular(*axis, name="x", label=quantity) if isinstance(axis, tuple) else axis
    )
    values = EventExpression.quantity(quantity, batch.info, "quantity").values(batch)
    column = batch.event["weight"] if weight is None else batch.weight_column(weight)
    there = ~np.isnan(values)
    made = hist.Hist(binned, storage=hist.storage.Weight())
    made.fill(values[there], weight=np.asarray(column, np.float64)[there])
    return made
