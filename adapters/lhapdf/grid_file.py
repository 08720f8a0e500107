"""Reads the two kinds of files of an LHAPDF6 set: the .info metadata and the members' .dat grids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from crosshook.core.errors import InputError

SEPARATOR = "---"


@dataclass(frozen=True)
class GridTable:
    """The values of one member.

    Attributes:
        x: Knots in the momentum fraction, ascending, (k,).
        q: Knots in Q (GeV), ascending; flavour thresholds are there twice, (l,).
        flavours: PDG identifiers in the file's order; the gluon is 21.
        values: x·f, (l, k, flavours).
        header: The member's own metadata, which go before those of the set.
    """

    x: NDArray[np.float64]
    q: NDArray[np.float64]
    flavours: tuple[int, ...]
    values: NDArray[np.float64]
    header: Mapping[str, object] = field(default_factory=dict)


def read_info(path: Path) -> dict[str, object]:
    """Reads a set's metadata, a YAML mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot read the set's metadata: {error}"
        raise InputError(message) from error
    return _metadata(text, path)


def _metadata(text: str, path: Path) -> dict[str, object]:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        message = f"{path}: cannot read the set's metadata: {error}"
        raise InputError(message) from error
    if not isinstance(data, dict):
        message = f"{path}: 'key: value' lines expected"
        raise InputError(message)
    return {str(key): value for key, value in data.items()}


def _numbers(line: str, where: str) -> NDArray[np.float64]:
    try:
        return np.array(line.split(), dtype=np.float64)
    except ValueError as error:
        message = f"{where}: numbers expected: {error}"
        raise InputError(message) from error


def _block(text: str, where: str) -> GridTable:
    """Parses one subgrid: a line of x knots, one of Q knots, one of flavours, then the values."""
    lines = text.strip().split("\n", 3)
    if len(lines) < 4:
        message = f"{where}: x knots, Q knots, flavours and values expected"
        raise InputError(message)
    x, q = _numbers(lines[0], where), _numbers(lines[1], where)
    flavours = tuple(int(number) for number in _numbers(lines[2], where))
    values = _numbers(lines[3], where)
    if values.size != x.size * q.size * len(flavours):
        message = (
            f"{where}: {values.size} values found, {x.size} x knots times {q.size} Q knots times "
            f"{len(flavours)} flavours expected"
        )
        raise InputError(message)
    if x.size < 4 or q.size < 2 or x[0] <= 0.0 or q[0] <= 0.0:
        message = f"{where}: at least 4 x knots and 2 Q knots, all positive, expected"
        raise InputError(message)
    if (np.diff(x) <= 0.0).any() or (np.diff(q) <= 0.0).any():
        message = f"{where}: the knots are not in ascending order"
        raise InputError(message)
    values = values.reshape(x.size, q.size, len(flavours)).transpose(1, 0, 2)
    return GridTable(x, q, flavours, values)


def read_grid(path: Path) -> GridTable:
    """Reads a member's grid and joins its subgrids along Q.

    Raises:
        InputError: If the file is no complete ``lhagrid1`` grid, or its subgrids differ in
            x knots or flavours (as LHAPDF 6.5 demands) or leave a gap in Q.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot read the grid: {error}"
        raise InputError(message) from error
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    blocks = "\n".join(line.strip() for line in lines).split(f"\n{SEPARATOR}")
    if len(blocks) < 3 or blocks[-1].strip():
        message = f"{path}: a header and subgrids, each closed by a line '---', expected"
        raise InputError(message)
    tables = [
        _block(block, f"{path}: subgrid {number}")
        for number, block in enumerate(blocks[1:-1], start=1)
    ]
    first = tables[0]
    for number, (table, previous) in enumerate(zip(tables[1:], tables, strict=False), start=2):
        if table.flavours != first.flavours or not np.array_equal(table.x, first.x):
            message = f"{path}: subgrid {number}: x knots and flavours of subgrid 1 expected"
            raise InputError(message)
        if table.q[0] != previous.q[-1]:
            message = (
                f"{path}: subgrid {number}: starts at Q = {table.q[0]:g} GeV, the one before ends "
                f"at {previous.q[-1]:g} GeV"
            )
            raise InputError(message)
    return GridTable(
        first.x,
        np.concatenate([table.q for table in tables]),
        first.flavours,
        np.concatenate([table.values for table in tables]),
        _metadata(blocks[0], path) if blocks[0].strip() else {},
    )
