"""Events of Pythia 8 as HepMC3 events, linked as Pythia's own converter links them."""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import Any, Final

MILLIBARN: Final = 1e9
"""In pb."""


def hepmc_event(hepmc: Any, pythia: Any, run_info: Any, number: int) -> Any:
    """The event that Pythia has just made.

    Particles with the same mothers come out of one vertex; a particle is an incoming one of the
    vertex of its first daughter.

    Args:
        hepmc: the module pyhepmc.
        pythia: the generator.
        run_info: of the file, shared by its events.
        number: of the event, from 0.
    """
    made = hepmc.GenEvent(hepmc.Units.GEV, hepmc.Units.MM)
    made.run_info = run_info
    made.event_number = number
    record = pythia.event
    particles: dict[int, Any] = {}
    for i in range(1, record.size()):  # entry 0 is the system
        entry = record[i]
        momentum = (entry.px(), entry.py(), entry.pz(), entry.e())
        particle = hepmc.GenParticle(momentum, entry.id(), entry.statusHepMC())
        particle.generated_mass = entry.m()
        particles[i] = particle
    for vertex in _vertices(hepmc, record, particles):
        made.add_vertex(vertex)
    info = pythia.infoPython()
    made.weights = [info.weight()]  # in pb where the events' own weights are
    made.attributes = {
        "signal_process_id": info.code(),
        "event_scale": info.QRen(),
        "alphaQCD": info.alphaS(),
        "alphaQED": info.alphaEM(),
    }
    # An attribute itself: setting the others afterwards would remove it.
    section = hepmc.GenCrossSection()
    made.cross_section = section
    section.set_cross_section(
        info.sigmaGen() * MILLIBARN, info.sigmaErr() * MILLIBARN, info.nAccepted(), info.nTried()
    )
    return made


def _vertices(hepmc: Any, record: Any, particles: dict[int, Any]) -> list[Any]:
    """The vertices, each behind those its incoming particles come from: readers rely on that."""
    vertices: list[Any] = []
    ends: dict[int, int] = {}
    begins: dict[int, int] = {}
    for i, particle in particles.items():
        entry = record[i]
        mothers = [m for m in entry.motherList() if m > 0]
        if not mothers:
            continue
        if mothers[0] not in ends:
            vertex = hepmc.GenVertex()
            if entry.hasVertex():
                vertex.position = (entry.xProd(), entry.yProd(), entry.zProd(), entry.tProd())
            for mother in mothers:
                if mother not in ends:
                    ends[mother] = len(vertices)
                    vertex.add_particle_in(particles[mother])
            vertices.append(vertex)
        begins[i] = ends[mothers[0]]
        vertices[begins[i]].add_particle_out(particle)
    before: dict[int, set[int]] = {number: set() for number in range(len(vertices))}
    for i, number in ends.items():
        if i in begins:
            before[number].add(begins[i])
    return [vertices[number] for number in TopologicalSorter(before).static_order()]


def run_information(hepmc: Any, version: str) -> Any:
    """What a file says of the programs that made it, and the name of the one weight."""
    info = hepmc.GenRunInfo()
    info.tools = [hepmc.GenRunInfo.ToolInfo("Pythia", version, "shower of events by crosshook")]
    info.weight_names = ["Weight"]
    return info
