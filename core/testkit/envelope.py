"""A density that covers a sample, to integrate other densities by importance sampling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


class Envelope:
    """A density that covers a sample with room to spare: half Gaussian, half Student-t (ν = 3)."""

    def __init__(self, sample: Tensor) -> None:
        """Takes centre and spread from a sample `(n, f)`."""
        self._centre = sample.mean(dim=0)
        self._scale = 1.5 * sample.std(dim=0).clamp(min=1e-12)

    def draw(self, n: int, rng: torch.Generator) -> Tensor:
        """n points, `(n, f)`: Gaussian ones first."""
        device = self._centre.device
        options = {"generator": rng, "dtype": torch.float64, "device": "cpu"}
        normal = torch.randn((n, len(self._centre)), **options)  # type: ignore[call-overload]
        chi = torch.randn((n, len(self._centre), 3), **options)  # type: ignore[call-overload]
        student = normal / (chi.square().sum(dim=2) / 3.0).sqrt()
        first = (torch.arange(n, device="cpu") < n // 2)[:, None]
        numbers: Tensor = torch.where(first, normal, student).to(device)
        return self._centre + self._scale * numbers

    def log_density(self, x: Tensor) -> Tensor:
        """Its logarithm, `(n,)`."""
        t = (x - self._centre) / self._scale
        gauss = (-0.5 * t.square() - 0.5 * math.log(2.0 * math.pi)).sum(dim=1)
        constant = math.log(2.0 / (math.pi * math.sqrt(3.0)))
        student = (constant - 2.0 * (1.0 + t.square() / 3.0).log()).sum(dim=1)
        scale = self._scale.log().sum()
        return torch.logaddexp(gauss, student) - math.log(2.0) - scale
