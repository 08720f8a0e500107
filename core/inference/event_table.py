"""Reconstructed events out of Parquet or ROOT files, as the transfer function knows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import InputError
from crosshook.core.unfolding.levels import PASS_RECO, Level, flags_of, list_name, read_level
from crosshook.core.unfolding.run_file import LevelColumns
from crosshook.core.unfolding.sample import check_finite
from crosshook.core.unfolding.tables import Lists, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.core.interfaces.features import Features

PREFIX = "reco_"


def read_events(files: Sequence[Path], like: Features) -> Features:
    """The events of all files.

    Args:
        files: tables; columns by the names of dense columns, and lists `SET_COLUMN` for sets, all
            with or without `reco_` in front. A flag `pass_reco`, where there is one, says which
            events are seen.
        like: events of the transfer function: which columns are needed.

    Raises:
        InputError: if a file cannot be read, lacks a column or holds a value that is no number.
    """
    table = read_table(files)
    table = table.taken(flags_of(table, None, PASS_RECO, "data"))
    if not table.length:
        message = f"{table.name}: no events"
        raise InputError(message)
    wanted = [*like.names]
    nothing = Lists(np.zeros(0, np.int64), np.zeros(0))
    sets: dict[str, dict[str, Lists]] = {}
    for name in like.sets:
        if name not in like.set_names:
            message = f"{table.name}: the transfer function does not name the columns of {name!r}"
            raise InputError(message)
        wanted += [list_name(name, column) for column in like.set_names[name]]
        sets[name] = dict.fromkeys(like.set_names[name], nothing)
    known = Level("reco", {}, sets, {})
    level = read_level("reco", table, LevelColumns(PREFIX, tuple(wanted)), "data", known)
    there = np.ones(table.length, np.bool_)
    check_finite(level, there, table.place, PASS_RECO)
    if tuple(level.dense) != tuple(like.names) or set(level.lists) != set(like.sets):
        given = ", ".join((*level.dense, *level.lists))
        needs = ", ".join((*like.names, *like.sets))
        message = (
            f"{table.name}: numbers and lists are {given}; the transfer function has {needs}, of "
            f"which {', '.join(like.sets) or 'none'} are sets"
        )
        raise InputError(message)
    units = dict(zip(like.names, like.units or ("",) * len(like.names), strict=True))
    found = level.features(units, there)
    return replace(found, set_names=like.set_names, set_units=like.set_units)
