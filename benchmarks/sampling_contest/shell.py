"""Case `shell9`: a Gaussian shell in nine dimensions, which has no structure along any axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.interfaces.integrand import Evaluation

if TYPE_CHECKING:
    from torch import Tensor


class Shell:
    """exp(-(r - r0)²/2s²) about the centre of the cube, normalised to 1.

    Attributes:
        reference: the integral and its error.
    """

    name = "shell9"
    channels = ("flat",)
    n_dim = 9
    n_features = 0

    def __init__(self, r0: float = 0.4, s: float = 0.03) -> None:
        """Normalises by quadrature."""
        self._r0, self._s = r0, s
        self._norm = shell_integral(self.n_dim, r0, s)
        self.reference: tuple[float, float] | None = (1.0, 0.0)

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """See `Integrand.evaluate`."""
        r = (u - 0.5).norm(dim=1)
        value = torch.exp(-((r - self._r0) ** 2) / (2 * self._s**2)) / self._norm
        return Evaluation(value, u.new_zeros((u.shape[0], 1)))


def shell_integral(dimensions: int, r0: float, s: float) -> float:
    """∫ exp(-(r - r0)²/2s²) over the unit cube about its centre, for shells within r < 1/√2.

    At radius r > 1/2 the sphere leaves the cube through 2d caps, which do not overlap below 1/√2;
    a cap holds the directions with a cosine above 1/2r.
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)

    def integral(low: float, high: float, values: np.ndarray) -> float:
        return float((high - low) / 2 * np.sum(weights * values))

    def points(low: float, high: float) -> np.ndarray:
        return (low + high) / 2 + (high - low) / 2 * nodes

    def band(x: np.ndarray) -> np.ndarray:
        return (1 - x**2) ** ((dimensions - 3) / 2)

    whole = integral(0, 1, band(points(0, 1)))
    area = 2 * math.pi ** (dimensions / 2) / math.gamma(dimensions / 2)
    total = 0.0
    for low, high in ((max(0.0, r0 - 12 * s), 0.5), (0.5, math.sqrt(0.5))):
        r = points(low, high)
        cosine = np.minimum(0.5 / r, 1.0)
        outside = [integral(c, 1, band(points(c, 1))) / whole for c in cosine]
        inside = 1 - dimensions * np.array(outside)
        density = r ** (dimensions - 1) * np.exp(-((r - r0) ** 2) / (2 * s * s))
        total += integral(low, high, density * inside)
    return area * total
