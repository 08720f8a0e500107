"""Tables and columns of LHEH5 files, version 2, and where what they have no place for is kept.

A column of `events` that is none of these is a further weight. A number an event does not have is
NaN. `crosshook` is a group of our own with the run as JSON, exact scales and raw text.
"""

from __future__ import annotations

from typing import Final

INIT: Final = (
    "beamA",
    "beamB",
    "energyA",
    "energyB",
    "PDFgroupA",
    "PDFgroupB",
    "PDFsetA",
    "PDFsetB",
    "weightingStrategy",
    "numProcesses",
)
PROCESSES: Final = ("procId", "npLO", "npNLO", "xSection", "error", "unitWeight")
NOMINAL: Final = "NOMINAL"
EVENTS: Final = (
    "pid",
    "nparticles",
    "start",
    "trials",
    "scale",
    "fscale",
    "rscale",
    "aqed",
    "aqcd",
    NOMINAL,
)
PARTICLES: Final = {
    "pdg_id": "id",
    "status": "status",
    "mother1": "mother1",
    "mother2": "mother2",
    "colour1": "color1",
    "colour2": "color2",
    "px": "px",
    "py": "py",
    "pz": "pz",
    "e": "e",
    "mass": "m",
    "lifetime": "lifetime",
    "spin": "spin",
}
"""Our name and the file's of each particle column, in the file's order."""
VERSION: Final = (2, 0, 0)
COLUMNS: Final = "properties"
"""Attribute of a table with the names of its columns."""
OWN: Final = "crosshook"
"""Group with what LHEH5 has no place for."""
RUN: Final = "run"
"""The run as JSON in it, written last."""
INIT_TABLE: Final = "init"
PROCESS_TABLE: Final = "procInfo"
COUNTER_EVENTS: Final = "ctevents"
EVENT_TABLE: Final = "events"
PARTICLE_TABLE: Final = "particles"


def lengths_of(name: str) -> str:
    """The column with the lengths of the raw texts of a column."""
    return f"{name}_length"
