"""Case `camel4`: two narrow Gaussians on the diagonal of the unit cube."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.integrand import Evaluation

if TYPE_CHECKING:
    from torch import Tensor


class Camel:
    """Gaussians of width σ at 1/3 and 2/3 of the diagonal; the integral is 1 up to tails.

    Attributes:
        reference: the integral and its error.
    """

    name = "camel4"
    channels = ("flat",)
    n_dim = 4
    n_features = 0

    def __init__(self, sigma: float = 0.05) -> None:
        """Computes the reference from error functions."""
        self._sigma = sigma

        def inside(centre: float) -> float:
            scale = sigma * math.sqrt(2)
            return 0.5 * (math.erf((1 - centre) / scale) + math.erf(centre / scale))

        value = 0.5 * (inside(1 / 3) ** self.n_dim + inside(2 / 3) ** self.n_dim)
        self.reference: tuple[float, float] | None = (value, 0.0)

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """See `Integrand.evaluate`."""
        width = self._sigma**2
        norm = 0.5 / (2 * math.pi * width) ** (self.n_dim / 2)
        first = ((u - 1 / 3) ** 2).sum(dim=1)
        second = ((u - 2 / 3) ** 2).sum(dim=1)
        value = norm * (torch.exp(-first / (2 * width)) + torch.exp(-second / (2 * width)))
        return Evaluation(value, u.new_zeros((u.shape[0], 1)))
