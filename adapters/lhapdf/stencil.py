"""The local cubic interpolation of LHAPDF on one axis, as matrices from knot values to polynomials.

LHAPDF interpolates x·f in log x and log Q², and α_s in log Q², with the same rule: between two
knots the cubic Hermite polynomial whose slope at a knot is the mean of the slopes of the two
adjoining intervals, and at an end of the table the slope of the only adjoining one. A knot given
twice (a flavour threshold) ends one table and starts the next; a table of two knots is linear.
Reference: arXiv:1412.7420, section 3; LHAPDF 6.5, src/LogBicubicInterpolator.cc.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# rows: powers 0..3 of t in [0, 1]; columns: value and slope at t = 0, value and slope at t = 1
HERMITE = np.array(
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [-3.0, -2.0, 3.0, -1.0], [2.0, 1.0, -2.0, 1.0]]
)
LINEAR = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, -1.0, 1.0, 0.0], [0.0] * 4, [0.0] * 4])


@dataclass(frozen=True)
class Stencils:
    """Polynomials of all c = k - 1 cells between k knots.

    Attributes:
        neighbours: Knots that enter a cell, (c, 4): the one before the cell, its ends, the one
            after; clamped at the ends of the axis, where the matrix has zeros.
        matrices: Power of t by neighbour, (c, 4, 4): the coefficients of t⁰..t³ are
            ``matrices[cell] @ values[neighbours[cell]]``. Zero for cells of no width.
        linear: Whether the cell is a table of its own, and so interpolated linearly, (c,).
    """

    neighbours: NDArray[np.int64]
    matrices: NDArray[np.float64]
    linear: NDArray[np.bool_]


def stencils(knots: NDArray[np.float64]) -> Stencils:
    """Builds the polynomials' matrices for an axis.

    Args:
        knots: Positions of the k >= 2 knots, ascending (equal where a table ends), (k,).
    """
    cells = len(knots) - 1
    width = np.diff(knots)
    lower = np.ones(cells, dtype=bool)
    upper = np.ones(cells, dtype=bool)
    lower[1:] = width[:-1] == 0.0
    upper[:-1] = width[1:] == 0.0
    before = np.concatenate([[0.0], width[:-1]])
    after = np.concatenate([width[1:], [0.0]])

    nodes = np.zeros((cells, 4, 4))  # value and slope at both ends, by neighbour
    nodes[:, 0, 1] = nodes[:, 2, 2] = 1.0
    inside = np.array([0.0, -1.0, 1.0, 0.0])
    nodes[:, 1] = nodes[:, 3] = inside
    has_lower = ~lower & (width > 0.0)
    has_upper = ~upper & (width > 0.0)
    ratio = width[has_lower] / before[has_lower]
    nodes[has_lower, 1] = 0.5 * (inside + ratio[:, None] * np.array([-1.0, 1.0, 0.0, 0.0]))
    ratio = width[has_upper] / after[has_upper]
    nodes[has_upper, 3] = 0.5 * (inside + ratio[:, None] * np.array([0.0, 0.0, -1.0, 1.0]))

    matrices = np.einsum("pk,ckn->cpn", HERMITE, nodes)
    matrices[width == 0.0] = 0.0
    neighbours = np.arange(cells)[:, None] + np.arange(-1, 3)
    return Stencils(np.clip(neighbours, 0, cells), matrices, lower & upper & (width > 0.0))
