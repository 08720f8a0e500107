"""The parts a learned proposal is made of, and their states as tensors.

Part 0 is the mapping that learns, part 1 its warm start, part 2 the identity; without a warm start
parts 1 and 2 are the same. The warm start may also be a layer around the learner.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.interfaces.training import Stateful
from crosshook.core.sampling.proposal import Proposal, Stack, around_values, grouped

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.channel_mapping import ChannelMapping

    Density = Callable[[Tensor, Tensor, Tensor | None], Tensor]

NAMES = ("learned", "warm start", "untrained")


class Parts:
    """A mapping in training with what it starts from.

    Attributes:
        learner: the mapping in training.
        warm: what goes around it, or None.
        inner: the learner as it is seen from outside, for all channels.
        outer: the layer around it, or None.
        groups: the group of each channel, or None for one each.
    """

    def __init__(
        self,
        learner: ChannelMapping,
        warm: ChannelMapping | None,
        context: BuildContext,
        groups: tuple[int, ...] | None = None,
        around: bool = True,
    ) -> None:
        """Joins the two.

        Args:
            learner: built for as many channels as there are groups.
            warm: built for the continuous dimensions and all channels.
            context: of the task.
            groups: the group of each channel, or None for one each.
            around: the warm start is a layer around the learner, not only a part of its own.
        """
        self.learner, self.warm = learner, warm
        self.groups, self._context, self._around = groups, context, around
        self.inner = grouped(learner, groups, context.torch_device)
        self._start = None if warm is None else around_values(warm, context)
        self.outer = self._start if around else None

    def mappings(self) -> tuple[ChannelMapping, ...]:
        """The three parts, the second and third being equal without a warm start."""
        outer = [] if self.outer is None else [self.outer]
        start = [] if self._start is None else [self._start]
        return Stack([*outer, self.inner]), Stack(start), Stack([])

    def proposal(self, shares: Tensor) -> Proposal:
        """The mixture with these shares, `(k, 3)`, of the parts as they are now."""
        return Proposal(self.mappings(), shares)

    def frozen(self, shares: Tensor) -> dict[str, Tensor]:
        """The state of the mixture as it is now, by value."""
        state = {"shares": shares.clone()}
        for name, part in (("learner", self.learner), ("warm", self.warm)):
            if isinstance(part, Stateful):
                tensors, _ = part.state()
                state |= {f"{name}/{key}": t.detach().clone() for key, t in tensors.items()}
        return state

    def thaw(self, state: dict[str, Tensor]) -> Proposal:
        """A frozen mixture, in copies of the parts."""
        copies = []
        for name, part in (("learner", self.learner), ("warm", self.warm)):
            twin = copy.deepcopy(part)
            if isinstance(twin, Stateful):
                prefix = f"{name}/"
                own = {k.removeprefix(prefix): t for k, t in state.items() if k.startswith(prefix)}
                twin.load_state(own, twin.state()[1])
            copies.append(twin)
        learner, warm = cast("ChannelMapping", copies[0]), copies[1]
        return Parts(learner, warm, self._context, self.groups, self._around).proposal(
            state["shares"]
        )

    def density(self, state: dict[str, Tensor]) -> Density:
        """log density of a frozen mixture, without gradients."""
        proposal = self.thaw(state)

        def log_density(u: Tensor, channel: Tensor, condition: Tensor | None) -> Tensor:
            with torch.no_grad():
                return proposal.log_density(u, channel, condition)

        return log_density


def even_rows(channels: int, shares: tuple[float, float, float], device: torch.device) -> Tensor:
    """The same shares of the parts in every channel, `(k, 3)`."""
    row = torch.tensor(shares, dtype=torch.float64, device=device)
    return (row / row.sum()).repeat(channels, 1)
