"""An iteration learned by networks, which go on from one iteration to the next.

The second step is a regression instead of a second classification: exp(f(z)) fitted to the pulled
weights y with the loss exp(f) - y f has the minimum E[y | z], which is what the classification of
pulled against generated events aims at, and one pass over the events is enough for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from crosshook.plugins.unfold.omnifold.descent import descend, usual_lesson
from crosshook.plugins.unfold.omnifold.network import RatioNetwork
from crosshook.plugins.unfold.omnifold.steps import Answer, held_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.progress import Progress
    from crosshook.plugins.unfold.omnifold.inputs import Inputs
    from crosshook.plugins.unfold.omnifold.settings import Settings

LATER_RATE = 0.5
"""Of the learning rate, what networks that are trained on take."""
DAMPED = 0.1
"""Of the last ratio's logarithm, what the next first step begins with."""
LARGEST = 20.0
"""Exponents in the loss are not above this."""


class NetworkSteps:
    """See the module; implements `Steps`."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        """Nothing learned yet."""
        self._settings = settings
        self._progress = progress
        self._networks: dict[str, list[RatioNetwork]] = {}
        self._splits: dict[str, int] = {}

    def classify(
        self, inputs: Inputs, measured: Tensor, weight: Tensor, rng: torch.Generator
    ) -> Answer:
        """log(data/simulation) at reco; see `Steps.classify`."""

        def loss(output: Tensor, label: Tensor) -> Tensor:
            return functional.softplus(output) - label * output

        return self._learned("reco", inputs, measured, weight, loss, rng)

    def regress(
        self, inputs: Inputs, target: Tensor, weight: Tensor, rng: torch.Generator
    ) -> Answer:
        """log E[target | inputs]; see `Steps.regress`."""

        def loss(output: Tensor, wanted: Tensor) -> Tensor:
            return output.clamp(max=LARGEST).exp() - wanted * output

        return self._learned("truth", inputs, target, weight, loss, rng)

    def _learned(
        self,
        level: str,
        inputs: Inputs,
        target: Tensor,
        weight: Tensor,
        loss: Callable[[Tensor, Tensor], Tensor],
        rng: torch.Generator,
    ) -> Answer:
        settings, dtype = self._settings, inputs.columns.dtype
        known = torch.nonzero(weight > 0)[:, 0]
        wanted = target.to(dtype)
        share = (weight / weight[known].mean()).to(dtype)
        first = level not in self._networks
        teaching = usual_lesson(
            settings.epochs if first else settings.later_epochs,
            settings.batch,
            settings.learning_rate * (1.0 if first else LATER_RATE),
            level,
        )
        if first:
            # One split for all iterations: networks go on, and would remember what they have seen.
            self._splits[level] = int(torch.randint(2**62, (1,), generator=rng, device="cpu"))
            self._networks[level] = [
                RatioNetwork.random(inputs, settings.hidden, settings.depth, rng)
                for _ in range(settings.ensemble)
            ]
        elif level == "reco":
            # What is left to explain is small: a ratio that begins near 1 does not overshoot.
            self._networks[level] = [n.damped(DAMPED) for n in self._networks[level]]

        def of(network: RatioNetwork, rows: Tensor) -> Tensor:
            return (share[rows] * loss(network(inputs.rows(rows)), wanted[rows])).mean()

        split = torch.Generator(device="cpu")
        trained, unseen = [], known[:0]
        for number, network in enumerate(self._networks[level]):
            split.manual_seed(self._splits[level])
            kept, judging = held_out(known, settings.validation, number, split)
            trained.append(
                descend(
                    network, of, kept, judging, teaching, settings.patience, rng, self._progress
                )
            )
            unseen = judging if number == 0 else unseen
        self._networks[level] = [each.network for each in trained]
        members = torch.stack([each.network.everywhere(inputs) for each in trained])
        n = len(trained)
        losses = sum(each.loss for each in trained) / n
        return Answer(members, losses, sum(each.held_out for each in trained) / n, unseen)

    def state(self) -> dict[str, Tensor]:
        """The networks of both levels, and which events they hold back."""
        found = {
            f"{level}.split": torch.tensor(seed, dtype=torch.int64, device="cpu")
            for level, seed in self._splits.items()
        }
        for level, networks in self._networks.items():
            for number, network in enumerate(networks):
                found |= network.state(f"{level}.{number}")
        return found

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        self._networks, self._splits = {}, {}
        for level in ("reco", "truth"):
            found: list[RatioNetwork] = []
            while f"{level}.{len(found)}.linear" in tensors:
                found.append(RatioNetwork.from_state(tensors, f"{level}.{len(found)}"))
            if found:
                self._networks[level] = found
                self._splits[level] = int(tensors[f"{level}.split"])
