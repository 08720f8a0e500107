"""Finds installed plugins by their entry points and survives the broken ones.

pluggy's own loader lets one plugin that fails to import take the host down, and silently drops
the second of two entry points of one name; both are kept here as facts about the plugin.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from crosshook.core.errors import brief

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

GROUP = "crosshook"


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group `crosshook`.

    Attributes:
        name: name of the entry point.
        target: the module it names.
        distribution: the pip distribution it came with.
        version: version of that distribution.
        module: the imported module, or None if it is broken.
        reason: why it is broken, in one line, or `""`.
    """

    name: str
    target: str
    distribution: str
    version: str
    module: ModuleType | None = None
    reason: str = ""

    @property
    def status(self) -> str:
        """`ok`, or `broken: reason`."""
        return "ok" if self.module is not None else f"broken: {self.reason}"


def find_plugins(entry_points: Iterable[metadata.EntryPoint] | None = None) -> list[Plugin]:
    """Imports every plugin of the group.

    Args:
        entry_points: the entry points to load; all installed ones if None.

    Returns:
        One record an entry point, broken ones included, in order of name and distribution.
    """
    found = metadata.entry_points(group=GROUP) if entry_points is None else entry_points
    plugins: dict[tuple[str, str, str], Plugin] = {}
    for point in found:
        plugin = _load(point)
        # A distribution on two path entries (an editable install and its egg-info) counts once.
        plugins.setdefault((plugin.name, plugin.distribution, plugin.target), plugin)
    ordered = sorted(plugins.values(), key=lambda p: (p.name, p.distribution))
    return [_refuse_double(plugin, ordered) for plugin in ordered]


def _load(point: metadata.EntryPoint) -> Plugin:
    distribution = point.dist.name if point.dist is not None else "unknown"
    version = point.dist.version if point.dist is not None else ""
    module: ModuleType | None = None
    reason = ""
    try:
        module = importlib.import_module(point.value)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a stranger's import raises
        reason = brief(error)
    return Plugin(point.name, point.value, distribution, version, module, reason)


def _refuse_double(plugin: Plugin, all_plugins: list[Plugin]) -> Plugin:
    twins = [p.distribution for p in all_plugins if p.name == plugin.name and p is not plugin]
    if not twins:
        return plugin
    reason = f"entry point name {plugin.name!r} is also used by {', '.join(twins)}"
    return Plugin(plugin.name, plugin.target, plugin.distribution, plugin.version, None, reason)
