"""The weighted truth events as files: Parquet to keep, ROOT beside it, and read back.

One row a truth event, in an order that never changes. Truth columns have their own names, sets of
objects are columns of lists SET_QUANTITY; weight columns are `weights_nominal` and
`weights_FAMILY_LABEL`, whose meanings are in metadata.yaml.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import torch

from crosshook.core.errors import InputError
from crosshook.core.events.staging import StagedFile
from crosshook.core.interfaces.unfolder import FamilyKind, WeightFamily
from crosshook.core.unfolding.directory import UnfoldDirectory, checksum
from crosshook.core.unfolding.levels import WEIGHTS, list_name
from crosshook.core.unfolding.tables import Lists, Table, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from crosshook.core.interfaces.features import Features
    from crosshook.core.unfolding.tables import Values

    Arrays = Mapping[str, NDArray[np.generic] | Lists]

NOMINAL: Final = "nominal"
ITERATION: Final = "iteration"
PRIOR: Final = f"{WEIGHTS}simulation"
"""Column of the simulation's own weights, where rows are its events."""
TREE: Final = "events"


@dataclass(frozen=True)
class WeightedEvents:
    """An unfolded sample as read back.

    Attributes:
        directory: of the unfolding.
        table: truth columns and weights of the simulation.
        families: by name.
        metadata: as in metadata.yaml.
    """

    directory: UnfoldDirectory
    table: Table
    families: Mapping[str, WeightFamily]
    metadata: Mapping[str, object]


def column_names(name: str, family: WeightFamily) -> tuple[str, ...]:
    """Names of a family's weight columns: by labels that are words, else by number from 0.

    Iterations are counted from 1.
    """
    if name == NOMINAL:
        return (f"{WEIGHTS}{NOMINAL}",)
    if name == ITERATION:
        return tuple(f"{WEIGHTS}{ITERATION}_{i + 1}" for i in range(len(family.labels)))
    words = all(re.fullmatch(r"\w+", label) for label in family.labels)
    labels = family.labels if words else tuple(map(str, range(len(family.labels))))
    return tuple(f"{WEIGHTS}{name}_{label}" for label in labels)


def columns_of(features: Features) -> dict[str, Values]:
    """Truth columns of features, sets as lists."""
    made: dict[str, Values] = {
        name: features.dense[:, i].cpu().numpy() for i, name in enumerate(features.names)
    }
    for group, (values, mask) in features.sets.items():
        counts = mask.sum(dim=1).cpu().numpy().astype(np.int64)
        quantities = features.set_names.get(group) or tuple(map(str, range(values.shape[2])))
        for number, quantity in enumerate(quantities):
            made[list_name(group, quantity)] = Lists(
                counts, values[..., number][mask].cpu().numpy()
            )
    return made


def weight_columns(families: Mapping[str, WeightFamily]) -> dict[str, NDArray[np.generic]]:
    """Weight columns: the nominal one in double precision, the others in single."""
    made: dict[str, NDArray[np.generic]] = {}
    for name, family in families.items():
        kind = np.float64 if name == NOMINAL else np.float32
        weights = family.weights.detach().cpu().numpy()
        for number, column in enumerate(column_names(name, family)):
            made[column] = np.ascontiguousarray(weights[:, number], kind)
    return made


def write_parquet(path: Path, columns: Arrays) -> None:
    """Writes the columns complete or not at all."""
    import pyarrow as pa
    from pyarrow import parquet

    arrays = {}
    for name, column in columns.items():
        if isinstance(column, Lists):
            offsets = np.concatenate([[0], np.cumsum(column.counts)]).astype(np.int32)
            arrays[name] = pa.ListArray.from_arrays(offsets, pa.array(column.values))
        else:
            arrays[name] = pa.array(column)
    staged = StagedFile(path, overwrite=True)
    with staged.opening():
        parquet.write_table(pa.table(arrays), staged.path, compression="zstd")
        staged.commit()


def write_root(path: Path, columns: Arrays) -> None:
    """Writes the columns as a tree complete or not at all."""
    import awkward as ak
    import uproot

    arrays = {
        name: ak.unflatten(column.values, column.counts) if isinstance(column, Lists) else column
        for name, column in columns.items()
    }
    staged = StagedFile(path, overwrite=True)
    with staged.opening():
        with uproot.recreate(staged.path) as file:
            file[TREE] = arrays
        staged.commit()


def require_parquet() -> None:
    """Refuses to begin what could not be written.

    Raises:
        InputError: without pyarrow.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        message = "unfolded events need pyarrow: pip install 'crosshook[parquet]'"
        raise InputError(message) from error


def open_unfolding(path: Path, *, check: bool = True) -> WeightedEvents:
    """Reads a finished unfolding.

    Args:
        path: its directory.
        check: compare the checksum of the events with the one in the metadata.

    Raises:
        InputError: if it is none, or damaged.
    """
    directory = UnfoldDirectory(path)
    metadata = directory.read_metadata()
    events = directory.events()
    try:
        known = cast("dict[str, dict[str, object]]", metadata["files"])[events.name]
        rows = int(cast("int", metadata["rows"]))
        described = cast("dict[str, dict[str, object]]", metadata["weights"])
    except (KeyError, TypeError) as error:
        message = f"{directory.metadata}: not the metadata of an unfolding: {error}"
        raise InputError(message) from error
    if not events.is_file():
        message = f"{events}: missing"
        raise InputError(message)
    if check and checksum(events) != known["sha256"]:
        message = f"{events}: not the file that {directory.metadata.name} is of: checksum differs"
        raise InputError(message)
    table = read_table([events])
    if table.length != rows:
        message = f"{events}: {table.length} rows; {directory.metadata.name} says {rows}"
        raise InputError(message)
    families = {}
    for name, entry in described.items():
        columns = cast("dict[str, str]", entry["columns"])
        weights = np.stack([np.asarray(table.column(column)) for column in columns], axis=1)
        families[name] = WeightFamily(
            cast("FamilyKind", entry["kind"]), torch.from_numpy(weights), tuple(columns.values())
        )
    return WeightedEvents(directory, table, families, metadata)
