"""Uncertainties of anything computed from an unfolding's weights: their covariances, by origin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import ConfigurationError
from crosshook.core.unfolding.anova import components, spread_of_seeds
from crosshook.core.unfolding.replica_plan import crossing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.interfaces.unfolder import WeightFamily

    Floats = NDArray[np.float64]


COVARIANCE_DATA = "covariance_data"
"""Family of a component that knows the covariance of its data: a column for each eigenvector. It
stands for the data's part where there are no resamples of them."""


REPLICAS = ("ensemble", "bootstrap_data", "bootstrap_mc")
"""Families that `crosshook.core.unfolding.replicas` makes."""


@dataclass(frozen=True)
class Uncertainty:
    """q quantities with their covariances, each `(q, q)`; those that no replica tells are None.

    Estimates without bias: a variance that is small beside the network's may come out below 0;
    `crosshook.core.unfolding.anova.nearest_covariance` makes a matrix positive for those who must
    invert it.

    Attributes:
        values: of the nominal weights, `(q,)`.
        data: from the statistics of the measured events.
        simulation: from the statistics of the simulated ones.
        network: from the seeds of the networks, for the nominal result.
        systematic: from the systematic variations, added in quadrature; `X_up` and `X_down` count
            as one, with the mean of their squares.
        variations: change of the values by each variation, `(q,)`.
    """

    values: Floats
    data: Floats | None
    simulation: Floats | None
    network: Floats | None
    systematic: Floats | None
    variations: Mapping[str, Floats]

    @property
    def statistical(self) -> Floats:
        """Covariance of measured and simulated events together, `(q, q)`."""
        return self._sum(self.data, self.simulation)

    @property
    def total(self) -> Floats:
        """All parts together, `(q, q)`."""
        return self._sum(self.data, self.simulation, self.network, self.systematic)

    def _sum(self, *parts: Floats | None) -> Floats:
        q = self.values.size
        known = [part for part in parts if part is not None]
        total: Floats = sum(known, np.zeros((q, q)))
        return total


def uncertainty(
    families: Mapping[str, WeightFamily],
    quantities: Callable[[Tensor], Floats],
    averaged: int = 1,
) -> Uncertainty:
    """Values and covariances of what a function makes of weights.

    The network's part is told by seeds at the same events, whichever those are, so that all
    families count; the part of the events is what resamples add to it, so that it is not counted
    twice. With one seed it is not known, and the parts of the events hold how a network answers to
    other events.

    Args:
        families: of an unfolding with its replicas.
        quantities: of weights `(n, k)`, as `(k, q)`.
        averaged: seeds behind the nominal weights: 1 for a single fit.

    Returns:
        The nominal values and their covariances.

    Raises:
        ConfigurationError: if the labels of a family are not crossed completely, or there is one
            resample only.
    """
    if averaged < 1:
        message = f"averaged: {averaged} is below 1"
        raise ConfigurationError(message)
    values = quantities(families["nominal"].weights)[0]
    parts: dict[str, Floats] = {}
    noises: list[tuple[int, Floats]] = []
    for name, family in families.items():
        # Members of a component's own ensemble, whose average is its result, have other names.
        if name not in REPLICAS:
            continue
        resamples, seeds = crossing(family.labels, name)
        made = quantities(family.weights).reshape(resamples, seeds, values.size)
        if seeds > 1:
            noises.append((resamples * (seeds - 1), spread_of_seeds(made)))
        if family.kind != "ensemble":
            parts[family.kind] = components(made).statistical
    network = None
    if noises:
        freedom = sum(n for n, _ in noises)
        pooled: Floats = sum((n * m for n, m in noises), np.zeros_like(noises[0][1])) / freedom
        network = pooled / averaged
    changes: dict[str, Floats] = {}
    for name, family in families.items():
        if family.kind != "systematic":
            continue
        shifted = quantities(family.weights) - values
        if name == COVARIANCE_DATA:
            parts.setdefault("bootstrap_data", shifted.T @ shifted)
        else:
            changes.update(zip(family.labels, shifted, strict=True))
    systematic = None
    if changes:
        shifts = np.stack([share * changes[label] for label, share in _shares(changes).items()])
        systematic = shifts.T @ shifts
    return Uncertainty(
        values,
        parts.get("bootstrap_data"),
        parts.get("bootstrap_mc"),
        network,
        systematic,
        changes,
    )


def _shares(labels: Iterable[str]) -> dict[str, float]:
    """Factor of each variation: those named `X_up` and `X_down` are two looks at one source."""
    known = set(labels)
    other = {"_up": "_down", "_down": "_up"}
    made = {}
    for label in labels:
        stem, bar, side = label.rpartition("_")
        paired = stem + other.get(bar + side, "?") in known
        made[label] = math.sqrt(0.5) if paired else 1.0
    return made


def standard_errors(covariance: Floats | None, like: Floats) -> Floats:
    """Square roots of the diagonal, `(q,)`; NaN for a covariance that is not known."""
    if covariance is None:
        return np.full(like.shape, math.nan)
    return np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
