"""Names of particles; a number stands for what the PDG does not know."""

from __future__ import annotations


def particle_name(pdg_id: int, *, latex: bool = False) -> str:
    """The particle's name, as text or in LaTeX, or its number where the PDG has none."""
    from particle import InvalidParticle, Particle, ParticleNotFound

    try:
        known = Particle.from_pdgid(pdg_id)
    except (InvalidParticle, ParticleNotFound):
        return str(pdg_id)
    return str(known.latex_name if latex else known.name)
