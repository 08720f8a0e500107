"""Channel weights `prior`: the process's own proposal, normalised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext


class PriorWeights:
    """α = prior, made to sum to 1 in every row with an open channel."""

    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        """Logarithms of the weights; see `ChannelWeights.log_weights`."""
        total = torch.logsumexp(log_prior, dim=1, keepdim=True)
        # A row without an open channel has total -inf; it stays closed instead of becoming NaN.
        return log_prior - torch.where(total > -torch.inf, total, torch.zeros_like(total))


def make(context: BuildContext) -> PriorWeights:
    """The component's factory."""
    return PriorWeights()
