"""Phase space of a decay at rest, or of two beams of fixed energy, over several decay chains."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.process import PhaseSpacePoint
from crosshook.core.phase_space.beams import incoming
from crosshook.core.phase_space.selection import of_own_channel
from crosshook.core.phase_space.tree import TreeMap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.phase_space.decay import Decay


@dataclass
class FixedTrees:
    """Maps u `(n, 3j - 4)` to momenta of 1 -> j at rest, or of 2 -> j of equal, massless beams.

    Angles are measured from the z axis, along which beam 1 flies. All rotations are among the
    variables.

    Attributes:
        energy: mass of the decaying particle or collision energy √s in GeV, above threshold.
        trees: one chain of decays per channel, by name; all to the same legs.
        n_incoming: 1 or 2.
        channels: names of the channels.
        n_dim: dimensions of the cube.
    """

    energy: float
    trees: Mapping[str, Decay]
    n_incoming: int = 2
    channels: tuple[str, ...] = field(init=False)
    n_dim: int = field(init=False)

    def __post_init__(self) -> None:
        self._maps = tuple(TreeMap(tree) for tree in self.trees.values())
        self.channels = tuple(self.trees)
        legs = {frozenset(tree.legs) for tree in self.trees.values()}
        if len(legs) != 1:
            message = f"channels {', '.join(self.channels)}: do not have the same final legs"
            raise ValueError(message)
        least = self._maps[0].root.mass
        if self.energy <= least:
            message = (
                f"{self.energy} GeV for the final state: must exceed the sum of its masses, "
                f"{least} GeV"
            )
            raise ValueError(message)
        self.n_dim = self._maps[0].n_dim

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Momenta for points u `(n, d)` of channels `(n,)`."""
        s = torch.full_like(u[:, 0], self.energy**2)
        legs = len(self._maps[0].root.legs)
        final = u.new_zeros((u.shape[0], legs, 4))
        columns = []
        own = []
        for number, each in enumerate(self._maps):
            rows = torch.nonzero(channel == number)[:, 0]
            momenta, density = each.forward(u[rows], s[rows])
            final = final.index_copy(0, rows, momenta)
            own.append((rows, density))
        for number, each in enumerate(self._maps):
            rows, density = own[number]
            known = torch.zeros_like(s).index_copy(0, rows, density)
            if len(self._maps) > 1:
                others = torch.nonzero(channel != number)[:, 0]
                known = known.index_copy(0, others, each.log_density(final[others], s[others]))
            columns.append(known)
        densities = torch.stack(columns, -1)
        mine = of_own_channel(densities, channel)
        one = torch.ones_like(s)
        return PhaseSpacePoint(
            torch.cat((self._incoming(s), final), 1), one, one, -mine, densities
        )

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """The points u `(n, d)` of the given channels that lead to momenta `(n, m, 4)`."""
        s = torch.full_like(momenta[:, 0, 0], self.energy**2)
        u = momenta.new_zeros((momenta.shape[0], self.n_dim))
        for number, each in enumerate(self._maps):
            rows = torch.nonzero(channel == number)[:, 0]
            final = momenta[rows, self.n_incoming :]
            u = u.index_copy(0, rows, each.inverse(final, s[rows]))
        return u

    def _incoming(self, s: Tensor) -> Tensor:
        """Momenta of the incoming particles, `(n, n_in, 4)`."""
        if self.n_incoming == 1:
            zero = torch.zeros_like(s)
            return torch.stack((torch.sqrt(s), zero, zero, zero), -1)[:, None]
        beam = torch.full_like(s, 0.5 * self.energy)
        return incoming(beam, beam)
