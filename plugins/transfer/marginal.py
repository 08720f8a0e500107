"""Fixed maps of one column to the unit interval, under which its own distribution is about flat.

On the line: a rational-quadratic spline through quantiles, continued by exponential tails, so that
the density is smooth and positive everywhere. On the circle: the angle in units of 2π.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

KNOTS = 24
"""Bins of the spline, where there are enough rows."""
FEWEST_A_BIN = 50
TAIL = 0.002
"""Share of the rows beyond either end of the spline."""
FARTHEST = 700.0
"""Lengths of a tail beyond which its share is 0 in float64."""
TURN = 2.0 * math.pi


@dataclass(frozen=True)
class Marginal:
    """The map of one column.

    Attributes:
        x: knots, `(b + 1,)`; empty for a circle.
        u: their places in the unit interval.
        slope: du/dx there.
        centre: mean of the column; 0 for a circle.
        width: its standard deviation; 1 for a circle.
    """

    x: Tensor
    u: Tensor
    slope: Tensor
    centre: Tensor
    width: Tensor

    @property
    def circle(self) -> bool:
        """The column is an angle."""
        return not len(self.x)

    @classmethod
    def around(cls, like: Tensor) -> Marginal:
        """The map of an angle; `like` tells device and type."""
        nothing = like.new_zeros(0)
        return cls(nothing, nothing, nothing, like.new_zeros(()), like.new_ones(()))

    @classmethod
    def through(cls, column: Tensor, what: str) -> Marginal:
        """The map of a column on the line.

        Args:
            column: its values in a training, `(n,)`.
            what: the column, for messages.

        Raises:
            InputError: if there are no values, one is no number, or all are the same.
        """
        if not len(column):
            message = f"{what}: no event of the training has one: leave it out"
            raise InputError(message)
        if not bool(column.isfinite().all()):
            message = f"{what}: {int((~column.isfinite()).sum())} values are no numbers"
            raise InputError(message)
        ordered = column.sort().values
        span = ordered[-1] - ordered[0]
        if not float(span) > 0.0:
            message = f"{what}: all {len(column)} values are {float(ordered[0]):g}: leave it out"
            raise InputError(message)
        bins = max(2, min(KNOTS, len(column) // FEWEST_A_BIN))
        u = torch.linspace(TAIL, 1.0 - TAIL, bins + 1, dtype=torch.float64, device=column.device)
        place = u * (len(ordered) - 1)
        low = place.long().clamp(max=len(ordered) - 2)
        x = torch.lerp(ordered[low], ordered[low + 1], place - low)
        # Values that occur often leave bins of no width.
        steps = torch.diff(x).clamp(min=1e-6 * float(span))
        x = torch.cat([x[:1], x[0] + torch.cumsum(steps, 0)])
        rise = torch.diff(u) / steps
        inner = torch.sqrt(rise[:-1] * rise[1:])
        ends = [rise[:1], inner, rise[-1:]]
        return cls(x, u, torch.cat(ends), column.mean(), column.std().clamp(min=1e-12))

    def to_unit(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """u in [0, 1] and log du/dx of values `(n,)`."""
        if self.circle:
            u = x / TURN + 0.5
            # The remainder of a tiny negative number rounds to 1.
            u = (u - torch.floor(u)).clamp(max=1.0)
            return u, torch.full_like(x, -math.log(TURN))
        inside = x.clamp(self.x[0], self.x[-1])
        b = torch.searchsorted(self.x, inside.detach().contiguous(), right=True) - 1
        b = b.clamp(0, len(self.x) - 2)
        left, low = self.x[b], self.u[b]
        width, height = self.x[b + 1] - left, self.u[b + 1] - low
        s0, s1, mean = self.slope[b], self.slope[b + 1], height / width
        t = (inside - left) / width
        both = t * (1.0 - t)
        below = mean + (s0 + s1 - 2.0 * mean) * both
        u = low + height * (mean * t * t + s0 * both) / below
        above = s1 * t * t + 2.0 * mean * both + s0 * (1.0 - t) ** 2
        log_slope = 2.0 * mean.log() + above.log() - 2.0 * below.log()
        under = ((self.x[0] - x) * self.slope[0] / TAIL).clamp(min=0.0)
        over = ((x - self.x[-1]) * self.slope[-1] / TAIL).clamp(min=0.0)
        u = torch.where(under > 0, TAIL * torch.exp(-under.clamp(max=FARTHEST)), u)
        u = torch.where(over > 0, 1.0 - TAIL * torch.exp(-over.clamp(max=FARTHEST)), u)
        return u, log_slope - under - over

    def from_unit(self, u: Tensor) -> Tensor:
        """The values at places u `(n,)`."""
        if self.circle:
            return (u - 0.5) * TURN
        inside = u.clamp(TAIL, 1.0 - TAIL)
        b = torch.searchsorted(self.u, inside.detach().contiguous(), right=True) - 1
        b = b.clamp(0, len(self.x) - 2)
        left, low = self.x[b], self.u[b]
        width, height = self.x[b + 1] - left, self.u[b + 1] - low
        s0, s1, mean = self.slope[b], self.slope[b + 1], height / width
        bend, rest = s0 + s1 - 2.0 * mean, inside - low
        quadratic = height * (mean - s0) + rest * bend
        linear = height * s0 - rest * bend
        constant = -mean * rest
        root = torch.sqrt((linear**2 - 4.0 * quadratic * constant).clamp(min=0.0))
        x = left + width * (2.0 * constant / (-linear - root)).clamp(0.0, 1.0)
        least = torch.finfo(u.dtype).tiny
        under = -torch.log((u / TAIL).clamp(least, 1.0)) * TAIL / self.slope[0]
        spacing = torch.finfo(u.dtype).eps / 4
        over = -torch.log(((1.0 - u) / TAIL).clamp(spacing, 1.0)) * TAIL / self.slope[-1]
        return x - under + over

    def state(self, name: str) -> dict[str, Tensor]:
        """Its tensors, by names that begin with `name`."""
        return {f"{name}.{key}": tensor for key, tensor in vars(self).items()}

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], name: str) -> Marginal:
        """Takes back what `state` gave."""
        names = ("x", "u", "slope", "centre", "width")
        return cls(*(tensors[f"{name}.{key}"] for key in names))
