"""Tables of events as columns, out of Parquet and ROOT files: numbers, flags, and lists of numbers.

A column of lists holds a different number of values for each event: constituents of a jet, say.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Values: TypeAlias = "Floats | NDArray[np.bool_] | Lists"

PARQUET, ROOT = b"PAR1", b"root"
KNOWN = 12
"""Columns that a message names."""
COPIES = 3
"""Copies of a table that an unfolding holds at once: as read, as features, as written."""
GIGA = 1e9


@dataclass(frozen=True, eq=False)
class Lists:
    """A column of lists.

    Attributes:
        counts: length of each list, `(n,)` int64.
        values: of all lists one after another, `(counts.sum(),)`.
    """

    counts: NDArray[np.int64]
    values: Floats

    def padded(self, longest: int) -> Floats:
        """The lists as rows, filled up with 0, `(n, longest)`."""
        made = np.zeros((len(self.counts), longest))
        made[self.mask(longest)] = self.values
        return made

    def mask(self, longest: int) -> NDArray[np.bool_]:
        """Where a row of `padded` has values, `(n, longest)`."""
        there: NDArray[np.bool_] = np.arange(longest) < self.counts[:, None]
        return there

    def __getitem__(self, rows: NDArray[np.bool_]) -> Lists:
        """The lists of the rows where a mask is true."""
        return Lists(self.counts[rows], self.values[np.repeat(rows, self.counts)])


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of n events.

    Attributes:
        name: of the file or files, for messages.
        length: n.
        columns: by name: float64 or bool `(n,)`, or lists.
        files: where rows come from: name and number of rows of each.
    """

    name: str
    length: int
    columns: Mapping[str, Values]
    files: tuple[tuple[str, int], ...] = ()

    def column(self, name: str) -> Values:
        """A column.

        Raises:
            InputError: if there is none of that name.
        """
        if name not in self.columns:
            near = get_close_matches(name, self.columns, n=1)
            shown = ", ".join(list(self.columns)[:KNOWN])
            more = ", ..." if len(self.columns) > KNOWN else ""
            hint = f"did you mean {near[0]}?" if near else f"there are {shown or 'none'}{more}"
            message = f"{self.name}: no column {name!r}; {hint}"
            raise InputError(message)
        return self.columns[name]

    def place(self, row: int) -> str:
        """File and row of a row of the table, both as the user knows them, counted from 0."""
        for name, length in self.files:
            if row < length:
                return f"{name}: row {row}"
            row -= length
        return f"{self.name}: row {row}"

    def taken(self, rows: NDArray[np.bool_]) -> Table:
        """The rows where a mask is true."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return Table(self.name, int(rows.sum()), columns)


def read_table(paths: Sequence[Path], tree: str | None = None) -> Table:
    """Reads files with the same columns, one after another.

    Args:
        paths: Parquet or ROOT files; their first bytes decide.
        tree: of ROOT files; may be left out where there is one only.

    Raises:
        InputError: if one cannot be read, is neither, or has other columns than the first.
    """
    tables = [_read(path, tree) for path in paths]
    first = tables[0]
    for other in tables[1:]:
        strange = sorted(set(first.columns) ^ set(other.columns))
        if strange:
            message = (
                f"{other.name}: other columns than {first.name}: {', '.join(strange[:KNOWN])}"
            )
            raise InputError(message)
    if len(tables) == 1:
        return first
    columns: dict[str, Values] = {}
    for name in first.columns:
        parts = [table.columns[name] for table in tables]
        lists = [part for part in parts if isinstance(part, Lists)]
        arrays = [part for part in parts if not isinstance(part, Lists)]
        if lists and arrays:
            message = (
                f"column {name!r} has lists in some of {first.name}, ... and numbers in others"
            )
            raise InputError(message)
        if lists:
            counts = np.concatenate([part.counts for part in lists])
            columns[name] = Lists(counts, np.concatenate([part.values for part in lists]))
        elif all(array.dtype == np.bool_ for array in arrays):
            columns[name] = np.concatenate([array.astype(np.bool_) for array in arrays])
        else:
            columns[name] = np.concatenate([array.astype(np.float64) for array in arrays])
    files = tuple(file for table in tables for file in table.files)
    return Table(f"{first.name}, ...", sum(n for _, n in files), columns, files)


def is_table(path: Path) -> bool:
    """Whether a file is Parquet or ROOT.

    Raises:
        InputError: if it cannot be read.
    """
    return _start(path) in (PARQUET, ROOT)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(4)
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise InputError(message) from error


def _read(path: Path, tree: str | None) -> Table:
    start = _start(path)
    if start == PARQUET:
        columns = _parquet(path)
    elif start == ROOT:
        columns = _root(path, tree)
    else:
        message = f"{path}: neither a Parquet nor a ROOT file"
        raise InputError(message)
    lengths = {
        name: len(column.counts) if isinstance(column, Lists) else len(column)
        for name, column in columns.items()
    }
    if len(set(lengths.values())) > 1:
        known = ", ".join(f"{name} {n}" for name, n in list(lengths.items())[:KNOWN])
        message = f"{path}: columns of different lengths: {known}"
        raise InputError(message)
    length = next(iter(lengths.values()), 0)
    return Table(str(path), length, columns, ((str(path), length),))


def _parquet(path: Path) -> dict[str, Values]:
    try:
        import pyarrow as pa
        from pyarrow import parquet, types
    except ImportError as error:
        message = f"{path}: Parquet needs pyarrow: pip install 'crosshook[parquet]'"
        raise InputError(message) from error
    try:
        with parquet.ParquetFile(path) as file:
            _check_size(path, file.metadata.num_rows, file.metadata.num_columns)
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        message = f"{path}: {' '.join(str(error).split())}"
        raise InputError(message) from error
    columns: dict[str, Values] = {}
    for name in table.column_names:
        array, kind = table[name].combine_chunks(), table.schema.field(name).type
        listed = types.is_list(kind) or types.is_large_list(kind)
        inner = kind.value_type if listed else kind
        if not (types.is_floating(inner) or types.is_integer(inner) or types.is_boolean(inner)):
            continue
        if listed:
            counts = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
            flat = array.flatten().to_numpy(zero_copy_only=False)
            columns[name] = Lists(counts.astype(np.int64), flat.astype(np.float64))
        elif types.is_boolean(inner):
            _no_nulls(path, name, array.null_count)
            columns[name] = array.to_numpy(zero_copy_only=False).astype(np.bool_)
        else:  # what is missing in a column of numbers reads as NaN
            columns[name] = np.array(array.cast(pa.float64()).to_numpy(zero_copy_only=False))
    return columns


def _check_size(path: Path, rows: int, columns: int) -> None:
    """Refuses what memory will not hold, before it is read."""
    needed, there = COPIES * rows * columns * np.dtype(np.float64).itemsize, memory()
    if needed > there:
        message = (
            f"{path}: {rows} rows of {columns} columns take some {needed / GIGA:.3g} GB of memory "
            f"to unfold, {there / GIGA:.3g} GB are there; leave columns or events out of the file"
        )
        raise InputError(message)


def memory() -> float:
    """Bytes of memory this machine has; infinite where it does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return math.inf


def _no_nulls(path: Path, name: str, nulls: int) -> None:
    if nulls:
        message = f"{path}: column {name!r} is neither true nor false in {nulls} rows"
        raise InputError(message)


def _root(path: Path, tree: str | None) -> dict[str, Values]:
    import awkward as ak
    import uproot

    try:
        with uproot.open(path) as file:
            name = tree if tree is not None else _only_tree(path, file.classnames())
            if name not in file:
                known = ", ".join(sorted({key.split(";")[0] for key in file.keys()}))  # noqa: SIM118
                message = f"{path}: no tree {name!r}; there are {known or 'none'}"
                raise InputError(message)
            opened = file[name]
            _check_size(path, opened.num_entries, len(opened.keys()))
            columns: dict[str, Values] = {}
            for branch in opened.keys():  # noqa: SIM118 - uproot's own mapping
                array = opened[branch].array()
                flat = ak.flatten(array) if array.ndim == 2 else array
                if array.ndim > 2 or array.fields or "string" in str(flat.type):
                    continue
                values = ak.to_numpy(flat)
                if array.ndim == 2 and values.dtype.kind in "fiu":
                    counts = ak.to_numpy(ak.num(array)).astype(np.int64)
                    columns[branch] = Lists(counts, values.astype(np.float64))
                elif array.ndim == 1 and values.dtype.kind in "fiub":
                    flag = values.dtype.kind == "b"
                    columns[branch] = values if flag else values.astype(np.float64)
            return columns
    except (OSError, ValueError, KeyError, uproot.exceptions.KeyInFileError) as error:
        message = f"{path}: not readable as ROOT: {' '.join(str(error).split())[:200]}"
        raise InputError(message) from error


def _only_tree(path: Path, classes: Mapping[str, str]) -> str:
    kinds = ("TTree", "RNTuple")
    trees = sorted({key.split(";")[0] for key, kind in classes.items() if kind.endswith(kinds)})
    if len(trees) != 1:
        message = f"{path}: {len(trees)} trees ({', '.join(trees) or 'none'}); say which with tree"
        raise InputError(message)
    return trees[0]
