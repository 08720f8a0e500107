"""The source of points a component trains on: every draw is weighed, counted and recorded."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import torch

from crosshook.core.interfaces.training import Draw, Iteration
from crosshook.core.sampling.gradient import COST, check_gradients, log_gradients
from crosshook.core.sampling.invalid import first_invalid
from crosshook.core.sampling.sampler import even_shares, shares_from
from crosshook.core.sampling.sums import Sums

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        self.shares = even_shares(sampler.n_channels, sampler.composition.closed)
        self.sums: Sums | None = None
        self.invalid = ""

    def draw(self, n: int) -> Draw:
        """Draws n points; see `Source.draw`."""
        return self._draw(n, gradients=False)

    def draw_with_gradients(self, n: int, *, check: bool) -> Draw:
        """Draws n points; see `GradientSource.draw_with_gradients`."""
        return self._draw(n, gradients=True, check=check)

    def _draw(self, n: int, *, gradients: bool, check: bool = False) -> Draw:
        shares, sampler = self.shares, self._sampler
        gradient = None
        with torch.no_grad():
            sample = sampler.draw(
                self._seed, self._stage, len(self.history), n, shares, differentiable=gradients
            )
        if gradients:
            gradient = log_gradients(sample)
            if check:
                self.evaluations += check_gradients(sampler, sample, gradient)
            sample = sample.detached()
            self.evaluations += (COST - 1) * n
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
            log_gradient=gradient,
        )

    def state(self) -> dict[str, object]:
        """All that further draws and the report depend on, as values JSON can hold."""
        return {
            "evaluations": self.evaluations,
            "history": [asdict(iteration) for iteration in self.history],
            "shares": self.shares.tolist(),
            "sums": None if self.sums is None else self.sums.as_json(),
            "invalid": self.invalid,
        }

    def load_state(self, values: Mapping[str, object]) -> None:
        """Takes back what `state` gave; the listener is told about the draws again."""
        self.evaluations = cast("int", values["evaluations"])
        history = cast("list[dict[str, Any]]", values["history"])
        self.history = [
            Iteration(
                i["evaluations"],
                i["estimate"],
                i["error"],
                tuple(i["channel_estimates"]),
                tuple(i["channel_errors"]),
            )
            for i in history
        ]
        self.shares = torch.tensor(values["shares"], dtype=torch.float64, device="cpu")
        sums = cast("dict[str, list[float]] | None", values["sums"])
        self.sums = None if sums is None else Sums.from_json(sums)
        self.invalid = cast("str", values["invalid"])
        if self._listener is not None:
            for iteration in self.history:
                self._listener(iteration)

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
        closed = self._sampler.composition.closed
        self.shares = shares_from(sums.deviations(), SHARE_FLOOR, closed)
        if self._listener is not None:
            self._listener(iteration)
