"""A trained sampler by itself: points and their density, without the integrand.

It is what `crosshook.integrate` leaves behind, and what is read back from a directory, that of a
run included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.sampling.composition import Composition
from crosshook.core.sampling.discrete import join, split
from crosshook.core.sampling.numbers import draw_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.interfaces.process import PhaseSpace
    from crosshook.core.sampling.latents import Latents
    from crosshook.core.sampling.proposal import Proposal

CHUNK = 16_384
"""Points drawn at a time; part of what fixes the points of a seed."""


@dataclass(frozen=True)
class DrawnPoints:
    """Points of a trained sampler.

    Attributes:
        u: continuous coordinates, `(n, d)` float64.
        channel: `(n,)` int64.
        values: discrete values, `(n, m)` int64.
        log_prob: logarithm of the density the points were drawn from, `(n,)`.
    """

    u: Tensor
    channel: Tensor
    values: Tensor
    log_prob: Tensor


@dataclass(frozen=True)
class TrainedSampler:
    """Channel mapping, channel weights and channel shares, frozen.

    The density is that of channel, discrete values and coordinates together:
    p_c · q(u, values | c), whose integral over u and sum over values and channels is 1. A function
    f with channel weights α therefore has the integral E[α·f / exp(log_prob)].

    Attributes:
        mapping: the channel mapping.
        weights: the channel weights.
        shares: p_c, `(k,)` on the CPU.
        channels: their names.
        context: what both components were built for.
        slots: their names and options, by interface.
        composition: how the mapping makes up what points are drawn from.
        warm: the warm start of the mapping, or None.
        phase_space: of a run's process: `phase_space.forward(u, channel)` gives momenta; None for
            the sampler of a function.
    """

    mapping: ChannelMapping
    weights: ChannelWeights
    shares: Tensor
    channels: tuple[str, ...]
    context: BuildContext
    slots: Mapping[str, Slot] = field(default_factory=dict)
    phase_space: PhaseSpace | None = None
    composition: Composition = field(default_factory=Composition)
    warm: ChannelMapping | None = None

    @cached_property
    def proposal(self) -> Proposal:
        """What points are drawn from."""
        return self.composition.proposal(self.mapping, self.warm, self.context)

    @property
    def dimensions(self) -> int:
        """Continuous dimensions d."""
        return self.context.dimensions

    @property
    def discrete(self) -> tuple[int, ...]:
        """Number of values of each discrete dimension."""
        return self.context.discrete

    @torch.no_grad()
    def sample(self, n: int, seed: int, latents: Latents = "random") -> DrawnPoints:
        """Draws points; the integrand is not called.

        Args:
            n: how many.
            seed: of their random numbers; a seed gives the same points again.
            latents: `random`, `sobol` or `stratified`; other than random ones come in nets of
                16 384 points, each scrambled by itself.

        Returns:
            Points with channels, discrete values and log density, on the sampler's device.
        """
        if n < 0:
            message = f"n: {n} is less than 0"
            raise ConfigurationError(message)
        drawn = list(self._chunks(n, seed, latents))
        u, channel, log_prob = (torch.cat(column) for column in zip(*drawn, strict=True))
        continuous, values = split(u, self.discrete)
        return DrawnPoints(continuous, channel, values, log_prob)

    def _chunks(
        self, n: int, seed: int, latents: Latents
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        d = self.dimensions + len(self.discrete) + self.proposal.n_pick
        device = self.context.torch_device
        for block in range(max(1, -(-n // CHUNK))):
            size = min(CHUNK, n - block * CHUNK)
            numbers = draw_numbers(seed, "sample", block, size, d, self.shares, latents=latents)
            channel = numbers.channel.to(device)
            r = numbers.r.to(device)
            u, log_density = self.proposal.draw(r, channel)
            yield u, channel, self._joint(log_density, channel)

    @torch.no_grad()
    def log_prob(
        self, u: Tensor, channel: Tensor | None = None, values: Tensor | None = None
    ) -> Tensor:
        """Logarithm of the density at given points; the integrand is not called.

        Args:
            u: `(n, d)` in [0, 1].
            channel: `(n,)` int64; may be left out if there is one only.
            values: `(n, m)` int64, if there are discrete dimensions.

        Returns:
            log p_c + log q(u, values | c), `(n,)`.

        Raises:
            ConfigurationError: if the points do not have the sampler's shape.
        """
        n = u.shape[0]
        device = self.context.torch_device
        u = u.to(device, torch.float64)
        if channel is None:
            if len(self.channels) > 1:
                message = f"channel: needed, there are {len(self.channels)}"
                raise ConfigurationError(message)
            channel = torch.zeros(n, dtype=torch.int64, device=device)
        if self.discrete and values is None:
            message = f"values: needed, there are {len(self.discrete)} discrete dimensions"
            raise ConfigurationError(message)
        self._check("u", u, (n, self.dimensions))
        self._check("channel", channel, (n,), len(self.channels))
        channel = channel.to(device)
        if values is not None:
            self._check("values", values, (n, len(self.discrete)))
            for j, count in enumerate(self.discrete):
                self._check(f"values[:, {j}]", values[:, j], (n,), count)
            u = join(u, values.to(device), self.discrete)
        return self._joint(self.proposal.log_density(u, channel), channel)

    def save(self, directory: str | Path) -> None:
        """Writes the sampler: tensors and JSON only; `crosshook.open_sampler` reads it.

        Args:
            directory: made if missing; a sampler already there is replaced.

        Raises:
            OutputError: if it cannot be written.
        """
        from crosshook.core.sampling.saved import save_sampler

        save_sampler(self, Path(directory))

    def _joint(self, log_density: Tensor, channel: Tensor) -> Tensor:
        """log p_c + log q, where a discrete value stands for its whole bin of the cube."""
        log_share = torch.log(self.shares).to(log_density.device)[channel]
        return log_share + log_density - math.log(math.prod(self.discrete))

    @staticmethod
    def _check(name: str, given: Tensor, shape: tuple[int, ...], count: int | None = None) -> None:
        if given.shape != shape:
            message = f"{name}: has shape {tuple(given.shape)}, not {shape}"
            raise ConfigurationError(message)
        if count is not None and given.numel():
            low, high = int(given.min()), int(given.max())
            if low < 0 or high >= count:
                message = f"{name}: {low} to {high} are not all in 0 to {count - 1}"
                raise ConfigurationError(message)
