"""Names and types of the columns every batch of events has, and how ragged rows are picked."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

EVENT_COLUMNS: Final[dict[str, type[np.generic]]] = {
    "process_id": np.int64,
    "weight": np.float64,
    "scale": np.float64,
    "alpha_qed": np.float64,
    "alpha_qcd": np.float64,
}
"""IDPRUP, XWGTUP (pb), SCALUP (GeV), AQEDUP, AQCDUP."""

OPTIONAL_EVENT_COLUMNS: Final[tuple[str, ...]] = ("trials", "mur2", "muf2")
"""Numbers some generators attach to the event tag. Absent scales (GeV²) are 0, which no event has."""

PARTICLE_COLUMNS: Final[dict[str, type[np.generic]]] = {
    "pdg_id": np.int64,
    "status": np.int32,
    "mother1": np.int32,
    "mother2": np.int32,
    "colour1": np.int32,
    "colour2": np.int32,
    "px": np.float64,
    "py": np.float64,
    "pz": np.float64,
    "e": np.float64,
    "mass": np.float64,
    "lifetime": np.float64,
    "spin": np.float64,
}
"""IDUP, ISTUP, MOTHUP (1-based, 0 for none), ICOLUP, PUP (GeV), VTIMUP (mm), SPINUP."""

MOMENTUM: Final[tuple[str, ...]] = ("e", "px", "py", "pz")
"""Order of the components in momentum tensors."""

RAW_COLUMNS: Final[tuple[str, ...]] = ("attributes", "extra", "before")
"""Text kept as it was read: further attributes of the event tag, lines inside the event that are
no column, and text between the end of the event before and this one."""


def offsets_of(counts: IntArray) -> IntArray:
    """Where each event's particles begin, and where the last one's end, `(n + 1,)`."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def ragged_rows(starts: IntArray, counts: IntArray) -> IntArray:
    """Rows of the particle columns that belong to events beginning at `starts`, in order."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    shift: IntArray = np.repeat(starts - (ends - counts), counts)
    return shift + np.arange(total, dtype=np.int64)
