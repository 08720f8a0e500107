"""Bicubic interpolation of a whole grid on a device: one row of coefficients per cell.

The polynomial of a cell, in t = fraction of the cell in log Q and s = fraction in log x, has 16
coefficients per flavour; they are computed once, so that a point costs one lookup and one small
product for all flavours. (LHAPDF 6.5 stores the x half of them.)
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crosshook.adapters.lhapdf.grid_file import GridTable
from crosshook.adapters.lhapdf.stencil import LINEAR, Stencils, stencils


class Axis:
    """Knots on a device, and the search for the cell a value lies in.

    Args:
        knots: Positions, positive and ascending, (k,). Cells are even in their logarithm.
        device: Where lookups happen.
    """

    def __init__(self, knots: NDArray[np.float64], device: torch.device) -> None:
        log = np.log(knots)
        width = np.diff(log)
        inverse = np.divide(1.0, width, out=np.zeros_like(width), where=width > 0.0)
        self.knots = torch.as_tensor(knots, dtype=torch.float64, device=device)
        self.log = torch.as_tensor(log, dtype=torch.float64, device=device)
        self.inverse_width = torch.as_tensor(inverse, dtype=torch.float64, device=device)

    def locate(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """Cell of each value and the fraction of it that lies below.

        A value on a knot belongs to the cell above, the last knot to the last cell.

        Args:
            value: Positions within the axis, (n,).

        Returns:
            Cells (n,) int64 and fractions in [0, 1], (n,), differentiable.
        """
        found = torch.searchsorted(self.knots, value.detach().contiguous(), right=True) - 1
        cell = found.clamp(0, self.knots.shape[0] - 2)
        return cell, (value.log() - self.log[cell]) * self.inverse_width[cell]


def powers(fraction: Tensor) -> Tensor:
    """The powers 0 to 3 of (n,) numbers, (n, 4)."""
    square = fraction * fraction
    return torch.stack([torch.ones_like(fraction), fraction, square, square * fraction], dim=1)


def bicubic_coefficients(table: GridTable) -> NDArray[np.float64]:
    """Coefficients of all cells' polynomials.

    Returns:
        (Q cells, x cells, flavours, 16); the last axis is power of t times power of s.
    """
    in_x, in_q = stencils(np.log(table.x)), stencils(np.log(table.q))
    along_x = _apply_x(in_x.matrices, in_x, table.values)
    coefficients = _apply_q(in_q, along_x)
    if in_q.linear.any():
        straight = np.broadcast_to(LINEAR, in_x.matrices.shape)
        bilinear = _apply_q(in_q, _apply_x(straight, in_x, table.values))
        coefficients[in_q.linear] = bilinear[in_q.linear]
    return coefficients.reshape(*coefficients.shape[:3], 16)


def _apply_x(
    matrices: NDArray[np.float64], axis: Stencils, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(Q knots, x knots, flavours) -> (Q knots, x cells, flavours, powers of s)."""
    by_cell = np.moveaxis(values[:, axis.neighbours], 2, 3)
    return np.asarray(by_cell @ matrices.transpose(0, 2, 1), dtype=np.float64)


def _apply_q(axis: Stencils, along_x: NDArray[np.float64]) -> NDArray[np.float64]:
    """(Q knots, x cells, flavours, powers of s) -> (Q cells, x cells, flavours, t, s)."""
    knots, x_cells, flavours, _ = along_x.shape
    by_cell = along_x.reshape(knots, -1)[axis.neighbours]
    cells = (axis.matrices @ by_cell).reshape(-1, 4, x_cells, flavours, 4)
    return np.ascontiguousarray(cells.transpose(0, 2, 3, 1, 4))


CACHED = 512
"""Points whose gathered coefficients, 1.4 kB each, stay in a core's cache until they are used."""


class BicubicGrid:
    """One member's grid on one device.

    Args:
        table: The member's knots and values.
        device: Where it is evaluated.
    """

    def __init__(self, table: GridTable, device: torch.device) -> None:
        self._x, self._q = Axis(table.x, device), Axis(table.q, device)
        self._x_cells = len(table.x) - 1
        self._flavours = len(table.flavours)
        self._rows = torch.as_tensor(
            bicubic_coefficients(table).reshape(-1, self._flavours * 16),
            dtype=torch.float64,
            device=device,
        )

    def __call__(self, x: Tensor, q: Tensor) -> Tensor:
        """x·f at points within the grid: x (n,), q (n,) in GeV -> (n, flavours)."""
        x_cell, s = self._x.locate(x)
        q_cell, t = self._q.locate(q)
        cell = q_cell * self._x_cells + x_cell
        monomials = (powers(t)[:, :, None] * powers(s)[:, None, :]).reshape(-1, 16, 1)
        if cell.device.type != "cpu":
            return self._combine(cell, monomials)
        pieces = zip(torch.split(cell, CACHED), torch.split(monomials, CACHED), strict=True)
        return torch.cat([self._combine(*piece) for piece in pieces])

    def _combine(self, cell: Tensor, monomials: Tensor) -> Tensor:
        """Coefficients of the cells times the monomials: (n,), (n, 16, 1) -> (n, flavours)."""
        rows = self._rows.index_select(0, cell).reshape(-1, self._flavours, 16)
        return torch.bmm(rows, monomials)[:, :, 0]
