"""Sampler: draws points and composes their weight, for every stage of a run.

    w = α_c(x) · dσ/dx(x) · |∂x/∂u|_c / (q_c(u) p_c),   u ~ q_c, x = x(u, c).

The proposal q_c is 1/|∂u/∂r| of the channel mapping u(r, c), or a mixture of several.

Stages keep v = w·p_c, which does not depend on the shares p_c: its mean over the points of a
channel is that channel's part of the integral.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import IntegrandError
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.sampling.closing import without
from crosshook.core.sampling.composition import Composition
from crosshook.core.sampling.numbers import draw_numbers
from crosshook.core.sampling.proposal import Proposal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.interfaces.integrand import Integrand
    from crosshook.core.process.points import Evaluated
    from crosshook.core.sampling.latents import Latents


@dataclass(frozen=True)
class Sample:
    """Points of one block with their weights.

    Attributes:
        r: random numbers, `(n, d)`, and one more to choose a part of the proposal if it has several.
        channel: `(n,)` int64.
        u: mapped points, `(n, d)`.
        log_det: log|∂u/∂r| = -log q_c(u), `(n,)`.
        evaluation: what the integrand said.
        log_alpha: logarithms of the channel weights, `(n, k)`.
        weight: v, the weight without its share, `(n,)` in pb.
        extra: further uniform numbers of each point, `(n, n_extra)`, on the CPU.
        evaluated: momenta behind the evaluation, for a scattering process.
    """

    r: Tensor
    channel: Tensor
    u: Tensor
    log_det: Tensor
    evaluation: Evaluation
    log_alpha: Tensor
    weight: Tensor
    extra: Tensor
    evaluated: Evaluated | None

    def detached(self) -> Sample:
        """The same without gradients, and without momenta."""
        e = self.evaluation
        return replace(
            self,
            u=self.u.detach(),
            evaluation=Evaluation(
                e.value.detach(),
                e.log_prior.detach(),
                None if e.features is None else e.features.detach(),
                None if e.parts is None else e.parts.detach(),
            ),
            log_alpha=self.log_alpha.detach(),
            weight=self.weight.detach(),
            evaluated=None,
        )


class Sampler:
    """An integrand with its channel mapping and channel weights.

    Attributes:
        integrand: what is sampled.
        mapping: the channel mapping, which a training may put inside a proposal.
        warm: the mapping's warm start, or None.
        composition: what the proposal consists of.
        proposal: what points are drawn from; the mapping alone to start with.
        weights: the channel weights.
        device: where points live.
    """

    def __init__(
        self,
        integrand: Integrand,
        mapping: ChannelMapping,
        weights: ChannelWeights,
        device: torch.device,
    ) -> None:
        """Joins the parts; nothing is evaluated yet."""
        self.integrand = integrand
        self.mapping = mapping
        self.warm: ChannelMapping | None = None
        self.composition = Composition()
        self.proposal = Proposal([mapping])
        self.weights = weights
        self.device = device

    def compose(
        self, composition: Composition, warm: ChannelMapping | None, context: BuildContext
    ) -> None:
        """Puts the mapping inside a proposal."""
        self.composition, self.warm = composition, warm
        self.proposal = composition.proposal(self.mapping, warm, context)

    @property
    def n_channels(self) -> int:
        """Number of channels k."""
        return len(self.integrand.channels)

    def draw(
        self,
        seed: int,
        stage: str,
        block: int,
        n: int,
        shares: Tensor,
        n_extra: int = 0,
        latents: Latents = "random",
        *,
        differentiable: bool = False,
    ) -> Sample:
        """Draws and weighs one block; see `draw_numbers`.

        Args:
            seed: the run's seed.
            stage: names the random stream.
            block: number of the block.
            n: points in the block.
            shares: p_c, `(k,)`, summing to 1, on the CPU.
            n_extra: further uniform numbers a point, e.g. for unweighting.
            latents: how the random numbers of a block hang together.
            differentiable: value and channel weights are kept as functions of u.
        """
        d = self.integrand.n_dim + self.proposal.n_pick
        r, channel, extra = draw_numbers(seed, stage, block, n, d, shares, n_extra, latents)
        rows = r.to(self.device), channel.to(self.device), extra
        if not differentiable:
            return self.weigh(*rows)
        with torch.enable_grad():
            return self.weigh(*rows, differentiable=True)

    def weigh(
        self, r: Tensor, channel: Tensor, extra: Tensor, *, differentiable: bool = False
    ) -> Sample:
        """Maps given random numbers and weighs the points."""
        if differentiable:
            with torch.no_grad():
                u, log_det = self.locate(r, channel)
            u = u.detach().requires_grad_()
        else:
            u, log_det = self.locate(r, channel)
        evaluated: Evaluated | None = None
        if isinstance(self.integrand, ScatteringProcess):
            evaluated = self.integrand.evaluate_points(u, channel)
            evaluation = evaluated.evaluation
        else:
            evaluation = self.integrand.evaluate(u, channel)
            self._check(evaluation, u)
        log_alpha, weight = self.compose_weight(evaluation, channel, log_det)
        return Sample(r, channel, u, log_det, evaluation, log_alpha, weight, extra, evaluated)

    def locate(self, r: Tensor, channel: Tensor) -> tuple[Tensor, Tensor]:
        """Points `(n, d)` of random numbers, and log|∂u/∂r| `(n,)`."""
        u, log_q = self.proposal.draw(r, channel)
        return u, -log_q

    def compose_weight(
        self, evaluation: Evaluation, channel: Tensor, log_det: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logarithms of the channel weights, `(n, k)`, and v of each point, `(n,)` in pb."""
        log_alpha = self.log_alpha(evaluation)
        own = log_alpha.gather(1, channel[:, None])[:, 0]
        factor = torch.exp(own + log_det)
        # A value of exactly 0 stays 0 even where the map stretches without bound; NaN stays NaN.
        value = evaluation.value
        zero = (value == 0) & ~torch.isnan(log_det)
        return log_alpha, torch.where(zero, torch.zeros_like(value), value * factor)

    def log_alpha(self, evaluation: Evaluation) -> Tensor:
        """Logarithms of the channel weights, `(n, k)`; closed channels leave theirs to others."""
        log_prior = without(evaluation.log_prior, self.composition.closed)
        return self.weights.log_weights(evaluation.features, log_prior, None)

    def _check(self, evaluation: object, u: Tensor) -> None:
        if not isinstance(evaluation, Evaluation):
            message = f"integrand: evaluate gave a {type(evaluation).__name__}, not an Evaluation"
            raise IntegrandError(message)
        n = u.shape[0]
        expected: dict[str, tuple[int, ...]] = {"value": (n,), "log_prior": (n, self.n_channels)}
        if isinstance(evaluation.parts, torch.Tensor):
            expected["parts"] = (n, *evaluation.parts.shape[1:2])
        for name, shape in expected.items():
            given = getattr(evaluation, name)
            if not isinstance(given, torch.Tensor):
                message = f"integrand: {name} is a {type(given).__name__}, not a torch tensor"
                raise IntegrandError(message)
            if given.shape != shape:
                message = f"integrand: {name} has shape {tuple(given.shape)}, not {shape}"
                raise IntegrandError(message)
            if given.dtype != torch.float64:
                message = f"integrand: {name} is {given.dtype}, not torch.float64"
                raise IntegrandError(message)
            if given.device.type != u.device.type:
                message = f"integrand: {name} is on {given.device}, not on {u.device}"
                raise IntegrandError(message)


def even_shares(k: int, closed: Sequence[int] = ()) -> Tensor:
    """The same share for every channel that is not closed, `(k,)`."""
    shares = torch.full((k,), 1.0 / (k - len(closed)), dtype=torch.float64, device="cpu")
    shares[list(closed)] = 0.0
    return shares


def shares_from(sizes: np.ndarray, floor: float, closed: Sequence[int] = ()) -> Tensor:
    """Shares in proportion to sizes, none below `floor` of an even share.

    Args:
        sizes: non-negative, `(k,)`, e.g. standard deviations or maxima.
        floor: smallest share times k; keeps channels open whose size was underestimated.
        closed: channels without a share.
    """
    k = sizes.size
    is_open = np.ones(k, dtype=np.bool_)
    is_open[list(closed)] = False
    total = float(sizes[is_open].sum())
    if not total > 0:
        return even_shares(k, closed)
    raised = np.maximum(sizes / total, floor / k) * is_open
    return torch.from_numpy(raised / raised.sum())
