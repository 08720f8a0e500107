"""A transfer function of one's own: every column smeared by a Gaussian, some events lost.

`transfer: {use: python, options: {function: "examples/smearing.py:Smearing"}}` in a run file of
`crosshook infer` takes it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.features import Features


class Smearing:
    """x_i = z_i + resolution · Gaussian; events are kept with probability 1/(1 + exp(z_0 − 3))."""

    def __init__(self, resolution: float = 0.2) -> None:
        """Takes the resolution of every column, in its unit."""
        self._resolution = resolution

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        """log T(x|z), `(n,)`."""
        pull = (reco.dense - truth.dense) / self._resolution
        each = -0.5 * pull**2 - math.log(self._resolution * math.sqrt(2 * math.pi))
        return each.sum(dim=1)

    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        """Draws, those of a truth row together."""
        centre = truth.dense.repeat_interleave(n_draws, dim=0)
        noise = torch.randn(centre.shape, generator=rng, dtype=torch.float64, device="cpu")
        return replace(truth, dense=centre + self._resolution * noise.to(centre.device))

    def log_acceptance(self, truth: Features) -> Tensor:
        """log ε(z), `(n,)`."""
        return torch.nn.functional.logsigmoid(3.0 - truth.dense[:, 0])
