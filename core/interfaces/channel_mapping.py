"""Channel mapping: random numbers in, points of a channel's unit cube out, with the Jacobian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class ChannelMapping(Protocol):
    """A bijection of the unit cube for every channel.

    Discrete dimensions follow the continuous ones: value i of v is the bin [i/v, (i + 1)/v) of u,
    told by ⌊u·v⌋, in which log|∂u/∂r| is constant, so that the exact bin probabilities are counted
    in `log_det`; `crosshook.core.sampling.discrete` has the arithmetic. A mapping that cannot keep
    to that refuses a context with discrete dimensions. A mixture is no bijection: it is
    sub-channels with balance-heuristic weights, composed in core. Both methods neither change
    their arguments nor draw random numbers.
    """

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps random numbers to points.

        Args:
            r: uniform in [0, 1), `(n, d)` float64; d counts discrete dimensions too.
            channel: `(n,)` int64 in 0..k-1.
            condition: `(n, c)`, or None.

        Returns:
            u `(n, d)` in [0, 1], and log|∂u/∂r| `(n,)`.
        """
        ...

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps points back to random numbers.

        Args:
            u: points in [0, 1], `(n, d)` float64.
            channel: `(n,)` int64 in 0..k-1.
            condition: `(n, c)`, or None.

        Returns:
            r `(n, d)`, and log|∂r/∂u| `(n,)`, which is log q(u|channel).
        """
        ...
