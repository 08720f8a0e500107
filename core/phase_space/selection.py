"""Each point goes through the map of its own channel, without a loop over points.

All distinct maps are evaluated on all points and picked with `where`: for cheap one-dimensional
maps this beats gathering subsets, has no data-dependent shapes, and carries gradients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

Map = TypeVar("Map")


def by_channel(maps: Sequence[Map], channel: Tensor, evaluate: Callable[[Map], Tensor]) -> Tensor:
    """Evaluates for every point the map of its channel.

    Args:
        maps: the map of each channel, k of them; equal ones are evaluated once.
        channel: channel of each point, `(n,)` int64.
        evaluate: gives `(n,)` values of one map.

    Returns:
        `(n,)`.
    """
    distinct = list(dict.fromkeys(maps))
    result = evaluate(distinct[0])
    for each in distinct[1:]:
        mine = torch.zeros_like(channel, dtype=torch.bool)
        for index, other in enumerate(maps):
            if other == each:
                mine = mine | (channel == index)
        result = torch.where(mine, evaluate(each), result)
    return result


def columns(maps: Sequence[Map], evaluate: Callable[[Map], Tensor]) -> Tensor:
    """Evaluates all maps, equal ones once: `(n, k)`."""
    values = {each: evaluate(each) for each in dict.fromkeys(maps)}
    return torch.stack([values[each] for each in maps], -1)


def of_own_channel(values: Tensor, channel: Tensor) -> Tensor:
    """Of values `(n, k)` that of each point's channel `(n,)`: `(n,)`."""
    return values.gather(1, channel[:, None]).squeeze(1)
