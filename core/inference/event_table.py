"""Reconstructed events out of Parquet files, as the transfer function knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import InputError
from crosshook.core.inference.simulated import joined_features
from crosshook.core.interfaces.features import Features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_events(files: Sequence[Path], like: Features) -> Features:
    """The events of all files.

    Args:
        files: Parquet files; columns by the names of dense columns, and lists `SET.COLUMN` for
            sets. A column `pass_reco`, where there is one, says which events are seen.
        like: events of the transfer function: which columns are needed.

    Raises:
        InputError: if a file cannot be read, lacks a column or holds a value that is no number.
    """
    found = joined_features([_read(path, like) for path in files])
    if len(found) == 0:
        message = f"{', '.join(str(path) for path in files)}: no events"
        raise InputError(message)
    return found


def _read(path: Path, like: Features) -> Features:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        message = f"{path}: Parquet needs pyarrow: pip install 'crosshook[parquet]'"
        raise InputError(message) from error
    try:
        table = parquet.read_table(path)
    except (OSError, ArrowException) as error:
        message = f"{path}: {' '.join(str(error).split())}"
        raise InputError(message) from error
    if "pass_reco" in table.column_names:
        table = table.filter(table["pass_reco"])
    wanted = [*like.names]
    sets = {name: _set_columns(like, name) for name in like.sets}
    for name, columns in sets.items():
        wanted += [f"{name}.{column}" for column in columns]
    missing = [name for name in wanted if name not in table.column_names]
    if missing:
        message = (
            f"{path}: no column {missing[0]!r}; the transfer function needs {', '.join(wanted)}, "
            f"the file has {', '.join(table.column_names)}"
        )
        raise InputError(message)
    dense = (
        np.stack([np.asarray(table[name].to_numpy(), np.float64) for name in like.names], axis=1)
        if like.names
        else np.zeros((len(table), 0))
    )
    _refuse_invalid(dense, like.names, path)
    made = {}
    for name, columns in sets.items():
        lists = [table[f"{name}.{column}"].to_pylist() for column in columns]
        made[name] = _padded(lists, name, path)
    return Features(
        torch.from_numpy(dense), like.names, like.units, made, like.set_names, like.set_units
    )


def _set_columns(like: Features, name: str) -> tuple[str, ...]:
    width = like.sets[name][0].shape[2]
    return like.set_names.get(name, tuple(f"{name}{i}" for i in range(width)))


def _refuse_invalid(rows: np.ndarray, names: Sequence[str], path: Path) -> None:
    wrong = np.argwhere(~np.isfinite(rows))
    if len(wrong):
        row, column = wrong[0]
        message = f"{path}: event {row}: {names[column]} is {rows[row, column]}"
        raise InputError(message)


def _padded(
    lists: list[list[list[float]]], name: str, path: Path
) -> tuple[torch.Tensor, torch.Tensor]:
    """Lists `(q, n, objects)` as values `(n, L, q)` and mask `(n, L)`."""
    counts = [len(objects) for objects in lists[0]]
    for column in lists[1:]:
        for event, objects in enumerate(column):
            if len(objects) != counts[event]:
                message = (
                    f"{path}: event {event}: {name} has {counts[event]} objects in one column and "
                    f"{len(objects)} in another"
                )
                raise InputError(message)
    longest = max([1, *counts])
    values = torch.zeros((len(counts), longest, len(lists)), dtype=torch.float64)
    mask = torch.zeros((len(counts), longest), dtype=torch.bool)
    for event, count in enumerate(counts):
        mask[event, :count] = True
        for q, column in enumerate(lists):
            values[event, :count, q] = torch.tensor(column[event], dtype=torch.float64)
    if not bool(values.isfinite().all()):
        event = int(torch.nonzero(~values.isfinite())[0, 0])
        message = f"{path}: event {event}: a value of {name} is no number"
        raise InputError(message)
    return values, mask
