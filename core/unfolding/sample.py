"""Files to what unfolders take: simulated, measured and background events, checked row by row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.unfolder import Measured, Simulation
from crosshook.core.unfolding.checks import check_inputs
from crosshook.core.unfolding.inputs import Inputs
from crosshook.core.unfolding.levels import (
    PASS_RECO,
    PASS_TRUTH,
    WEIGHTS,
    Level,
    flags_of,
    list_name,
    read_level,
    read_same,
    weights_of,
)
from crosshook.core.unfolding.tables import read_table
from crosshook.core.unfolding.truth_files import paired

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from crosshook.core.unfolding.run_file import EventFiles, UnfoldConfig
    from crosshook.core.unfolding.tables import Table

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


LARGEST = 1e150
"""Values have to stay below, so that their squares are numbers too."""


@dataclass(frozen=True)
class Sample:
    """Events of a run.

    Attributes:
        inputs: what the unfolder is fitted to.
        truth: all truth columns of the simulation, those not unfolded too; rows that have truth.
        systematics: other weights of the simulation by name, `(n,)`.
        notes: for the report.
    """

    inputs: Inputs
    truth: Level
    systematics: Mapping[str, torch.Tensor]
    notes: tuple[str, ...]


def read_sample(config: UnfoldConfig) -> Sample:
    """Reads and checks all events of a run.

    Raises:
        CrosshookError: naming file, row and column of what is wrong.
    """
    simulated = _simulated(config)
    _refuse_names_of_weights(config, simulated.truth)
    truth_names, reco_names = _unfolded(config, simulated)
    truth, reco = simulated.truth.only(truth_names), simulated.reco.only(reco_names)
    has_truth, has_reco = simulated.has_truth, simulated.has_reco
    check_finite(truth, has_truth, simulated.place, PASS_TRUTH)
    check_finite(reco, has_reco, simulated.place, PASS_RECO)
    simulation = Simulation(
        truth.features(config.units, has_truth),
        reco.features(config.units, has_reco),
        torch.from_numpy(simulated.weight),
        torch.from_numpy(has_truth),
        torch.from_numpy(has_reco),
    )
    measured = _measured(config, config.measured, simulated.reco, reco_names)
    background = None
    if config.background is not None:
        background = _measured(config, config.background, simulated.reco, reco_names)
    inputs = Inputs(simulation, measured, background)
    notes = (*simulated.notes, *check_inputs(inputs))
    systematics = {name: torch.from_numpy(w) for name, w in simulated.systematics.items()}
    return Sample(inputs, rows_of(simulated.truth, has_truth), systematics, notes)


@dataclass(frozen=True)
class _Simulated:
    """Simulated events before a choice of columns.

    Attributes:
        truth: every column.
        reco: every column.
        weight: `(n,)`.
        has_truth: `(n,)`.
        has_reco: `(n,)`.
        systematics: weights by name.
        place: says where a row comes from.
        notes: for the report.
    """

    truth: Level
    reco: Level
    weight: Floats
    has_truth: Flags
    has_reco: Flags
    systematics: Mapping[str, Floats]
    place: Callable[[int], str]
    notes: tuple[str, ...] = ()


def _simulated(config: UnfoldConfig) -> _Simulated:
    files = config.simulation
    table = read_table(files.events.files, files.events.tree)
    _refuse_empty(table, "simulation")
    if files.truth_file is not None:
        made = paired(table, files, config.systematics)
        return _Simulated(
            made.truth,
            made.reco,
            made.weight,
            made.has_truth,
            made.has_reco,
            made.systematics,
            made.place,
            made.notes,
        )
    has_truth = flags_of(table, files.pass_truth, PASS_TRUTH, "simulation.pass_truth")
    has_reco = flags_of(table, files.events.pass_reco, PASS_RECO, "simulation.pass_reco")
    chosen = flags_of(table, files.events.selection, "", "simulation.selection")
    kept = chosen & (has_truth | has_reco)
    notes: tuple[str, ...] = ()
    outside = int((chosen & ~kept).sum())
    if outside:
        notes = (f"{outside} simulated events have neither truth nor reconstruction: left out",)
    rows = np.nonzero(kept)[0]
    truth = read_level("truth", table, files.truth, "simulation.truth")
    assert files.events.reco is not None
    reco = read_level("reco", table, files.events.reco, "simulation.reco")
    weight = weights_of(table, files.events.weight, "simulation.weight", kept)
    both = kept & has_truth & has_reco
    systematics = {}
    for name, text in config.systematics:
        varied = weights_of(table, text, f"systematics.{name}", both)
        # What depends on a level that an event does not have leaves it as it is.
        unknown = kept & ~np.isfinite(varied)
        systematics[name] = np.where(unknown, weight, varied)
        if unknown.any():
            notes += (
                (
                    f"systematic {name}: {int(unknown.sum())} events without truth or reconstruction "
                    "have no such weight and keep theirs"
                ),
            )
    return _Simulated(
        rows_of(truth, kept),
        rows_of(reco, kept),
        weight[kept],
        has_truth[kept],
        has_reco[kept],
        {name: values[kept] for name, values in systematics.items()},
        lambda row: table.place(int(rows[row])),
        notes,
    )


def _unfolded(
    config: UnfoldConfig, simulated: _Simulated
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names at truth and reco level that are unfolded."""
    levels = (simulated.truth, simulated.reco)
    wanted = config.observables
    if wanted is None:
        return levels[0].names, levels[1].names
    known = list(dict.fromkeys((*levels[0].names, *levels[1].names)))
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            message = f"{config.where}: observables: no column {name!r} at either level; {hint}"
            raise ConfigurationError(message)
    truth, reco = (tuple(name for name in wanted if name in level.names) for level in levels)
    for names, level in ((truth, levels[0]), (reco, levels[1])):
        if not names:
            message = (
                f"{config.where}: observables: none of {', '.join(wanted)} is a {level.name} column; "
                f"there are {', '.join(level.names)}"
            )
            raise ConfigurationError(message)
    return truth, reco


def _refuse_names_of_weights(config: UnfoldConfig, truth: Level) -> None:
    """All truth columns are written beside those of weights."""
    lists = (list_name(group, name) for group, some in truth.lists.items() for name in some)
    for name in (*truth.dense, *lists):
        if name.startswith(WEIGHTS):
            message = (
                f"{config.where}: simulation.truth: the column {truth.sources.get(name, name)!r} would "
                f"be written as {name!r}, and names with {WEIGHTS!r} are those of weights; choose "
                "columns and their names with simulation.truth.columns"
            )
            raise InputError(message)


def _measured(
    config: UnfoldConfig, files: EventFiles, like: Level, names: tuple[str, ...]
) -> Measured:
    table = read_table(files.files, files.tree)
    _refuse_empty(table, files.kind)
    level = read_same(table, like, files.reco, files.kind, names)
    kept = flags_of(table, files.pass_reco, PASS_RECO, f"{files.kind}.pass_reco")
    kept = kept & flags_of(table, files.selection, "", f"{files.kind}.selection")
    rows = np.nonzero(kept)[0]
    weight = weights_of(table, files.weight, f"{files.kind}.weight", kept)[kept] * files.scale
    level = rows_of(level, kept)
    everywhere = np.ones(len(rows), np.bool_)
    check_finite(level, everywhere, lambda row: table.place(int(rows[row])), PASS_RECO)
    return Measured(level.features(config.units, everywhere), torch.from_numpy(weight))


def rows_of(level: Level, kept: Flags) -> Level:
    """The rows of a level where a mask is true."""
    return replace(
        level,
        dense={name: values[kept] for name, values in level.dense.items()},
        lists={
            group: {name: lists[kept] for name, lists in columns.items()}
            for group, columns in level.lists.items()
        },
    )


def check_finite(level: Level, there: Flags, place: Callable[[int], str], flag: str) -> None:
    """Refuses NaN, infinity and what has no square where a row has the level.

    Raises:
        InputError: naming file, row and column.
    """
    for name, values in level.dense.items():
        bad = there & ~(np.abs(values) < LARGEST)
        if bad.any():
            row = int(np.nonzero(bad)[0][0])
            raise InputError(_not_finite(level, name, values[row], place(row), flag))
    for group, columns in level.lists.items():
        for name, lists in columns.items():
            owner = np.repeat(np.arange(len(there)), lists.counts)
            wrong = ~(np.abs(lists.values) < LARGEST) & there[owner]
            if wrong.any():
                first = int(np.nonzero(wrong)[0][0])
                row, value = int(owner[first]), lists.values[first]
                raise InputError(
                    _not_finite(level, list_name(group, name), value, place(row), flag)
                )


def _not_finite(level: Level, name: str, value: float, place: str, flag: str) -> str:
    source = level.sources.get(name, name)
    if np.isfinite(value):
        return f"{place}: {source} is {value:g}: too large to compute with"
    return f"{place}: {source} is {value:g}; events without {level.name} need {flag} = false"


def _refuse_empty(table: Table, kind: str) -> None:
    if table.length == 0:
        message = f"{table.name}: {kind}: no events"
        raise InputError(message)
