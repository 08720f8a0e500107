"""Unweighter `rejection`: hit-or-miss against a maximum per channel, overweights kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from crosshook.core.errors import NumericalError
from crosshook.core.interfaces.unweighter import Kept
from crosshook.core.statistics import Rule, maximum_weight

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.unweighter import Candidates, Pilot
    from crosshook.core.statistics import Floats


class RejectionUnweighter:
    """Keeps a point with probability min(1, |w|/M_c); the kept weight is sign(w)·max(M_c, |w|)."""

    n_uniform = 1

    def __init__(self, rule: Rule, share: float, fraction: float) -> None:
        """Chooses the rule for the maxima; see `crosshook.core.statistics.maximum_weight`."""
        self._rule = rule
        self._share = share
        self._fraction = fraction
        self._maxima = torch.zeros(0, dtype=torch.float64)

    def fit(self, pilot: Pilot, rng: torch.Generator) -> tuple[str, ...]:
        """Chooses the maximum of each channel from the pilot's weights."""
        weight = pilot.weight.detach().cpu().to(torch.float64)
        if not bool(torch.isfinite(weight).all()):
            message = "pilot weights contain NaN or infinity"
            raise NumericalError(message)
        channel = pilot.channel.cpu()
        self._maxima = torch.tensor(
            [self._maximum(weight[channel == c].numpy()) for c in range(pilot.n_channels)],
            dtype=torch.float64,
            device=pilot.weight.device,
        )
        return (f"maxima by rule {self._rule} from {weight.numel()} points",)

    def _maximum(self, weights: Floats) -> float:
        """By the rule, but not below the smallest |w|.

        All points are kept then; a smaller maximum would only call every one an overweight.
        """
        size = np.abs(weights[weights != 0])
        chosen = maximum_weight(weights, self._rule, self._share, self._fraction)
        return max(chosen, float(size.min())) if size.size else chosen

    def maxima(self) -> Tensor:
        """The maximum of each channel, `(k,)` in pb."""
        return self._maxima.clone()

    def unweight(self, candidates: Candidates, uniform: Tensor) -> Kept:
        """Hit-or-miss; see `Unweighter.unweight`."""
        channel = candidates.channel
        rows = torch.arange(channel.shape[0], device=channel.device)
        size = candidates.weight(rows).detach().abs()
        limit = self._maxima.to(size.device)[channel]
        # Strict, so that weight 0 is never kept even at uniform = 0.
        index = torch.nonzero(uniform[:, 0].to(size.device) * limit < size)[:, 0]
        kept = size[index]
        return Kept(index, torch.maximum(limit[index], kept) / kept)

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The maxima."""
        return {"maxima": self._maxima}, {}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back the maxima."""
        self._maxima = tensors["maxima"]


def make(
    context: BuildContext, *, rule: str, share: float, fraction: float
) -> RejectionUnweighter:
    """The component's factory."""
    return RejectionUnweighter(cast("Rule", rule), share, fraction)
