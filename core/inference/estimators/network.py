"""A small fully connected network: numbers of an event, and where asked for of θ, to a few values."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from crosshook.core.inference.config import EstimatorSettings
    from crosshook.core.progress import Progress

VALIDATION = 0.1
"""Share of the events that judge a training."""
CHECKS = 20
"""Looks at them."""
RISE = 0.1
"""Share of the steps over which the learning rate rises."""


class SmallNetwork:
    """Affine maps with SiLU between them, float32."""

    def __init__(self, sizes: Sequence[int], rng: torch.Generator) -> None:
        """Random weights of variance 2/inputs; the last layer begins at 0."""
        self.weights: list[Tensor] = []
        self.biases: list[Tensor] = []
        for number, (inputs, outputs) in enumerate(pairwise(sizes)):
            drawn = torch.randn((outputs, inputs), generator=rng, device="cpu")
            last = number == len(sizes) - 2
            self.weights.append(drawn * (0.0 if last else math.sqrt(2 / inputs)))
            self.biases.append(torch.zeros(outputs, device="cpu"))
        for parameter in self.parameters():
            parameter.requires_grad_(True)

    def parameters(self) -> list[Tensor]:
        """What a training changes."""
        return [*self.weights, *self.biases]

    def __call__(self, inputs: Tensor) -> Tensor:
        """`(n, inputs)` to `(n, outputs)`."""
        x = inputs.to(torch.float32)
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.nn.functional.linear(x, weight, bias)
            if number < len(self.weights) - 1:
                x = torch.nn.functional.silu(x)
        return x


def train(
    network: SmallNetwork,
    loss: Callable[[Tensor, torch.Generator], Tensor],
    n: int,
    settings: EstimatorSettings,
    rng: torch.Generator,
    progress: Progress,
    stage: str,
) -> None:
    """Trains in place by Adam; the state that does best on events held out is kept.

    Args:
        network: to be trained.
        loss: mean loss of the rows with these numbers; may draw random numbers.
        n: rows there are.
        settings: of the training.
        rng: of the order of the rows, and for `loss`.
        progress: told how far it is.
        stage: for people.

    Raises:
        NumericalError: if the loss is no number.
    """
    order = torch.randperm(n, generator=rng, device="cpu")
    share = int(VALIDATION * n)
    held, used = order[:share], order[share:]
    parameters = network.parameters()
    optimiser = torch.optim.Adam(parameters, settings.learning_rate)
    steps = max(CHECKS, math.ceil(settings.epochs * len(used) / settings.batch))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=steps + 1, pct_start=RISE
    )
    judge = int(torch.randint(2**31, (1,), generator=rng, device="cpu"))
    best, kept = math.inf, [p.detach().clone() for p in parameters]
    for step in range(steps):
        picked = torch.randint(len(used), (settings.batch,), generator=rng, device="cpu")
        value = loss(used[picked], rng)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        schedule.step()
        if (step + 1) % max(1, steps // CHECKS) == 0:
            # the same random numbers each time, so that states can be compared
            same = torch.Generator("cpu").manual_seed(judge)
            judged = float(loss(held, same).detach())
            if judged < best:
                best, kept = judged, [p.detach().clone() for p in parameters]
            progress.update(stage, step + 1, steps, loss=judged)
    if not best < math.inf:
        message = f"{stage}: the loss of the events held out was never a number"
        raise NumericalError(message)
    with torch.no_grad():
        for parameter, value in zip(parameters, kept, strict=True):
            parameter.copy_(value)
