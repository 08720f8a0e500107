"""Contender `untrained`: the integrand's own maps, uniform points in every channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sampling_contest.contender import Drawn, prior_of

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.integrand import Evaluation
    from sampling_contest.counting import Counted


class Untrained:
    """Uniform points."""

    def __init__(self, integrand: Counted) -> None:
        """One stratum a channel."""
        self._d, self.strata = integrand.n_dim, len(integrand.channels)

    def draw(self, n: int, stratum: int, seed: int) -> Drawn:
        """See `Trained.draw`."""
        u = torch.from_numpy(np.random.default_rng(seed).random((n, self._d)))
        return Drawn(u, torch.full((n,), stratum), u.new_zeros(n))

    def log_alpha(self, drawn: Drawn, evaluation: Evaluation, stratum: int) -> Tensor:
        """The prior."""
        return prior_of(evaluation, drawn)


def train(integrand: Counted, evaluations: int, seed: int) -> Untrained:
    """Needs no evaluations."""
    return Untrained(integrand)
