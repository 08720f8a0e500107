"""Columns out of HepMC events: particles in their order, statuses as HepMC has them.

Mothers are the first and the last particle that go into the production vertex. Positions of
vertices are not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crosshook.core.events.layout import IntArray

TRIALS: Final = ("NTrials", "EXTRA__NTrials")
"""Names under which Sherpa gives the number of points tried for an event among the weights."""
COLOURS: Final = {"flow1": "colour1", "flow2": "colour2"}
UNKNOWN_SPIN: Final = 9.0
MEV: Final = 1e-3
"""In GeV."""
EVENT_ATTRIBUTES: Final = {
    "signal_process_id": "process_id",
    "event_scale": "scale",
    "alphaQED": "alpha_qed",
    "alphaQCD": "alpha_qcd",
}
ABSENT: Final = {"process_id": 0.0, "scale": -1.0, "alpha_qed": -1.0, "alpha_qcd": -1.0}
"""What stands for a number the file does not give; as the Les Houches accord has it."""


def particle_columns(data: Any, in_gev: bool) -> dict[str, NDArray[np.generic]]:
    """Columns of one event's particles.

    Args:
        data: pyhepmc's `GenEventData`.
        in_gev: momenta are in GeV, otherwise in MeV.
    """
    particles = data.particles
    n = len(particles)
    unit = 1.0 if in_gev else MEV
    columns: dict[str, NDArray[np.generic]] = {
        name: particles[name] * unit for name in ("px", "py", "pz", "e")
    }
    square = particles["e"] ** 2 - sum(particles[name] ** 2 for name in ("px", "py", "pz"))
    own = np.sqrt(np.maximum(square, 0.0))
    columns["mass"] = np.where(particles["is_mass_set"], particles["mass"], own) * unit
    columns["pdg_id"], columns["status"] = particles["pid"], particles["status"]
    columns["mother1"], columns["mother2"] = _mothers(data, n)
    for name in COLOURS.values():
        columns[name] = np.zeros(n, np.int32)
    for place, name, text in zip(
        data.attribute_id, data.attribute_name, data.attribute_string, strict=True
    ):
        if name in COLOURS and place > 0:
            columns[COLOURS[name]][place - 1] = int(text)
    columns["lifetime"] = np.zeros(n)
    columns["spin"] = np.full(n, UNKNOWN_SPIN)
    return columns


def _mothers(data: Any, n: int) -> tuple[IntArray, IntArray]:
    """First and last mother of each particle, from 1; 0 for none, and for a second one alone.

    Links lead from a particle (> 0) to its end vertex (< 0), or from a vertex to a particle.
    """
    source, target = np.asarray(data.links1), np.asarray(data.links2)
    vertices = int(max(-source.min(initial=0), -target.min(initial=0))) + 1
    first = np.full(vertices, n + 1)
    last = np.zeros(vertices, np.int64)
    into = target < 0
    np.minimum.at(first, -target[into], source[into])
    np.maximum.at(last, -target[into], source[into])
    first[last == 0] = 0
    last[last == first] = 0
    vertex = np.zeros(n, np.int64)  # vertex 0 stands for none
    out = source < 0
    vertex[target[out] - 1] = -source[out]
    return first[vertex], last[vertex]


def event_numbers(data: Any) -> dict[str, float]:
    """Process, scale and couplings of an event, from its attributes."""
    numbers = dict(ABSENT)
    for place, name, text in zip(
        data.attribute_id, data.attribute_name, data.attribute_string, strict=True
    ):
        if place == 0 and name in EVENT_ATTRIBUTES:
            numbers[EVENT_ATTRIBUTES[name]] = float(text)
    return numbers
