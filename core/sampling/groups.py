"""Groups of channels that share one mapping, e.g. those that differ by a permutation of legs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_groups(groups: Sequence[int] | None, channels: Sequence[str], where: str) -> None:
    """Every channel has a group, and every group a channel.

    Args:
        groups: the group of each channel, or None.
        channels: their names.
        where: who asked, e.g. `sampling.groups`.

    Raises:
        ConfigurationError: with what was given.
    """
    if groups is None:
        return
    if len(groups) != len(channels):
        message = (
            f"{where}: {len(groups)} entries for {len(channels)} channels: {', '.join(channels)}"
        )
        raise ConfigurationError(message)
    if set(groups) != set(range(max(groups) + 1)):
        message = f"{where}: {list(groups)} does not use every number from 0 to its largest"
        raise ConfigurationError(message)
