"""LHAPDF's continuation of parton densities beyond the grid (``ContinuationExtrapolator``).

Below x_min and above q_max x·f is a power law through the two outermost knots (a line in the
logarithm where values are below 1e-3). Below q_min the anomalous dimension at q_min is
interpolated to 1, so that densities vanish as Q² -> 0. The rule is that of the MSTW code.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from crosshook.adapters.lhapdf.bicubic import BicubicGrid

SMALL = 1e-3
"""Below this the line is in x·f itself: its logarithm may not exist."""


def _line(position: Tensor, ends: tuple[float, float], low: Tensor, high: Tensor) -> Tensor:
    """Values at (n,) positions of the line in the log of the position through two (n, f) ends."""
    first = torch.full_like(position, ends[0])
    width = torch.log(torch.full_like(position, ends[1]) / first)
    fraction = (torch.log(position / first) / width)[:, None]
    positive = (low > SMALL) & (high > SMALL)
    log_low, log_high = (torch.where(positive, end, 1.0).log() for end in (low, high))
    power_law = torch.exp(log_low + fraction * (log_high - log_low))
    return torch.where(positive, power_law, low + fraction * (high - low))


@dataclass(frozen=True)
class Continuation:
    """The rule for one grid.

    Attributes:
        x_ends: First two x knots.
        q_low: First Q knot (GeV).
        q_ends: Last two Q knots (GeV), the last one first.
    """

    x_ends: tuple[float, float]
    q_low: float
    q_ends: tuple[float, float]

    def __call__(self, grid: BicubicGrid, x: Tensor, q: Tensor) -> Tensor:
        """x·f anywhere with 0 < x <= 1: x (n,), q (n,) -> (n, flavours)."""
        q_low = torch.full_like(q, self.q_low)
        ratio = ((q / q_low) ** 2)[:, None]
        inside = self._along_x(grid, x, q.clamp(self.q_low, self.q_ends[0]))
        last = self._along_x(grid, x, torch.full_like(q, self.q_ends[0]))
        before = self._along_x(grid, x, torch.full_like(q, self.q_ends[1]))
        above = _line(q.clamp(min=self.q_ends[0]), self.q_ends, last, before)

        start = self._along_x(grid, x, q_low)
        step = self._along_x(grid, x, q_low * 1.01**0.5)
        sizeable = start.abs() >= 1e-5
        slope = (step - start) / torch.where(sizeable, start, 1.0) / 0.01
        slope = torch.where(sizeable, slope.clamp(min=-2.5), 1.0)
        ratio = ratio.clamp(max=1.0)
        below = start * ratio ** (slope * ratio + 1.0 - ratio)

        out = torch.where((q > self.q_ends[0])[:, None], above, inside)
        return torch.where((q < self.q_low)[:, None], below, out)

    def _along_x(self, grid: BicubicGrid, x: Tensor, q: Tensor) -> Tensor:
        inside = grid(x.clamp(min=self.x_ends[0]), q)
        first, second = (grid(torch.full_like(x, end), q) for end in self.x_ends)
        beyond = _line(x.clamp(max=self.x_ends[0]), self.x_ends, first, second)
        return torch.where((x < self.x_ends[0])[:, None], beyond, inside)
