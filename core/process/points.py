"""Phase-space points of a process on their way to a weight: before |M|², and with dσ/dx."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.integrand import Evaluation

Rows = TypeVar("Rows", "BarePoints", "Points")


def _select(points: Rows, rows: Tensor) -> Rows:
    """The points of these rows, column by column."""
    columns = {name: c[rows] for name, c in vars(points).items() if c is not None}
    return replace(points, **columns)


@dataclass(frozen=True)
class BarePoints:
    """Points inside phase space and cuts, with all that takes no |M|².

    Attributes:
        momenta: `(n, m, 4)` in GeV, lab frame, incoming first.
        x1: momentum fractions of beam 1, `(n,)`.
        x2: likewise of beam 2.
        log_jacobian: log|∂x/∂u| of the channel that made the point, `(n,)`.
        mu_r: renormalisation scales in GeV, `(n,)`.
        mu_f: factorisation scales in GeV, `(n,)`.
        alpha_s: α_s(μ_R), `(n,)`; NaN where a momentum or scale is no number.
        flux: what makes |M|² dσ/dx in pb but for densities, `(n,)`.
        luminosity: f1 f2 of each flavour assignment, `(n, a)`, NaN likewise, or None.
        usable: False where a momentum or scale is no number, `(n,)` bool.
        helicity: the helicity state of each point, `(n,)` int64, or None if they are summed.
    """

    momenta: Tensor
    x1: Tensor
    x2: Tensor
    log_jacobian: Tensor
    mu_r: Tensor
    mu_f: Tensor
    alpha_s: Tensor
    flux: Tensor
    luminosity: Tensor | None
    usable: Tensor
    helicity: Tensor | None = None

    def select(self, rows: Tensor) -> BarePoints:
        """The points of these rows."""
        return _select(self, rows)


@dataclass(frozen=True)
class Placed:
    """A batch of points of the unit cube with those that lie inside phase space and cuts.

    Attributes:
        n: points of the batch.
        rows: which of them lie inside, `(j,)` int64.
        points: those points.
        log_densities: of every channel at these points, `(j, k)`.
    """

    n: int
    rows: Tensor
    points: BarePoints
    log_densities: Tensor

    def select(self, inside: Tensor) -> Placed:
        """The same batch with some of the points inside, counted among these."""
        rows, points = self.rows[inside], self.points.select(inside)
        return Placed(self.n, rows, points, self.log_densities[inside])


@dataclass(frozen=True)
class Points:
    """Points inside phase space and cuts.

    Attributes:
        momenta: `(n, m, 4)` in GeV, lab frame, incoming first.
        x1: momentum fractions of beam 1, `(n,)`.
        x2: likewise of beam 2.
        log_jacobian: log|∂x/∂u| of the channel that made the point, `(n,)`.
        mu_r: renormalisation scales in GeV, `(n,)`.
        mu_f: factorisation scales in GeV, `(n,)`.
        alpha_s: α_s(μ_R), `(n,)`.
        parts: dσ/dx of each flavour assignment in pb, `(n, a)`.
        channels: weights of the channels as the amplitudes propose them, `(n, k)`, or None.
        helicity: the helicity state of each point, `(n,)` int64, or None if they are summed.
    """

    momenta: Tensor
    x1: Tensor
    x2: Tensor
    log_jacobian: Tensor
    mu_r: Tensor
    mu_f: Tensor
    alpha_s: Tensor
    parts: Tensor
    channels: Tensor | None = None
    helicity: Tensor | None = None

    def select(self, rows: Tensor) -> Points:
        """The points of these rows."""
        return _select(self, rows)


def joined_points(several: Sequence[Points]) -> Points:
    """The points of several batches, at least one, of one process."""
    first = several[0]
    if len(several) == 1:
        return first
    columns = {
        name: torch.cat([getattr(points, name) for points in several])
        for name, column in vars(first).items()
        if column is not None
    }
    return replace(first, **columns)


@dataclass(frozen=True)
class Evaluated:
    """A batch of points with what the integrand knows of them.

    Attributes:
        evaluation: as every integrand gives it.
        rows: which points of the batch lie inside phase space and cuts, `(j,)` int64.
        points: those points.
    """

    evaluation: Evaluation
    rows: Tensor
    points: Points
