"""Calibration of predicted errors: a correction by size of the error, and coverage by pulls.

A pull is (log|M|² predicted - true)/σ with the predicted σ. Its width is half the central interval
that holds 68.27 % of the points: 1 if σ is right in the bulk, whatever the tails do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

ONE_SIGMA = math.erf(1 / math.sqrt(2))
FEWEST = 200
"""Points a step of the correction is taken from: known to √(0.217/200)/0.484 = 7 % then."""
MOST_STEPS = 20


@dataclass(frozen=True)
class Recalibration:
    """What is added to a predicted log σ, linear between knots and constant outside.

    Attributes:
        knots: predicted log σ, rising, `(k,)`.
        shift: to add there, `(k,)`.
    """

    knots: Tensor
    shift: Tensor

    def __call__(self, log_std: Tensor) -> Tensor:
        """The corrected log σ, `(n,)`."""
        if len(self.knots) == 1:
            return log_std + self.shift
        # A sum of hinges rather than a search, so that it can be exported.
        slope = self.shift.diff() / self.knots.diff()
        bend = torch.cat([slope[:1], slope.diff(), -slope[-1:]])
        hinges = torch.relu(log_std[:, None] - self.knots)
        return log_std + self.shift[0] + hinges @ bend


def recalibration(residual: Tensor, log_std: Tensor) -> Recalibration:
    """The correction that gives pulls of width 1 in every range of predicted errors.

    Args:
        residual: log|M|² predicted - true of points no training has seen, `(n,)`.
        log_std: predicted log σ of these, `(n,)`.

    Raises:
        InputError: if there are no points.
    """
    n = len(residual)
    if n == 0:
        message = "calibration: there are no points"
        raise InputError(message)
    order = torch.argsort(log_std)
    steps = max(1, min(MOST_STEPS, n // FEWEST))
    knots: list[float] = []
    shifts: list[float] = []
    for rows in torch.tensor_split(order, steps):
        width = pull_width(residual[rows] / log_std[rows].exp())
        knot = float(log_std[rows].median())
        # Equal predictions have one correction; a width of 0 asks for none that is finite.
        if width > 0 and (not knots or knot > knots[-1]):
            knots.append(knot)
            shifts.append(math.log(width))
    if not knots:
        knots, shifts = [0.0], [0.0]
    return Recalibration(log_std.new_tensor(knots), log_std.new_tensor(shifts))


def pull_width(pull: Tensor) -> float:
    """Half the central interval about 0 that holds 68.27 % of the pulls."""
    size = pull.abs().sort().values
    return float(size[min(len(size) - 1, int(ONE_SIGMA * len(size)))])


def coverage(pull: Tensor, within: float) -> float:
    """Share of pulls with |pull| <= within; erf(within/√2) if errors are Gaussian."""
    return float((pull.abs() <= within).to(torch.float64).mean())
