"""Channels closed for good: others take over what they were asked for, and none of them is drawn.

The prior of a closed channel becomes 0 wherever another channel is open, and the rest is made to
sum to 1 again: the channel weights stay a partition of 1, so that integrals stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def without(log_prior: Tensor, closed: Sequence[int]) -> Tensor:
    """log prior with channels closed, `(n, k)`; rows where no other is open stay as they are."""
    if not closed:
        return log_prior
    columns = torch.tensor(list(closed), device=log_prior.device)
    rest = log_prior.index_fill(1, columns, -torch.inf)
    total = torch.logsumexp(rest, dim=1, keepdim=True)
    # NaN is no number to compare with: such rows stay as they are, and are counted later.
    some = total > -torch.inf
    return torch.where(some, rest - torch.where(some, total, torch.zeros_like(total)), log_prior)
