"""What a loss compares at drawn points: log|a| of the integrand's channels and log q of the mapping.

Points are kept in the coordinates of the mapping in training, inside the layer around it if there
is one, so that the layer is evaluated once and not at every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.losses import channel_means

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.sampling.parts import Parts

    Columns = dict[str, Tensor]


class Comparison:
    """Mapping and channel weights in training, seen from the points they are compared at."""

    def __init__(self, parts: Parts | None, weights: ChannelWeights | None, channels: int) -> None:
        """Takes what is in training.

        Args:
            parts: the mapping in training, or None if it stays.
            weights: the channel weights in training, or None if they stay.
            channels: k.
        """
        self._parts, self._weights, self._channels = parts, weights, channels

    @torch.no_grad()
    def located(self, columns: Columns, log_rho: Tensor) -> Columns:
        """Points in the coordinates of the mapping.

        Args:
            columns: as the buffer keeps them.
            log_rho: log density they were drawn from, `(n,)`.
        """
        channel, condition = columns["channel"], columns.get("condition")
        x, shift = columns["u"], torch.zeros_like(columns["value"])
        if self._parts is not None and self._parts.outer is not None:
            x, shift = self._parts.outer.inverse(x, channel, condition)
        points = {
            "x": x,
            "channel": channel,
            "log_value": torch.log(columns["value"].abs()) - shift,
            "log_rho": log_rho - shift,
            "log_alpha": columns["log_alpha"].gather(1, channel[:, None])[:, 0],
        }
        for name in ("log_prior", "features", "condition"):
            if name in columns:
                points[name] = columns[name]
        return points

    def log_target(self, points: Columns) -> Tensor:
        """log|a|, `(n,)`, with gradients to channel weights in training."""
        return points["log_value"] + self._log_alpha(points)

    def log_density(self, points: Columns) -> Tensor:
        """log q, `(n,)`, with gradients to a mapping in training."""
        if self._parts is None:
            return points["log_rho"]
        rows = (points["x"], points["channel"], points.get("condition"))
        return self._parts.inner.inverse(*rows)[1]

    def sizes(self, log_target: Tensor, points: Columns) -> Tensor:
        """A_c = ∫|a|, `(k,)`; a channel without any point gets the smallest positive size."""
        carried = torch.exp(log_target - points["log_rho"])
        means = channel_means(carried, points["channel"], self._channels)
        return means.clamp(min=max(float(means.sum()), 1e-300) * 1e-9)

    def _log_alpha(self, points: Columns) -> Tensor:
        """log α of each point's own channel, `(n,)`."""
        if self._weights is None:
            return points["log_alpha"]
        log_alpha = self._weights.log_weights(points.get("features"), points["log_prior"], None)
        return log_alpha.gather(1, points["channel"][:, None])[:, 0]
