"""Where the points of a training are, so that others can be told to be elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

RIDGE = 1e-6
"""Added to the covariance: columns that do not vary by themselves must not make it singular."""
NARROWEST = 1e-3
"""Half the range of a column, at least: one that does not vary has none."""
ROUNDING = 1e-5
"""Share of the box added to it: a column of two values, as of a subprocess, has all its points on
the edge, and float32 puts them on either side."""


@dataclass(frozen=True)
class Region:
    """A box about the inputs of a training, and an ellipsoid. f inputs.

    Attributes:
        whitening: L⁻¹ᵀ with LLᵀ the covariance of the inputs, `(f, f)`.
        farthest: Mahalanobis distance of the farthest point, `()`.
        middle: of the range of each input, `(f,)`.
        half: half of that range, `(f,)`.
    """

    whitening: Tensor
    farthest: Tensor
    middle: Tensor
    half: Tensor

    @classmethod
    def of(cls, inputs: Tensor) -> Region:
        """The region of inputs `(n, f)` about 0 with spreads near 1."""
        exact = inputs.to(torch.float64)
        ridge = RIDGE * torch.eye(exact.shape[1], dtype=torch.float64, device=exact.device)
        covariance = exact.T @ exact / max(1, len(exact)) + ridge
        whitening = torch.linalg.inv(torch.linalg.cholesky(covariance)).T.to(inputs.dtype)
        low, high = inputs.amin(dim=0), inputs.amax(dim=0)
        half = (1 + ROUNDING) * ((high - low) / 2).clamp(min=NARROWEST)
        return cls(whitening, _length(inputs, whitening).max(), (low + high) / 2, half)

    def distance(self, inputs: Tensor) -> Tensor:
        """How far points are, `(n,)`: above 1 outside the box or beyond the farthest point."""
        beyond = _length(inputs, self.whitening) / self.farthest
        outside = ((inputs - self.middle).abs() / self.half).amax(dim=1)
        return torch.maximum(beyond, outside.double())


def _length(inputs: Tensor, whitening: Tensor) -> Tensor:
    """Mahalanobis distances from 0, `(n,)`."""
    return (inputs @ whitening).square().sum(dim=1).sqrt().double()
