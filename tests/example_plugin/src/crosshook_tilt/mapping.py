"""Channel mapping `tilt`: u = (1 + a) r / (1 + a r) in every dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext


class TiltMapping:
    """The same Möbius map for every dimension and channel; a > 0 leans to large values."""

    def __init__(self, strength: float) -> None:
        """Takes a > -1."""
        self._a = strength

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps random numbers to points."""
        a = self._a
        u = ((1 + a) * r / (1 + a * r)).clamp(max=1.0)
        return u, ((1 + a) / (1 + a * r) ** 2).log().sum(dim=1)

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps points back."""
        a = self._a
        r = (u / (1 + a - a * u)).clamp(max=1.0)
        return r, ((1 + a) / (1 + a - a * u) ** 2).log().sum(dim=1)


def make(context: BuildContext, *, strength: float) -> TiltMapping:
    """The component's factory.

    Raises:
        ConfigurationError: for discrete dimensions, in whose bins the density would not be flat.
    """
    if context.discrete:
        values = ", ".join(str(count) for count in context.discrete)
        message = f"tilt: discrete dimensions (of {values} values) are not supported"
        raise ConfigurationError(message)
    return TiltMapping(strength)
