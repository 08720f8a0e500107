"""Channel mapping `uniform`: points are the random numbers themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext


class UniformMapping:
    """The identity of the unit cube in every channel."""

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """u = r, log|∂u/∂r| = 0; see `ChannelMapping.forward`."""
        return r.clone(), r.new_zeros(r.shape[0])

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """r = u, log|∂r/∂u| = 0; see `ChannelMapping.inverse`."""
        return u.clone(), u.new_zeros(u.shape[0])


def make(context: BuildContext) -> UniformMapping:
    """The component's factory."""
    return UniformMapping()
