"""Integrand: all that integration needs to know of a problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Evaluation:
    """An integrand at n points. k channels, f features, p parts.

    Attributes:
        value: dσ/dx · |∂x/∂u| in pb, without channel weight, `(n,)`; 0 where cut.
        log_prior: logarithms of the proposed channel weights, `(n, k)`, normalised.
        features: channel-independent coordinates, `(n, f)`, or None.
        parts: share of `value` that belongs to each process id, `(n, p)`, summing to `value`,
            or None.
    """

    value: Tensor
    log_prior: Tensor
    features: Tensor | None = None
    parts: Tensor | None = None


class Integrand(Protocol):
    """A function on the unit cubes of k channels.

    Attributes:
        n_dim: dimensions d of the cube.
        channels: names of the channels.
    """

    n_dim: int
    channels: tuple[str, ...]

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """Evaluates points.

        Args:
            u: points in [0, 1], `(n, d)` float64.
            channel: the channel whose map each point goes through, `(n,)` int64.

        Returns:
            Values, prior channel weights and features.
        """
        ...
