"""The process component `umami`: subprocesses out of UMAMI libraries, in one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosshook.adapters.madspace.space import space_maker
from crosshook.adapters.umami.abi import Meta
from crosshook.adapters.umami.handles import Handles
from crosshook.adapters.umami.library import Library
from crosshook.adapters.umami.source import UmamiSource, torch_device
from crosshook.core.amplitudes.description import (
    assemble,
    contributions_of,
    incoming_count,
    leg_masses,
)
from crosshook.core.amplitudes.options import ProcessOptions
from crosshook.core.errors import ConfigurationError
from crosshook.core.process.self_test import generic_points

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.amplitudes.assembled import AssembledProcess
    from crosshook.core.amplitudes.options import Plain
    from crosshook.core.context import BuildContext

WHERE = "process.umami"
PROBE_ENERGY = 1000.0
"""√ŝ in GeV of the point by which an old library is asked what it takes, or above the masses."""


def make_umami(
    context: BuildContext,
    *,
    subprocesses: list[Plain],
    parameters: Mapping[str, float],
    masses: list[float],
    channels: list[Plain],
    fall: float,
    initial: str,
    resonances: list[Plain],
    reference: list[Plain],
    alpha_qed: float,
    phase_space: str,
    name: str,
) -> AssembledProcess:
    """Builds a process out of UMAMI libraries.

    Args:
        context: gives the device.
        subprocesses: libraries with the flavours they stand for.
        parameters: model parameters to set in each library.
        masses: of the legs in GeV; those of the libraries if left out.
        channels: of the phase space, by their propagators.
        fall: power of ŝ out of hadrons.
        initial: what collides, or a decay.
        resonances: intermediate particles to write.
        reference: stored |M|² to compare with.
        alpha_qed: written with the events.
        phase_space: whose maps, `crosshook` or `madspace`.
        name: for people.

    Raises:
        ConfigurationError: if what is said does not fit the libraries.
        InputError: if a library cannot be used.
        NumericalError: if its amplitudes fail the self-test.
    """
    n_in = incoming_count(initial)
    sources: dict[tuple[str, str, int | None], UmamiSource] = {}
    chosen = []
    for number, given in enumerate(subprocesses):
        key = (
            str(given["library"]),
            str(given.get("card", "")),
            cast("int | None", given.get("helicity")),
        )
        if key not in sources:
            place = f"{WHERE}.subprocesses[{number}]"
            pdg = cast("list[int]", given["pdg"])
            sources[key] = _source(key, pdg, n_in, masses, parameters, place)
        chosen.append(sources[key])
    contributions = contributions_of(subprocesses, chosen, n_in, WHERE)
    told = next((s.masses for s in chosen if s.masses is not None), None)
    options = ProcessOptions(
        masses=masses,
        channels=channels,
        fall=fall,
        initial=initial,
        resonances=resonances,
        reference=reference,
        alpha_qed=alpha_qed,
        name=name,
        maker=space_maker(phase_space),
    )
    return assemble(contributions, options, told, context.torch_device, WHERE)


def _source(
    key: tuple[str, str, int | None],
    pdg: list[int],
    n_in: int,
    masses: list[float],
    parameters: Mapping[str, float],
    place: str,
) -> UmamiSource:
    path, card, helicity = key
    library = Library(Path(path))
    torch_device(library)  # before anything of a GPU's library runs
    handles = Handles(library, card, {k: float(v) for k, v in parameters.items()})
    handles.mine()  # some libraries tell their numbers once they are initialised only
    legs = library.meta(Meta.PARTICLE_COUNT)
    if legs is not None and legs != len(pdg):
        message = f"{place}.pdg: {len(pdg)} legs, but {path} has {legs}"
        raise ConfigurationError(message)
    told = library.masses(len(pdg)) if legs is not None else None
    own = leg_masses(pdg, masses, told, place)
    energy = own[0] if n_in == 1 else max(PROBE_ENERGY, 4 * sum(own))
    probe = generic_points(own, energy, n_in, torch_device(library))[:1]
    return UmamiSource(handles, probe, helicity)
