"""Composition: how a proposal is put together from saved components, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.component import Slot
from crosshook.core.sampling.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.registry import Registry
    from crosshook.core.sampling.proposal import Proposal


@dataclass(frozen=True)
class Composition:
    """What a proposal consists of besides the channel mapping.

    Attributes:
        shares: of the learned mapping, its warm start and the identity in each channel, `(k, 3)`;
            None for the mapping alone.
        warm_start: the component of the warm start with its options, or None.
        layer: the warm start is a layer around the mapping.
        groups: the group of each channel: those of a group share a mapping; None for one each.
        closed: channels that are not drawn, and closed wherever others are open.
    """

    shares: tuple[tuple[float, ...], ...] | None = None
    warm_start: Slot | None = None
    layer: bool = False
    groups: tuple[int, ...] | None = None
    closed: tuple[int, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The same as values JSON can hold."""
        return {
            "shares": None if self.shares is None else [list(row) for row in self.shares],
            "warm_start": None if self.warm_start is None else self.warm_start.as_dict(),
            "layer": self.layer,
            "groups": None if self.groups is None else list(self.groups),
            "closed": list(self.closed),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> Composition:
        """Takes back what `as_json` gave."""
        shares = cast("list[list[float]] | None", values["shares"])
        warm = cast("Mapping[str, object] | None", values["warm_start"])
        groups = cast("list[int] | None", values["groups"])
        return cls(
            None if shares is None else tuple(tuple(row) for row in shares),
            None if warm is None else Slot.parse(warm),
            bool(values["layer"]),
            None if groups is None else tuple(groups),
            tuple(cast("list[int]", values["closed"])),
        )

    def context(self, context: BuildContext) -> BuildContext:
        """The context of the mapping: it is built for groups of channels where there are any."""
        return context if self.groups is None else context.with_(channels=max(self.groups) + 1)

    def build_warm(
        self, context: BuildContext, registry: Registry, model: str | None = None
    ) -> ChannelMapping | None:
        """The warm start, for the continuous dimensions only; None if there is none.

        Args:
            context: of the whole task.
            registry: builds it.
            model: directory of its trained state.
        """
        if self.warm_start is None or context.dimensions == 0:
            return None
        slot = self.warm_start if model is None else replace(self.warm_start, model=model)
        inner = context.with_(discrete=())
        built = registry.build("channel_mapping", slot, inner, "sampling.training.warm_start")
        return cast("ChannelMapping", built)

    def parts(
        self, mapping: ChannelMapping, warm: ChannelMapping | None, context: BuildContext
    ) -> Parts:
        """The parts as they are composed.

        Args:
            mapping: built in `self.context(context)`.
            warm: as `build_warm` gives it.
            context: of the whole task.
        """
        return Parts(mapping, warm, context, self.groups, self.layer and warm is not None)

    def proposal(
        self, mapping: ChannelMapping, warm: ChannelMapping | None, context: BuildContext
    ) -> Proposal:
        """The proposal with these shares."""
        rows = self.shares or ((1.0, 0.0, 0.0),) * context.channels
        shares = torch.tensor(rows, dtype=torch.float64, device=context.torch_device)
        return self.parts(mapping, warm, context).proposal(shares)
