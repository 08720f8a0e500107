"""What the PDG knows of an event's particles, through the particle package."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    import awkward as ak

    from crosshook.core.events.batch import EventBatch


def pdg_property(batch: EventBatch, name: str) -> ak.Array:
    """A property of `particle.Particle` for every particle; each id is looked up once.

    Args:
        batch: the events.
        name: e.g. `name`, `charge`, `mass` (MeV, as the package has it), `is_self_conjugate`.

    Returns:
        Jagged like `batch.particles`; None where the PDG does not know the id, or the value.

    Raises:
        ConfigurationError: if there is no such property.
    """
    import awkward as ak
    from particle import InvalidParticle, Particle, ParticleNotFound

    if name.startswith("_") or not hasattr(Particle, name):
        message = f"no property {name!r} of a particle; see particle.Particle, e.g. name, charge"
        raise ConfigurationError(message)
    ids, places = np.unique(batch.particle_columns["pdg_id"], return_inverse=True)
    values: list[object] = []
    for pdg_id in ids.tolist():
        try:
            value = getattr(Particle.from_pdgid(pdg_id), name)
        except (InvalidParticle, ParticleNotFound):
            value = None
        if callable(value):
            message = f"{name!r} of a particle is no property but a method"
            raise ConfigurationError(message)
        values.append(_plain(value))
    known = ak.Array(values)
    return ak.unflatten(known[places.ravel()], batch.counts)


def _plain(value: object) -> object:
    """The value as awkward arrays hold it: charges come as fractions, others as enumerations."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else str(value)
