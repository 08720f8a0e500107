"""Training sets in Parquet files: momenta in columns pI_E, pI_px, pI_py, pI_pz and |M|² beside them.

Where incoming legs are missing they collide head on with the energy of the file's metadata
`sqrt_s_hat`; where energies are missing they follow from `masses` there.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from crosshook.core.errors import InputError
from crosshook.core.surrogates.training_set import AmplitudeTable, joined

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from crosshook.core.surrogates.run_file import TableFiles

    Columns = Mapping[str, NDArray[np.float64]]

SPACE = ("px", "py", "pz")


def read_tables(files: TableFiles, alpha_s: float) -> AmplitudeTable:
    """The points of all files; each different list of PDG ids is a subprocess.

    Args:
        files: which, and what their columns mean.
        alpha_s: the coupling of files that do not give theirs.

    Raises:
        InputError: if a file cannot be read or lacks a column.
    """
    tables = [_read(path, files, alpha_s) for path in files.files]
    found = tuple(dict.fromkeys(table.pdg[0] for table in tables))
    order = {table.pdg[0]: table.qcd_order[0] for table in tables}
    powers = tuple(order[pdg] for pdg in found)
    return joined([_numbered(table, found, powers) for table in tables])


def _numbered(
    table: AmplitudeTable, pdg: tuple[tuple[int, ...], ...], powers: tuple[int, ...]
) -> AmplitudeTable:
    number = pdg.index(table.pdg[0])
    return replace(
        table, process=torch.full_like(table.process, number), pdg=pdg, qcd_order=powers
    )


def _read(path: Path, files: TableFiles, alpha_s: float) -> AmplitudeTable:
    columns, metadata = _columns(path)
    pdg = files.pdg or tuple(map(int, _numbers(metadata, "pdg", path, "points.table.pdg")))
    amplitude = _column(columns, files.amplitude, path)
    momenta = _momenta(columns, metadata, pdg, files.n_incoming, path)
    weight = (
        # Points of one weight: what |M|² is multiplied with is in proportion to 1/|M|².
        np.divide(1.0, amplitude, out=np.zeros_like(amplitude), where=amplitude != 0)
        if files.weight is None
        else _column(columns, files.weight, path)
    )
    given = files.alpha_s
    if given is None and "alpha_s" in metadata:
        given = _numbers(metadata, "alpha_s", path, "points.table.alpha_s")[0]
    coupling = (
        _column(columns, given, path)
        if isinstance(given, str)
        else np.full(len(amplitude), alpha_s if given is None else given)
    )
    order = files.qcd_order if files.qcd_order is not None else len(pdg) - 2
    return AmplitudeTable(
        torch.from_numpy(momenta),
        torch.zeros(len(amplitude), dtype=torch.int64),
        torch.from_numpy(coupling.copy()),
        torch.from_numpy(amplitude.copy()),
        torch.from_numpy(weight.copy()),
        (pdg,),
        (order,),
        files.n_incoming,
    )


def _columns(path: Path) -> tuple[Columns, Mapping[str, str]]:
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
    columns = {
        name: np.asarray(table[name].to_numpy(), np.float64)
        for name in table.column_names
        if _is_number(table.schema.field(name).type)
    }
    metadata = table.schema.metadata or {}
    return columns, {key.decode(): value.decode() for key, value in metadata.items()}


def _is_number(kind: object) -> bool:
    from pyarrow import types

    return bool(types.is_floating(kind) or types.is_integer(kind))


def _column(columns: Columns, name: str, path: Path) -> NDArray[np.float64]:
    if name not in columns:
        message = f"{path}: no column {name!r}; there are {', '.join(columns)}"
        raise InputError(message)
    return columns[name]


def _numbers(metadata: Mapping[str, str], key: str, path: Path, instead: str) -> tuple[float, ...]:
    """Numbers of the metadata, written as JSON."""
    if key not in metadata:
        message = f"{path}: no metadata {key!r}; give {instead}"
        raise InputError(message)
    try:
        value = json.loads(metadata[key])
        return tuple(float(v) for v in (value if isinstance(value, list) else [value]))
    except (TypeError, ValueError) as error:
        message = f"{path}: metadata {key!r} is {metadata[key]!r}, not numbers"
        raise InputError(message) from error


def _momenta(
    columns: Columns,
    metadata: Mapping[str, str],
    pdg: tuple[int, ...],
    n_incoming: int,
    path: Path,
) -> NDArray[np.float64]:
    legs = []
    for leg in range(len(pdg)):
        if leg < n_incoming == 2 and f"p{leg}_px" not in columns:
            energy = _numbers(metadata, "sqrt_s_hat", path, f"columns p{leg}_E, ...")[0] / 2
            row = np.array([energy, 0.0, 0.0, energy if leg == 0 else -energy])
            legs.append(np.broadcast_to(row, (len(next(iter(columns.values()))), 4)))
            continue
        space = np.stack([_column(columns, f"p{leg}_{axis}", path) for axis in SPACE], axis=1)
        if f"p{leg}_E" in columns:
            time = columns[f"p{leg}_E"]
        else:
            masses = _numbers(metadata, "masses", path, f"column p{leg}_E")
            if len(masses) != len(pdg):
                message = f"{path}: metadata masses has {len(masses)} entries for {len(pdg)} legs"
                raise InputError(message)
            time = np.sqrt(np.square(space).sum(axis=1) + masses[leg] ** 2)
        legs.append(np.column_stack([time, space]))
    return cast("NDArray[np.float64]", np.stack(legs, axis=1))
