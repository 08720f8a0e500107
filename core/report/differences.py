"""What distinguishes several results: names for them, and the settings in which they differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from crosshook.core.errors import InputError
from crosshook.core.report.sections import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ABSENT = "—"


def names_of(directories: Sequence[Path]) -> tuple[str, ...]:
    """A name for each directory: its last part, or as many parts as tell them apart.

    Args:
        directories: with results, all different.

    Raises:
        InputError: if one is given twice.
    """
    parts = [directory.resolve().parts for directory in directories]
    for depth in range(1, max(map(len, parts)) + 1):
        names = tuple("/".join(part[-depth:]) for part in parts)
        if len(set(names)) == len(names):
            return names
    twice = next(d for i, d in enumerate(directories) if parts[i] in parts[:i])
    message = f"{twice}: given twice; a comparison takes different directories"
    raise InputError(message)


def settings_table(
    names: Sequence[str],
    configurations: Sequence[Mapping[str, object]],
    aside: frozenset[str] = frozenset(),
) -> Table | None:
    """Every setting that is not the same in all; None if there is none.

    Args:
        names: of the results.
        configurations: resolved run files.
        aside: settings that are not looked at, e.g. `output.directory`.
    """
    flat = [_flat(configuration) for configuration in configurations]
    keys = list(dict.fromkeys(key for settings in flat for key in settings))
    rows = tuple(
        (key, *(settings.get(key, ABSENT) for settings in flat))
        for key in keys
        if key not in aside and len({settings.get(key, ABSENT) for settings in flat}) > 1
    )
    if not rows:
        return None
    return Table("Settings that differ, defaults filled in", ("setting", *names), rows)


def _flat(value: object, key: str = "") -> dict[str, str]:
    """Settings by their path, with values as they are written in a run file."""
    if isinstance(value, dict) and value:
        made: dict[str, str] = {}
        for name, below in value.items():
            made |= _flat(below, f"{key}.{name}" if key else str(name))
        return made
    if isinstance(value, str):
        return {key: value}
    return {key: json.dumps(value, ensure_ascii=False)}
