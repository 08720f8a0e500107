"""The two questions of an iteration, as whatever learns them is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.plugins.unfold.omnifold.inputs import Inputs


@dataclass(frozen=True)
class Answer:
    """What was learned. n events, e members of the ensemble.

    Attributes:
        members: log-ratio of every event by each member, `(e, n)`; their mean is the answer.
        loss: of the training, mean over members.
        held_out: of held-out events, mean over members; NaN if there are none.
        unseen: numbers of the events the first member has not learned from in any iteration, int64.
    """

    members: Tensor
    loss: float
    held_out: float
    unseen: Tensor

    @property
    def log_ratio(self) -> Tensor:
        """The answer, `(n,)`."""
        return self.members.mean(dim=0)


class Steps(Protocol):
    """Learns what an iteration needs."""

    def classify(
        self, inputs: Inputs, measured: Tensor, weight: Tensor, rng: torch.Generator
    ) -> Answer:
        """log(data/simulation) at reco.

        Args:
            inputs: simulated events, then measured ones.
            measured: 1 for measured events, `(n,)` float64.
            weight: not negative, `(n,)`.
            rng: on the CPU.
        """
        ...

    def regress(
        self, inputs: Inputs, target: Tensor, weight: Tensor, rng: torch.Generator
    ) -> Answer:
        """log E[target | inputs].

        Args:
            inputs: of all events the answer is wanted of.
            target: not negative, `(n,)`.
            weight: `(n,)`; events of weight 0 are not learned from.
            rng: on the CPU.
        """
        ...

    def state(self) -> dict[str, Tensor]:
        """What later iterations start from."""
        ...

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        ...


def held_out(
    known: Tensor, share: float, member: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Events to learn from and events to judge by.

    Args:
        known: numbers of events with a weight, `(n,)` int64.
        share: of the second.
        member: of the ensemble: each holds out others, so that together they learn from all.
        rng: on the CPU; the same state for all members.
    """
    order = known[torch.randperm(len(known), generator=rng, device="cpu").to(known.device)]
    size = round(share * len(known))
    if size == 0 or size == len(known):
        return known, known[:0]
    start = (member * size) % (len(known) - size + 1)
    kept = torch.cat([order[:start], order[start + size :]])
    return kept, order[start : start + size]
