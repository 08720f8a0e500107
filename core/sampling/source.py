"""The source of points a component trains on: every draw is weighed, counted and recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.training import Draw, Iteration
from crosshook.core.sampling.invalid import first_invalid
from crosshook.core.sampling.sampler import even_shares, shares_from
from crosshook.core.sampling.sums import Sums

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.sampling.sampler import Sampler

SHARE_FLOOR = 0.1
"""No channel gets less than a tenth of an even share while its weights are still being learned."""


class SamplerSource:
    """Draws through a sampler; shares follow the channels' standard deviations.

    Attributes:
        evaluations: calls of the integrand so far.
        history: one entry a draw.
        shares: p_c for the next draw, `(k,)`.
        sums: over all draws, or None before the first.
        invalid: the first point with NaN or infinite weight in words, or `""`.
    """

    def __init__(
        self,
        sampler: Sampler,
        seed: int,
        listener: Callable[[Iteration], None] | None = None,
        stage: str = "train",
    ) -> None:
        """Starts with even shares.

        Args:
            sampler: what draws are made through; its mapping is the one under training.
            seed: the run's seed.
            listener: told about every draw.
            stage: names the random stream.
        """
        self._sampler = sampler
        self._seed = seed
        self._listener = listener
        self._stage = stage
        self.evaluations = 0
        self.history: list[Iteration] = []
        self.shares = even_shares(sampler.n_channels)
        self.sums: Sums | None = None
        self.invalid = ""

    def draw(self, n: int) -> Draw:
        """Draws n points; see `Source.draw`."""
        shares = self.shares
        with torch.no_grad():
            sample = self._sampler.draw(self._seed, self._stage, len(self.history), n, shares)
        place = f"{self._stage} draw {len(self.history)}"
        self.invalid = self.invalid or first_invalid(sample, place)
        sums = Sums.of(sample.channel, sample.weight, self._sampler.n_channels)
        self._record(sums)
        finite = torch.isfinite(sample.weight)
        own_share = shares.to(sample.weight.device)[sample.channel]
        weight = torch.where(finite, sample.weight / own_share, torch.zeros_like(sample.weight))
        return Draw(
            r=sample.r,
            channel=sample.channel,
            u=sample.u,
            log_det=sample.log_det,
            value=self._finite(sample.evaluation.value, finite),
            weight=weight,
            log_alpha=sample.log_alpha,
            log_prior=sample.evaluation.log_prior,
            features=sample.evaluation.features,
        )

    @staticmethod
    def _finite(values: Tensor, finite: Tensor) -> Tensor:
        return torch.where(finite, values, torch.zeros_like(values))

    def _record(self, sums: Sums) -> None:
        estimate = sums.estimate()
        iteration = Iteration(
            sums.n,
            estimate.value,
            estimate.error,
            tuple(float(m) for m in sums.means()),
            tuple(float(e) for e in sums.errors()),
        )
        self.evaluations += sums.n
        self.history.append(iteration)
        self.sums = sums if self.sums is None else self.sums + sums
        self.shares = shares_from(sums.deviations(), SHARE_FLOOR)
        if self._listener is not None:
            self._listener(iteration)
