"""One level of a table, truth or reco: which columns, as the features of its events.

Columns of lists make sets: PREFIX SET_QUANTITY, e.g. `reco_particle_pt` and `reco_particle_eta`,
are the columns `pt` and `eta` of the set `particle`; see `set_names`.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import InputError
from crosshook.core.interfaces.features import Features
from crosshook.core.unfolding.column_expression import ColumnExpression
from crosshook.core.unfolding.set_names import set_names
from crosshook.core.unfolding.tables import Lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from crosshook.core.unfolding.run_file import LevelColumns
    from crosshook.core.unfolding.tables import Table

    Floats = NDArray[np.float64]

WEIGHT, PASS_TRUTH, PASS_RECO = "weight", "pass_truth", "pass_reco"
"""Columns that mean something by their names."""
WEIGHTS = "weights_"
"""Names of weights begin with this in files of unfolded events."""
CHOICE = "; observables says which columns are used"
"""What to do about a column that measured events lack."""


@dataclass(frozen=True)
class Level:
    """Columns of one level.

    Attributes:
        name: truth or reco.
        dense: by name without prefix, `(n,)`.
        lists: of sets, by set and quantity.
        sources: what each column is called, or how it is written, in the table.
    """

    name: str
    dense: Mapping[str, Floats]
    lists: Mapping[str, Mapping[str, Lists]]
    sources: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Names that can be unfolded: columns, then sets."""
        return (*self.dense, *self.lists)

    def only(self, names: Sequence[str]) -> Level:
        """These names alone, in this order."""
        return Level(
            self.name,
            {name: self.dense[name] for name in names if name in self.dense},
            {name: self.lists[name] for name in names if name in self.lists},
            self.sources,
        )

    def features(self, units: Mapping[str, str], there: NDArray[np.bool_]) -> Features:
        """The features; rows that have no such level hold zeros.

        Args:
            units: by name.
            there: which rows have the level, `(n,)`.
        """
        n = len(there)
        dense = np.zeros((n, len(self.dense)))
        for column, values in enumerate(self.dense.values()):
            dense[there, column] = values[there]
        sets, set_names, set_units = {}, {}, {}
        for name, columns in self.lists.items():
            some = next(iter(columns.values()))
            counts = np.where(there, some.counts, 0)
            longest = int(counts.max(initial=0))
            cut = [_emptied(lists, there) for lists in columns.values()]
            values = np.stack([lists.padded(longest) for lists in cut], axis=-1)
            sets[name] = (torch.from_numpy(values), torch.from_numpy(cut[0].mask(longest)))
            set_names[name] = tuple(columns)
            set_units[name] = tuple(units.get(list_name(name, key), "") for key in columns)
        return Features(
            torch.from_numpy(dense),
            tuple(self.dense),
            tuple(units.get(name, "") for name in self.dense),
            sets,
            set_names,
            set_units,
        )


def list_name(group: str, quantity: str) -> str:
    """Name of a column of a set; a set of one column without a name of its own is called as that."""
    return group if group == quantity else f"{group}_{quantity}"


def _emptied(lists: Lists, there: NDArray[np.bool_]) -> Lists:
    kept = lists[there]
    counts = np.zeros(len(there), np.int64)
    counts[there] = kept.counts
    return Lists(counts, kept.values)


def read_level(
    name: str, table: Table, chosen: LevelColumns, where: str, like: Level | None = None
) -> Level:
    """The columns of a level.

    Args:
        name: truth or reco.
        table: with the columns.
        chosen: which.
        where: in the run file, for messages.
        like: a level whose sets are these too, if it has columns of the same names.

    Raises:
        InputError: if one is missing, or there is none.
    """
    if chosen.columns is None:
        sources = {
            column.removeprefix(chosen.prefix): column
            for column in table.columns
            if column.startswith(chosen.prefix) and column != chosen.prefix
        }
        flags = [key for key, column in sources.items() if _is_flag(table.columns[column])]
        sources = {key: column for key, column in sources.items() if key not in flags}
        if not sources:
            message = (
                f"{table.name}: no column begins with {chosen.prefix!r}; there are "
                f"{', '.join(list(table.columns)[:12]) or 'none'}; say which with {where}.columns"
            )
            raise InputError(message)
    else:
        pairs = [pair if isinstance(pair, tuple) else (pair, pair) for pair in chosen.columns]
        sources = {}
        for key, text in pairs:
            full = f"{chosen.prefix}{text}"
            known = full in table.columns and text not in table.columns
            sources[key.removeprefix(chosen.prefix)] = full if known else text
    return _gathered(name, table, sources, where, like)


def read_same(
    table: Table, like: Level, chosen: LevelColumns | None, where: str, names: Sequence[str]
) -> Level:
    """The reco columns of measured or background events, with the names of the simulation's.

    Args:
        table: with the columns.
        like: those of the simulation.
        chosen: which; None: called or written as in the simulation, or without prefix.
        where: in the run file, for messages.
        names: that are needed.

    Raises:
        InputError: if one is missing.
    """
    if chosen is not None:
        level = read_level("reco", table, chosen, f"{where}.reco", like)
    else:
        sources = {}
        for key in names:
            quantities = (
                [key] if key in like.dense else [list_name(key, q) for q in like.lists[key]]
            )
            for quantity in quantities:
                source = like.sources[quantity]
                plain = source not in table.columns and quantity in table.columns
                sources[quantity] = quantity if plain else source
                if not plain and source.isidentifier():
                    _need(table, source)
        level = _gathered("reco", table, sources, where, like)
    for key in names:
        if key not in level.names:
            hint = _hint(key, level.names)
            message = f"{table.name}: {where}: no reco column {key!r}{hint}{CHOICE}"
            raise InputError(message)
        if key in like.lists and tuple(level.lists.get(key, ())) != tuple(like.lists[key]):
            message = (
                f"{table.name}: {where}: the set {key!r} has the columns "
                f"{', '.join(level.lists.get(key, ())) or 'none'}; those of the simulation are "
                f"{', '.join(like.lists[key])}"
            )
            raise InputError(message)
    return level.only(names)


def _need(table: Table, column: str) -> None:
    try:
        table.column(column)
    except InputError as error:
        message = f"{error}{CHOICE}"
        raise InputError(message) from error


def _gathered(
    name: str, table: Table, sources: Mapping[str, str], where: str, like: Level | None
) -> Level:
    found = {key: table.columns.get(source) for key, source in sources.items()}
    dense = {
        key: quantity_of(table, sources[key], f"{where}.{key}")
        for key, column in found.items()
        if not isinstance(column, Lists)
    }
    of_sets = {key: column for key, column in found.items() if isinstance(column, Lists)}
    named = set_names(of_sets)
    if like is not None:
        # Lengths that agree by chance here make no other sets than there.
        named |= {
            list_name(group, quantity): (group, quantity)
            for group, quantities in like.lists.items()
            for quantity in quantities
        }
    lists: dict[str, dict[str, Lists]] = {}
    for key, column in of_sets.items():
        group, quantity = named[key]
        lists.setdefault(group, {})[quantity] = column
    for group, columns in lists.items():
        counts = [column.counts for column in columns.values()]
        if any(not np.array_equal(counts[0], other) for other in counts[1:]):
            row = next(
                int(np.nonzero(counts[0] != other)[0][0])
                for other in counts[1:]
                if not np.array_equal(counts[0], other)
            )
            message = (
                f"{table.place(row)}: the columns {', '.join(columns)} of the set {group!r} have "
                f"different lengths: {', '.join(str(c[row]) for c in counts)}"
            )
            raise InputError(message)
    return Level(name, dense, lists, sources)


def quantity_of(table: Table, text: str, where: str) -> Floats:
    """A column of numbers, or the value of an expression, `(n,)`.

    Raises:
        InputError: if a column is missing.
        ConfigurationError: if it is not an expression.
    """
    column = table.columns.get(text)
    if column is None:
        if text.isidentifier():
            table.column(text)  # says which columns there are
        return ColumnExpression(text, table, where).values().numpy()
    if isinstance(column, Lists):
        message = f"{table.name}: {where}: {text!r} is a column of lists, not of numbers"
        raise InputError(message)
    return column.astype(np.float64)


def flags_of(table: Table, text: str | None, usual: str, where: str) -> NDArray[np.bool_]:
    """Flags of the rows: a column, a condition, the usual column, or true everywhere, `(n,)`.

    Raises:
        InputError: if a column is missing or holds other numbers than 0 and 1.
        ConfigurationError: if it is no condition.
    """
    if text is None:
        if usual not in table.columns:
            return np.ones(table.length, np.bool_)
        text = usual
    column = table.columns.get(text)
    if column is None:
        if text.isidentifier():
            table.column(text)
        return ColumnExpression(text, table, where).holds().numpy()
    if isinstance(column, Lists):
        message = f"{table.name}: {where}: {text!r} is a column of lists, not of flags"
        raise InputError(message)
    strange = ~np.isin(column, (0, 1))
    if strange.any():
        row = int(np.nonzero(strange)[0][0])
        message = f"{table.place(row)}: {text} is {column[row]:g}; flags are 0 or 1"
        raise InputError(message)
    return column.astype(np.bool_)


def weights_of(
    table: Table, text: str | None, where: str, rows: NDArray[np.bool_] | None = None
) -> Floats:
    """Weights of the rows: an expression, the column weight, or 1, `(n,)`.

    Args:
        table: with the columns.
        text: the expression, or None.
        where: in the run file, for messages.
        rows: whose weights have to be finite, `(n,)`; all if None.

    Raises:
        InputError: if a column is missing, or a weight is not finite.
    """
    if text is None:
        if WEIGHT not in table.columns:
            return np.ones(table.length)
        text = WEIGHT
    weights = quantity_of(table, text, where)
    bad = ~np.isfinite(weights) & (True if rows is None else rows)
    if bad.any():
        row = int(np.nonzero(bad)[0][0])
        message = f"{table.place(row)}: weight {text} is {weights[row]:g}"
        raise InputError(message)
    return weights


def _is_flag(column: object) -> bool:
    return isinstance(column, np.ndarray) and column.dtype == np.bool_


def _hint(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known) or 'none'}"
