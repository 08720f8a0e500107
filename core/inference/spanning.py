"""Densities at all θ as sums of those at a few: |M|² is a polynomial in couplings, or in cos α and sin α.

dσ(z, θ) = Σ_j c_j(θ) dσ(z, θ_j) with a few nodes θ_j of the grid wherever dσ is such a polynomial, or
as good as one. Whether it is, is found out at some points of the cube and tried at others; then the
integrals of an event take as many values of dσ as there are nodes, however fine the grid is.
p parameters, t parameter points, r nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core import random
from crosshook.core.inference.simulated import select_points

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.inference.model import ParametricModel, TruthPoints

TRIED = 512
"""Points of the cube where densities are compared; half of them find the nodes, half try them."""
FEWEST = 64
"""Of them inside of the model, below which nothing is concluded."""
WORTHWHILE = 3
"""Parameter points for each node, below which all are evaluated."""
RESIDUAL = 1e-10
"""Part of a point's largest density that is left to explain when there are nodes enough."""
TOLERANCE = 1e-8
"""Likewise at the points they are tried at; integrals ask for 10⁻³."""
TRIED_AGAIN = 32
"""Points of each integral where the densities are compared once more."""
TOLERANCE_AGAIN = 1e-6
"""Likewise there, where rounding may be amplified more than at points spread evenly."""


@dataclass(frozen=True)
class Spanning:
    """Parameter points whose densities make all others.

    Attributes:
        nodes: `(r, p)`.
        coefficients: of each node in the density at each parameter point, `(r, t)`; None if the
            nodes are the parameter points themselves.
    """

    nodes: Tensor
    coefficients: Tensor | None

    def spread(self, values: Tensor) -> Tensor:
        """Values at the nodes `(..., r)`, linear in dσ, at the parameter points, `(..., t)`."""
        return values if self.coefficients is None else values @ self.coefficients

    def spread_squares(self, gram: Tensor) -> Tensor:
        """Σ over points of the square, from that of products of two nodes, `(..., r, r)`."""
        assert self.coefficients is not None
        return ((gram @ self.coefficients) * self.coefficients).sum(dim=-2)


@torch.no_grad()
def spanning(model: ParametricModel, theta: Tensor) -> Spanning:
    """Looks for nodes among the parameter points `(t, p)`.

    The tally of the model's densities does not count what is evaluated here.
    """
    whole = Spanning(theta, None)
    largest = len(theta) // WORTHWHILE
    if largest < 1:
        return whole
    evaluated, negative = model.tally.evaluated, model.tally.negative
    u = random.uniform(0, "spanning", 0, (TRIED, model.n_dim))
    log_density = model.log_density(model.points(u), theta)
    model.tally.evaluated, model.tally.negative = evaluated, negative
    highest = log_density.amax(dim=1)
    rows = highest != -torch.inf  # what is not finite stays, and integrals refuse it
    density = torch.exp(log_density[rows] - highest[rows, None])
    if len(density) < FEWEST or not bool(torch.isfinite(density).all()):
        return whole
    half = len(density) // 2
    known, tried = density[:half], density[half:]
    chosen, directions = _nodes(known, min(largest, half // 2))
    if not chosen:
        return whole
    coefficients = _coefficients(known, chosen, directions)
    made = torch.stack([tried[:, node] for node in chosen], dim=1) @ coefficients
    if float((made - tried).abs().max()) > TOLERANCE:
        return whole
    return Spanning(theta[chosen], coefficients)


@torch.no_grad()
def holding(
    span: Spanning, model: ParametricModel, points: TruthPoints, theta: Tensor
) -> Spanning:
    """The span if it holds at some of these points too, or else all parameter points `(t, p)`.

    Points of integrals are where the density is large: they see a narrow peak that points spread
    evenly over the cube have missed.
    """
    if span.coefficients is None:
        return span
    rows = torch.linspace(0, len(points) - 1, TRIED_AGAIN, device="cpu").round().long()
    some = select_points(points, rows.to(points.u.device))
    log_density = model.log_density(some, theta)
    log_nodes = model.log_density(some, span.nodes)
    highest = log_density.amax(dim=1, keepdim=True)
    highest = torch.where(highest == -torch.inf, torch.zeros_like(highest), highest)
    made = span.spread(torch.exp(log_nodes - highest))
    off = float((made - torch.exp(log_density - highest)).abs().max())
    return span if off <= TOLERANCE_AGAIN else Spanning(theta, None)


def _nodes(density: Tensor, largest: int) -> tuple[list[int], Tensor]:
    """Columns that span all, the one that is explained least first, and orthonormal directions.

    No columns if they would be more than `largest`.
    """
    left = density.clone()
    chosen: list[int] = []
    directions: list[Tensor] = []
    while float(left.abs().max()) > RESIDUAL:
        if len(chosen) == largest:
            return [], left
        column = int(left.square().sum(dim=0).argmax())
        chosen.append(column)
        direction = left[:, column] / left[:, column].square().sum().sqrt()
        directions.append(direction)
        for _ in range(2):  # once more, for rounding
            left = left - direction[:, None] * _projected(direction, left)
    return chosen, torch.stack(directions)


def _coefficients(density: Tensor, chosen: list[int], directions: Tensor) -> Tensor:
    """What each column is made of, from the triangle that the chosen ones are, `(r, t)`."""
    all_columns = torch.stack([_projected(direction, density) for direction in directions])
    triangle = all_columns[:, chosen]
    found: list[Tensor] = []
    for row in reversed(range(len(chosen))):
        rest = all_columns[row]
        for later, known in zip(range(row + 1, len(chosen)), found, strict=True):
            rest = rest - triangle[row, later] * known
        found.insert(0, rest / triangle[row, row])
    return torch.stack(found)


def _projected(direction: Tensor, columns: Tensor) -> Tensor:
    """Products of columns `(n, t)` with a direction `(n,)`.

    Added up like this, they do not depend on where in memory they are, to the last bit.
    """
    return (direction[:, None] * columns).sum(dim=0)
