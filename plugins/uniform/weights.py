"""Channel weights `uniform`: every open channel takes the same share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext


class UniformWeights:
    """α_c = 1 / (number of open channels)."""

    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        """Logarithms of the weights; see `ChannelWeights.log_weights`."""
        open_ = log_prior > -torch.inf
        count = open_.sum(dim=1, keepdim=True).clamp(min=1).to(log_prior.dtype)
        closed = torch.full_like(log_prior, -torch.inf)
        return torch.where(open_, -torch.log(count).expand_as(log_prior), closed)


def make(context: BuildContext) -> UniformWeights:
    """The component's factory."""
    return UniformWeights()
