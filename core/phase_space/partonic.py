"""PartonicMap: maps of a final state in the partonic rest frame, beams and densities left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class FinalState(NamedTuple):
    """Final-state momenta with the densities of every channel there.

    Attributes:
        momenta: `(n, j, 4)` in GeV, partonic rest frame.
        log_densities: log of the density of every channel in dΦ_j, with (2π)^(4-3j), `(n, k)`.
    """

    momenta: Tensor
    log_densities: Tensor


class PartonicMap(Protocol):
    """Maps from the unit cube to final states of a given invariant mass, one per channel.

    Attributes:
        n_dim: dimensions d of the cube, 3j - 4.
        channels: names of the channels.
    """

    @property
    def n_dim(self) -> int: ...

    @property
    def channels(self) -> tuple[str, ...]: ...

    def forward(self, s: Tensor, u: Tensor, channel: Tensor) -> FinalState:
        """Final states of invariant mass squared `(n,)` in GeV², for u `(n, d)` of channels `(n,)`."""
        ...

    def inverse(self, s: Tensor, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, d)` of the given channels that lead to momenta `(n, j, 4)`."""
        ...
