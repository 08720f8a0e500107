"""Whether channels agree on the integral they share: a sum that is zero unless one misses a part.

With α_c(x) the channel weights and w the full weight of a point drawn in channel c_i, both

    ⟨w [c_i = c]⟩ = ∫ α_c f   (by the points of channel c)   and   ⟨w α_c(x)⟩ = ∫ α_c f   (by all)

hold where every channel covers what its α_c > 0 claims. d_c = ⟨w ([c_i = c] - α_c(x))⟩ therefore
vanishes within its error, with weights no larger than w itself: unlike f over the density of a
single channel, which has no finite variance where another channel is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.sampling.sampler import Sample


def balance_sums(sample: Sample, shares: Tensor) -> NDArray[np.float64]:
    """Σ d_c and Σ d_c² over the points of a block, `(2, k)`; invalid points count as zero.

    Args:
        sample: the block.
        shares: p_c it was drawn with, `(k,)`.
    """
    weight = sample.weight.detach()
    own = shares.to(weight.device)[sample.channel]
    full = torch.where(torch.isfinite(weight), weight / own, torch.zeros_like(weight))
    # A point of weight 0 may have any α, NaN included: it says nothing.
    used = torch.nonzero(full)[:, 0]
    full, channel = full[used], sample.channel[used]
    parts = -torch.exp(sample.log_alpha.detach()[used]) * full[:, None]
    parts = parts.scatter_add(1, channel[:, None], full[:, None])
    return torch.stack((parts.sum(0), (parts**2).sum(0))).cpu().numpy()
