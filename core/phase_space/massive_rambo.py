"""Flat phase space of particles of any masses: RAMBO (Kleiss, Stirling, Ellis 1986), invertible.

Massless momenta q are scaled by the ξ with Σ √(m² + ξ² q²) = √s. The density is that of massless phase
space over

    R = (Σ|k| / √s)^(2j-3) · Π |k|/E · √s / Σ(|k|²/E),

which is constant up to the masses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.phase_space.rambo import MasslessRambo, log_volume

if TYPE_CHECKING:
    from torch import Tensor

_STEPS = 80
"""Newton's steps at most: near threshold, where ξ is small, one halves the distance."""

_SMALLEST = 1e-300


@dataclass(frozen=True)
class MassiveRambo:
    """A `MomentumMap` of particles with these masses.

    Attributes:
        masses: in GeV, at least 2.
    """

    masses: tuple[float, ...]
    _flat: MasslessRambo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_flat", MasslessRambo(len(self.masses)))

    @property
    def n_dim(self) -> int:
        """Dimensions of the cube."""
        return self._flat.n_dim

    def forward(self, u: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """See `MomentumMap.forward`."""
        none = torch.zeros_like(s, dtype=torch.int64)
        flat = self._flat.forward(s, u, none).momenta
        if not any(self.masses):
            return flat, -log_volume(s, len(self.masses))
        sizes = flat[..., 0]
        squares = self._squares(s)
        scale = self._scale(sizes, squares, torch.sqrt(s))
        vectors = scale[:, None, None] * flat[..., 1:]
        energies = torch.sqrt(squares + (scale[:, None] * sizes).square())
        momenta = torch.cat((energies[..., None], vectors), -1)
        return momenta, self._density(scale[:, None] * sizes, energies, s)

    def inverse(self, momenta: Tensor, s: Tensor) -> Tensor:
        """See `MomentumMap.inverse`."""
        sizes = momenta[..., 1:].norm(dim=-1)
        scale = torch.sqrt(s) / sizes.sum(1)
        flat = torch.cat((sizes[..., None], momenta[..., 1:]), -1) * scale[:, None, None]
        return self._flat.inverse(s, flat, torch.zeros_like(s, dtype=torch.int64))

    def log_density(self, momenta: Tensor, s: Tensor) -> Tensor:
        """See `MomentumMap.log_density`."""
        if not any(self.masses):
            return -log_volume(s, len(self.masses))
        return self._density(momenta[..., 1:].norm(dim=-1), momenta[..., 0], s)

    def _squares(self, s: Tensor) -> Tensor:
        masses = torch.tensor(self.masses, dtype=s.dtype, device=s.device)
        return masses.square().expand(len(s), -1)

    def _density(self, sizes: Tensor, energies: Tensor, s: Tensor) -> Tensor:
        j = len(self.masses)
        root = torch.sqrt(s)
        sizes, energies = sizes.clamp_min(_SMALLEST), energies.clamp_min(_SMALLEST)
        ratio = (
            (2 * j - 3) * torch.log(sizes.sum(1) / root)
            + torch.log(sizes / energies).sum(1)
            - torch.log((sizes.square() / energies).sum(1) / root)
        )
        return -log_volume(s, j) - ratio

    def _scale(self, sizes: Tensor, squares: Tensor, root_s: Tensor) -> Tensor:
        """ξ, `(n,)`. The start lies above the root of a convex function (Minkowski): no step fails."""

        def step(scale: Tensor) -> Tensor:
            energies = torch.sqrt(squares + (scale[:, None] * sizes).square())
            slope = (scale[:, None] * sizes.square() / energies).sum(1)
            return (energies.sum(1) - root_s) / slope.clamp_min(_SMALLEST)

        with torch.no_grad():
            total = sum(self.masses)
            scale = torch.sqrt(((root_s - total) * (root_s + total)).clamp_min(1e-24)) / root_s
            for _ in range(_STEPS):
                change = step(scale)
                scale = (scale - change).clamp_min(1e-12)
                if bool((change.abs() <= 1e-15 * scale).all()):
                    break
        # once more, with gradients: those of an implicit function
        return scale - step(scale)
