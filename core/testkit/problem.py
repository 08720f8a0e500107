"""A small problem to train on: two peaks on the diagonal of the cube, a floor, and zeros.

It does not factorise, so that a component which learns only axis by axis is left with structure;
it is cut to zero in a corner; and with more than one channel the last is closed everywhere, so
that a training meets a channel in which every weight is zero. With discrete dimensions the two
peaks share the values differently, and one value of a dimension with more than two never
contributes; with conditions the first of them moves the peaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.training import Draw
from crosshook.core.sampling.discrete import split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.channel_weights import ChannelWeights

PEAKS = (0.25, 0.7)
WIDTH = 0.12
FLOOR = 0.02


def value(u: Tensor, discrete: Sequence[int] = (), condition: Tensor | None = None) -> Tensor:
    """The integrand Σ_a s_a exp(−|x − a − c|²/2w²) + floor, and 0 where the mean coordinate
    exceeds 0.9 or a discrete dimension has its last value of more than two.

    Args:
        u: `(n, d + m)`; x are its first d columns.
        discrete: number of values of each of its m last columns; s_a = Π_j (i_j + a + ¼ mod v_j)
            for peaks a = 0 and 1, and 1 without discrete dimensions.
        condition: `(n, c)`, or None; shifts the peaks by c = 0.2 condition₀.
    """
    x, values = split(u, discrete)
    shift = 0.0 if condition is None else 0.2 * condition[:, :1]
    total = torch.full_like(u[:, 0], FLOOR)
    for number, peak in enumerate(PEAKS):
        term = torch.exp(-0.5 * ((x - peak - shift) / WIDTH).square().sum(dim=1))
        for j, count in enumerate(discrete):
            term = term * torch.remainder(values[:, j] + number + 0.25, count)
        total = total + term
    if x.shape[1]:
        total = torch.where(x.mean(dim=1) > 0.9, torch.zeros_like(total), total)
    for j, count in enumerate(discrete):
        if count > 2:
            total = torch.where(values[:, j] == count - 1, torch.zeros_like(total), total)
    return total


def log_prior(u: Tensor, channels: int) -> Tensor:
    """Proposed channel weights `(n, k)`: they lean on the first coordinate; the last is closed."""
    if channels == 1:
        return torch.zeros_like(u[:, :1])
    place = torch.linspace(0.0, 1.0, channels, dtype=u.dtype, device=u.device)
    raw = -(u[:, :1] - place).square() * 4.0
    raw[:, -1] = -torch.inf
    return raw - raw.logsumexp(dim=1, keepdim=True)


class ProblemSource:
    """Draws the problem's points through a mapping or a choice of channel weights in training."""

    def __init__(
        self,
        dimensions: int,
        channels: int,
        rng: torch.Generator,
        device: str,
        mapping: ChannelMapping | None = None,
        weights: ChannelWeights | None = None,
        conditions: int = 0,
        features: int = 0,
        discrete: tuple[int, ...] = (),
    ) -> None:
        """Sets the problem up.

        Args:
            dimensions: continuous dimensions d.
            channels: k.
            rng: draws the points, on the CPU.
            device: where the points go.
            mapping: the mapping in training; the identity if None.
            weights: the weights in training; the prior if None.
            conditions: length of the condition vectors.
            features: number of feature columns.
            discrete: number of values of each discrete dimension.
        """
        self._shape = (dimensions + len(discrete), channels, conditions, features)
        self._discrete = discrete
        self._rng = rng
        self._device = device
        self._mapping = mapping
        self._weights = weights
        self._evaluations = 0

    @property
    def evaluations(self) -> int:
        """Points drawn so far."""
        return self._evaluations

    def draw(self, n: int) -> Draw:
        """Draws n points, all channels in turn."""
        d, k, conditions, features = self._shape
        self._evaluations += n
        r = self._random(n, d)
        channel = torch.arange(n, device=self._device) % k
        condition = self._random(n, conditions) if conditions else None
        u, log_det = r, torch.zeros_like(r[:, 0])
        if self._mapping is not None:
            with torch.no_grad():
                u, log_det = self._mapping.forward(r, channel, condition)
        f = value(u, self._discrete, condition)
        prior = log_prior(u, k)
        columns = (
            torch.sin(
                3.0 * u.mean(dim=1, keepdim=True)
                + torch.arange(features, dtype=u.dtype, device=u.device)
            )
            if features
            else None
        )
        alpha = prior
        if self._weights is not None:
            with torch.no_grad():
                alpha = self._weights.log_weights(columns, prior, torch.zeros_like(prior))
        own = alpha.gather(1, channel[:, None])[:, 0].exp()
        weight = own * f * log_det.exp() * k
        return Draw(r, channel, u, log_det, f, weight, alpha, prior, columns, condition)

    def _random(self, n: int, columns: int) -> Tensor:
        shape = (n, columns)
        numbers = torch.rand(shape, generator=self._rng, dtype=torch.float64, device="cpu")
        return numbers.to(self._device)
