"""What a contender must offer: training within a budget, then points with their density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.integrand import Evaluation
    from sampling_contest.counting import Counted


class Case(Protocol):
    """An integrand with a name.

    Attributes:
        name: of the case.
        n_dim: dimensions d.
        channels: names of the k channels.
        n_features: length of the features, 0 if there are none.
        reference: the integral and its error, where known.
    """

    name: str
    n_dim: int
    channels: tuple[str, ...]
    n_features: int
    reference: tuple[float, float] | None

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """See `Integrand.evaluate`."""
        ...


@dataclass(frozen=True)
class Drawn:
    """Points of one stratum.

    Attributes:
        u: `(n, d)`.
        channel: the integrand's channel of each point, `(n,)`.
        log_q: log density of the points in their stratum, `(n,)`.
    """

    u: Tensor
    channel: Tensor
    log_q: Tensor


class Trained(Protocol):
    """A trained sampler; strata are what it samples separately, usually the channels.

    Attributes:
        strata: number of strata.
    """

    strata: int

    def draw(self, n: int, stratum: int, seed: int) -> Drawn:
        """n fresh points of a stratum, without evaluating the integrand."""
        ...

    def log_alpha(self, drawn: Drawn, evaluation: Evaluation, stratum: int) -> Tensor:
        """Logarithm of the stratum's weight at its points, `(n,)`; Σ over strata is 1."""
        ...


class Contender(Protocol):
    """Trains a sampler within the budget of the counted integrand."""

    def __call__(self, integrand: Counted, evaluations: int, seed: int) -> Trained:
        """Trains."""
        ...


def prior_of(evaluation: Evaluation, drawn: Drawn) -> Tensor:
    """log α of the integrand's own proposal in each point's channel, `(n,)`."""
    return evaluation.log_prior.gather(1, drawn.channel[:, None])[:, 0]
