"""MomentumMap: one channel's map of a final state in its rest frame, with its density anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class MomentumMap(Protocol):
    """A map from the unit cube to j momenta, as `TreeMap`, `DiagramMap` and `MassiveRambo` are.

    Attributes:
        n_dim: dimensions d of the cube, 3j - 4.
    """

    @property
    def n_dim(self) -> int: ...

    def forward(self, u: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """Momenta and density.

        Args:
            u: `(n, d)` in [0, 1].
            s: mass squared of the whole in GeV², `(n,)`.

        Returns:
            Momenta `(n, j, 4)`, and log of their density in dΦ_j, `(n,)`.
        """
        ...

    def inverse(self, momenta: Tensor, s: Tensor) -> Tensor:
        """The points u `(n, d)` that lead to momenta `(n, j, 4)`."""
        ...

    def log_density(self, momenta: Tensor, s: Tensor) -> Tensor:
        """Log of the density in dΦ_j at momenta `(n, j, 4)`, `(n,)`."""
        ...
