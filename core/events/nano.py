"""Events under NanoAOD-like names, as columnar files hold them.

Flat columns are `(n,)`; jagged ones have one list an event. Names follow CMS's NanoAOD where it
has one. Mothers are 1-based as in LHE files. Further weights are jagged with their column beside
them, because an event need not have them all; raw text is bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import RAW_COLUMNS, offsets_of
from crosshook.core.events.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from crosshook.core.events.layout import BoolArray, FloatArray, IntArray
    from crosshook.core.events.run_info import RunInfo

EVENT_NAMES: Final[dict[str, str]] = {
    "process_id": "LHE_ProcessId",
    "weight": "LHEWeight_originalXWGTUP",
    "scale": "LHE_Scale",
    "alpha_qed": "LHE_AlphaQED",
    "alpha_qcd": "LHE_AlphaS",
    "trials": "LHE_Trials",
    "mur2": "LHE_MuR2",
    "muf2": "LHE_MuF2",
}
PARTICLE_NAMES: Final[dict[str, str]] = {
    "pdg_id": "LHEPart_pdgId",
    "status": "LHEPart_status",
    "mother1": "LHEPart_mother1",
    "mother2": "LHEPart_mother2",
    "colour1": "LHEPart_colour1",
    "colour2": "LHEPart_colour2",
    "px": "LHEPart_px",
    "py": "LHEPart_py",
    "pz": "LHEPart_pz",
    "e": "LHEPart_energy",
    "mass": "LHEPart_mass",
    "lifetime": "LHEPart_lifetime",
    "spin": "LHEPart_spin",
}
RAW_NAMES: Final = {name: f"LHEText_{name}" for name in RAW_COLUMNS}
WEIGHT: Final = "genWeight"
"""The nominal weight again, under the name analyses look for."""
FURTHER_WEIGHTS: Final = "LHEReweightingWeight"
FURTHER_COLUMNS: Final = "LHEReweightingColumn"


class Jagged(NamedTuple):
    """Lists of numbers, one an event.

    Attributes:
        offsets: where each list begins and the last one ends, `(n + 1,)`.
        content: all lists, one after another.
    """

    offsets: IntArray
    content: NDArray[np.generic]


NanoColumns = dict[str, "NDArray[np.generic] | Jagged"]


def to_nano(batch: EventBatch) -> NanoColumns:
    """The batch under its names in columnar files; every batch of a file has the same ones."""
    columns: NanoColumns = {EVENT_NAMES[name]: column for name, column in batch.event.items()}
    columns[WEIGHT] = batch.event["weight"]
    for name, column in batch.particle_columns.items():
        columns[PARTICLE_NAMES[name]] = Jagged(batch.offsets, np.ascontiguousarray(column))
    present = np.ones(batch.weights.shape, np.bool_) if batch.present is None else batch.present
    offsets = offsets_of(present.sum(axis=1, dtype=np.int64))
    which = np.broadcast_to(np.arange(present.shape[1], dtype=np.int32), present.shape)
    columns[FURTHER_WEIGHTS] = Jagged(offsets, batch.weights[present])
    columns[FURTHER_COLUMNS] = Jagged(offsets, which[present])
    for name, column_name in RAW_NAMES.items():
        texts = batch.raw.get(name, Texts.empty(len(batch))).packed()
        columns[column_name] = Jagged(texts.offsets, texts.content)
    return columns


def nano_names(names: Iterable[str]) -> list[str]:
    """Those of a file's columns that events are made of.

    Raises:
        InputError: if one that every event needs is missing.
    """
    have = set(names)
    optional = {"LHE_Trials", "LHE_MuR2", "LHE_MuF2", *RAW_NAMES.values()}
    known = [*EVENT_NAMES.values(), *PARTICLE_NAMES.values(), *RAW_NAMES.values()]
    known += [FURTHER_WEIGHTS, FURTHER_COLUMNS]
    missing = [name for name in known if name not in have and name not in optional]
    if missing:
        message = f"no column {', '.join(missing)}"
        raise InputError(message)
    return [name for name in known if name in have]


def from_nano(columns: Mapping[str, NDArray[np.generic] | Jagged], info: RunInfo) -> EventBatch:
    """A batch out of the columns of a file.

    Args:
        columns: as `to_nano` gave them; `genWeight` is not needed.
        info: the run.

    Raises:
        InputError: if the columns do not fit together.
    """
    particles = {name: _jagged(columns, PARTICLE_NAMES[name]) for name in PARTICLE_NAMES}
    offsets = particles["pdg_id"].offsets
    weights, which = _jagged(columns, FURTHER_WEIGHTS), _jagged(columns, FURTHER_COLUMNS)
    shape = (len(offsets) - 1, len(info.weights))
    table, present = _table(weights, which, shape)
    raw = {}
    for name, column_name in RAW_NAMES.items():
        text = _jagged(columns, column_name) if column_name in columns else None
        if text is not None and len(text.content):
            raw[name] = Texts(np.asarray(text.content, np.uint8), text.offsets)
    event = {name: columns[c] for name, c in EVENT_NAMES.items() if c in columns}
    return EventBatch.from_columns(
        info,
        np.diff(offsets),
        {name: column for name, column in event.items() if not isinstance(column, Jagged)},
        {name: column.content for name, column in particles.items()},
        table,
        present,
        raw,
    )


def _table(
    weights: Jagged, which: Jagged, shape: tuple[int, int]
) -> tuple[FloatArray, BoolArray | None]:
    """Further weights and their presence, `shape`; None if every event has all, as most files do."""
    if len(weights.content) == shape[0] * shape[1] and np.array_equal(
        which.content.reshape(shape), np.broadcast_to(np.arange(shape[1]), shape)
    ):
        return np.asarray(weights.content, np.float64).reshape(shape), None
    table, present = np.zeros(shape), np.zeros(shape, np.bool_)
    rows = np.repeat(np.arange(shape[0]), np.diff(weights.offsets))
    places = (rows, which.content.astype(np.int64))
    table[places] = weights.content
    present[places] = True
    return table, present


def _jagged(columns: Mapping[str, NDArray[np.generic] | Jagged], name: str) -> Jagged:
    column = columns[name]
    if isinstance(column, Jagged):
        return column
    message = f"column {name} has one number an event; lists expected"
    raise InputError(message)
