"""Contender madnis 1.0 (2212.06172, 2311.01548): flow and trained α, VEGAS start, buffered steps."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sampling_contest.contender import Drawn

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.integrand import Evaluation
    from sampling_contest.counting import Counted


@dataclass(frozen=True)
class Settings:
    """How madnis is trained.

    Attributes:
        replays: buffered steps for each new batch.
        rate: Adam's learning rate.
        batch: points of a batch.
        grid_share: share of the budget for the VEGAS start.
        loss: `kl` or `variance`.
        decay: whether the rate falls to zero as a cosine.
        features: length of what the trained channel weights see, for several channels.
    """

    replays: int = 12
    rate: float = 2e-3
    batch: int = 1024
    grid_share: float = 0.2
    loss: str = "variance"
    decay: bool = False
    features: int = 0


class Madnis:
    """A trained `madnis.integrator.Integrator`."""

    def __init__(self, integrator: Any, dimensions: int, channels: int) -> None:
        """Takes the integrator."""
        self._integrator, self._d, self.strata = integrator, dimensions, channels

    def draw(self, n: int, stratum: int, seed: int) -> Drawn:
        """See `Trained.draw`."""
        channel = torch.full((n,), stratum)
        # madnis draws from torch's global generator.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            u, q = self._integrator.flow.sample(
                n,
                channel=channel if self._integrator.multichannel else None,
                return_prob=True,
                device=torch.device("cpu"),
                dtype=torch.float64,
            )
        return Drawn(u, channel, torch.log(q))

    def log_alpha(self, drawn: Drawn, evaluation: Evaluation, stratum: int) -> Tensor:
        """α ∝ prior · exp(network), as madnis composes it."""
        log_alpha = evaluation.log_prior
        if self._integrator.cwnet is not None:
            trained = log_alpha + self._integrator.cwnet(evaluation.features)
            # Where every channel is closed the integrand is 0 and any weight will do.
            closed = torch.isinf(torch.logsumexp(log_alpha, 1, keepdim=True))
            log_alpha = torch.where(closed, log_alpha, torch.log_softmax(trained, dim=1))
        return log_alpha[:, stratum]


def train_with(settings: Settings, integrand: Counted, evaluations: int, seed: int) -> Madnis:
    """VEGAS start, then online and buffered steps."""
    from madnis.integrator import Integrand, Integrator, VegasPreTraining
    from madnis.integrator.losses import kl_divergence, stratified_variance

    k, d = len(integrand.channels), integrand.n_dim
    many = k > 1

    def single(x: Tensor) -> Tensor:
        return integrand.evaluate(x, torch.zeros(x.shape[0], dtype=torch.int64)).value

    def multi(x: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        found = integrand.evaluate(x, c)
        assert found.features is not None
        return found.value, found.features, found.log_prior.exp()

    function = (
        Integrand(
            multi,
            d,
            channel_count=k,
            remapped_dim=settings.features,
            has_channel_weight_prior=True,
        )
        if many
        else Integrand(single, d)
    )
    each = int(settings.grid_share * evaluations) // (7 * k)
    batches = (evaluations - each * 7 * k) // settings.batch
    steps = batches * (1 + settings.replays)

    def falling(adam: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)

    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        # madnis takes starting weights and batches from torch's global generator, and no other.
        torch.manual_seed(seed)
        integrator = Integrator(
            function,
            batch_size=settings.batch,
            learning_rate=settings.rate,
            loss={"kl": kl_divergence, "variance": stratified_variance}[settings.loss],
            scheduler=falling if settings.decay else None,
            buffer_capacity=evaluations,
            buffered_steps=settings.replays,
            batch_size_threshold=0.0,  # never more calls than batches
            dtype=torch.float64,
        )
        grids = VegasPreTraining(integrator)
        grids.rng = np.random.default_rng([seed, 1])
        grids.train([each] * 7)
        grids.initialize_integrator()
        integrator.train(steps)
    return Madnis(integrator, d, k)
