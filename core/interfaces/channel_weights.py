"""Channel weights: how the integrand is shared out over the channels at each point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class ChannelWeights(Protocol):
    """Weights α_c(x) ≥ 0 with Σ_c α_c = 1 wherever any channel is open."""

    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        """Logarithms of the weights.

        Args:
            features: channel-independent coordinates of the point, `(n, f)`, or None.
            log_prior: the process's own proposal, `(n, k)`, normalised; -inf closes a channel.
            log_density: log q_c(x), the sampling density of each channel, `(n, k)`, or None.

        Returns:
            log α, `(n, k)`: logsumexp over channels is 0, and closed channels stay at -inf.
        """
        ...
