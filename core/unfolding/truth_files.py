"""Truth in files of its own, e.g. partons of an LHE file, paired with reconstructed events by number.

Every truth event is a row; those without a reconstructed event are missed. Reconstructed events
that belong to none (a number below 0) are fakes and stand at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.event_expression import EventExpression
from crosshook.core.events.files import open_events
from crosshook.core.unfolding.levels import (
    PASS_RECO,
    Level,
    flags_of,
    quantity_of,
    read_level,
    weights_of,
)
from crosshook.core.unfolding.tables import Lists, is_table, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from crosshook.core.unfolding.run_file import SimulationFiles, TruthFile
    from crosshook.core.unfolding.tables import Table

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

OWN_WEIGHT = "weight"
"""Expression of an event's own weight."""


@dataclass(frozen=True)
class Paired:
    """Both levels as one table; attributes as of the simulated events of a run."""

    truth: Level
    reco: Level
    weight: Floats
    has_truth: Flags
    has_reco: Flags
    systematics: Mapping[str, Floats]
    place: Callable[[int], str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Truth:
    """Truth events.

    Attributes:
        name: of the files.
        columns: `(n,)` each.
        weight: `(n,)`.
        passed: which are in the fiducial region, `(n,)`.
        systematics: other weights by name, `(n,)`.
    """

    name: str
    columns: Mapping[str, Floats]
    weight: Floats
    passed: Flags
    systematics: Mapping[str, Floats]


def paired(table: Table, files: SimulationFiles, systematics: Sequence[tuple[str, str]]) -> Paired:
    """Pairs reconstructed events with their truth.

    Args:
        table: reconstructed events.
        files: what the run file says.
        systematics: name and expression, over the truth events, of other weights.

    Raises:
        InputError: if a number has no event, or two reconstructed events have one number.
    """
    own = files.truth_file
    assert own is not None
    assert files.events.reco is not None
    truth = _read(own, files, systematics)
    number, known = _numbers(table, own.event, len(truth.weight), truth.name)
    has_reco_row = flags_of(table, files.events.pass_reco, PASS_RECO, "simulation.pass_reco")
    taken, fake = has_reco_row & known, has_reco_row & ~known
    n, extra = len(truth.weight), int(fake.sum())
    reco = read_level("reco", table, files.events.reco, "simulation.reco")
    source = np.full(n + extra, -1, np.int64)
    source[number[taken]] = np.nonzero(taken)[0]
    source[n:] = np.nonzero(fake)[0]
    has_reco = source >= 0
    has_truth = np.concatenate([truth.passed, np.zeros(extra, np.bool_)])
    kept = has_truth | has_reco
    reco_weight = weights_of(table, files.events.weight, "simulation.weight") if extra else None

    def extended(values: Floats) -> Floats:
        tail = np.zeros(extra) if reco_weight is None else reco_weight[fake]
        return np.concatenate([values, tail])

    def place(row: int) -> str:
        whole = int(np.nonzero(kept)[0][row])
        return (
            table.place(int(source[whole])) if has_reco[whole] else f"{truth.name}: event {whole}"
        )

    weight = extended(truth.weight)[kept]
    if not np.isfinite(weight).all():
        row = int(np.nonzero(~np.isfinite(weight))[0][0])
        message = f"{place(row)}: weight is {weight[row]:g}"
        raise InputError(message)
    notes = (
        f"{truth.name}: {n} truth events, {int(truth.passed.sum())} of them in the fiducial region",
    )
    return Paired(
        Level(
            "truth",
            {name: _longer(values, extra)[kept] for name, values in truth.columns.items()},
            {},
            {name: name for name in truth.columns},
        ),
        _placed(reco, source[kept]),
        weight,
        has_truth[kept],
        has_reco[kept],
        {name: extended(values)[kept] for name, values in truth.systematics.items()},
        place,
        notes,
    )


def _numbers(
    table: Table, column: str, events: int, truth: str
) -> tuple[NDArray[np.int64], Flags]:
    """Number of each row's truth event, and whether it has one."""
    values = quantity_of(table, column, "simulation.truth.event")
    whole = np.isfinite(values) & (values == np.round(values))
    wrong = ~whole | (values >= events)
    if wrong.any():
        row = int(np.nonzero(wrong)[0][0])
        message = (
            f"{table.place(row)}: {column} is {values[row]:g}; {truth} has the events 0 to "
            f"{events - 1}, and rows without truth have a number below 0"
        )
        raise InputError(message)
    number = values.astype(np.int64)
    known = number >= 0
    _, first, count = np.unique(number[known], return_index=True, return_counts=True)
    if (count > 1).any():
        row = int(np.nonzero(known)[0][first[count > 1][0]])
        message = f"{table.place(row)}: {column} {number[row]} is there twice"
        raise InputError(message)
    return number, known


def _placed(level: Level, source: NDArray[np.int64]) -> Level:
    """Rows of a level by number; -1 for a row that has none (NaN, an empty list)."""
    there = source >= 0
    dense = {}
    for name, values in level.dense.items():
        dense[name] = np.full(len(source), np.nan)
        dense[name][there] = values[source[there]]
    lists: dict[str, dict[str, Lists]] = {}
    for group, columns in level.lists.items():
        lists[group] = {}
        for name, column in columns.items():
            first = np.cumsum(column.counts) - column.counts
            counts = np.where(there, column.counts[source], 0)
            begin = np.where(there, first[source], 0)
            inner = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            lists[group][name] = Lists(counts, column.values[np.repeat(begin, counts) + inner])
    return Level(level.name, dense, lists, level.sources)


def _longer(values: Floats, extra: int) -> Floats:
    return np.concatenate([values, np.full(extra, np.nan)])


def _read(
    own: TruthFile, files: SimulationFiles, systematics: Sequence[tuple[str, str]]
) -> _Truth:
    columns = files.truth.columns
    assert columns is not None
    pairs = [pair if isinstance(pair, tuple) else (pair, pair) for pair in columns]
    if is_table(own.files[0]):
        table = read_table(own.files, own.tree)
        level = read_level("truth", table, files.truth, "simulation.truth")
        if level.lists:
            message = f"{table.name}: sets of truth need the rows of simulation.file"
            raise ConfigurationError(message)
        return _Truth(
            table.name,
            level.dense,
            weights_of(table, own.weight, "simulation.truth.weight"),
            flags_of(table, files.pass_truth, "pass_truth", "simulation.pass_truth"),
            {name: weights_of(table, text, f"systematics.{name}") for name, text in systematics},
        )
    return _of_events(own, pairs, files.pass_truth, systematics)


def _of_events(
    own: TruthFile,
    pairs: Sequence[tuple[str, str]],
    condition: str | None,
    systematics: Sequence[tuple[str, str]],
) -> _Truth:
    """Quantities of the events of event files."""
    with open_events(own.files) as opened:
        info = opened.info
        quantities = {
            name: EventExpression.quantity(text, info, f"simulation.truth.columns.{name}")
            for name, text in pairs
        }
        weights = {
            "": EventExpression.quantity(
                own.weight or OWN_WEIGHT, info, "simulation.truth.weight"
            ),
            **{
                name: EventExpression.quantity(text, info, f"systematics.{name}")
                for name, text in systematics
            },
        }
        passes = None
        if condition is not None:
            passes = EventExpression.condition(condition, info, "simulation.pass_truth")
        found: dict[str, list[Floats]] = {name: [] for name in quantities}
        weighed: dict[str, list[Floats]] = {name: [] for name in weights}
        passed: list[Flags] = []
        for batch in opened:
            for name, expression in quantities.items():
                found[name].append(expression.values(batch))
            for name, expression in weights.items():
                weighed[name].append(expression.values(batch))
            passed.append(np.ones(len(batch), np.bool_) if passes is None else passes.holds(batch))
    if not passed:
        message = f"{own.files[0]}: no events"
        raise InputError(message)
    joined = {name: np.concatenate(parts) for name, parts in weighed.items()}
    return _Truth(
        str(own.files[0]) + (", ..." if len(own.files) > 1 else ""),
        {name: np.concatenate(parts) for name, parts in found.items()},
        joined.pop(""),
        np.concatenate(passed),
        joined,
    )
