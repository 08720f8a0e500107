"""What a UMAMI library tells of itself, and the run-file fragment that follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from crosshook.adapters.umami.abi import Device, Meta
from crosshook.adapters.umami.handles import Handles
from crosshook.adapters.umami.library import Library
from crosshook.adapters.umami.source import torch_device
from crosshook.core.amplitudes.colour import possible_flows
from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from enum import IntEnum
    from pathlib import Path

UNTOLD = "not told"


@dataclass(frozen=True)
class InspectedLibrary:
    """An `Inspected` library; what it does not tell is None.

    Attributes:
        path: as given.
        card: it was initialised with.
        header: year of the header.
        device: where it computes.
        legs: external legs.
        diagrams: number of diagrams.
        helicities: number of helicities.
        colour_flows: number of colour flows.
        masses: of the legs in GeV.
        inputs: what it takes.
        required: what it must be given.
        outputs: what it gives.
    """

    path: str
    card: str
    header: str
    device: str
    legs: int | None
    diagrams: int | None
    helicities: int | None
    colour_flows: int | None
    masses: tuple[float, ...] | None
    inputs: tuple[str, ...] | None
    required: tuple[str, ...] | None
    outputs: tuple[str, ...] | None

    def facts(self) -> Mapping[str, str]:
        """For people, in order."""

        def shown(value: object) -> str:
            if isinstance(value, tuple):
                return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
            return UNTOLD if value is None else str(value)

        names = asdict(self)
        del names["path"]
        return {
            name.replace("_", " "): shown(value) for name, value in names.items() if value != ""
        }

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return asdict(self)

    def fragment(self, pdg: Sequence[int]) -> tuple[dict[str, object], tuple[str, ...]]:
        """The `process:` of a run file, and what is left to fill in.

        Raises:
            ConfigurationError: if the PDG ids are not as many as the legs.
        """
        if pdg and self.legs is not None and len(pdg) != self.legs:
            message = f"--pdg: {len(pdg)} ids, but {self.path} has {self.legs} legs"
            raise ConfigurationError(message)
        left = []
        entry: dict[str, object] = {"library": self.path}
        if self.card:
            entry["card"] = self.card
        entry["pdg"] = list(pdg)
        if self.inputs is None or "FLAVOR_INDEX" in self.inputs:
            entry["flavor_index"] = 0
        if not pdg:
            count = "the" if self.legs is None else str(self.legs)
            left.append(f"pdg: {count} PDG ids, incoming first (or give --pdg)")
        elif len(possible_flows(tuple(pdg), 2)) != 1:
            count = "the" if self.colour_flows is None else str(self.colour_flows)
            left.append(f"colour_flows: {count} flows of the legs, in the library's order")
        options: dict[str, object] = {"subprocesses": [entry]}
        if self.masses is not None:
            options["masses"] = [float(mass) for mass in self.masses]
        return {"umami": options}, tuple(left)


def inspect_library(path: Path, card: str = "") -> InspectedLibrary:
    """Loads a library, initialises it, and asks for everything it tells.

    Args:
        path: of the library.
        card: what it is initialised with.

    Raises:
        CrosshookError: if it cannot be used.
    """
    library = Library(path)
    if library.device() == Device.CPU:
        Handles(library, card).mine()  # some tell their numbers once they are initialised only
    else:
        torch_device(library)
    legs = library.meta(Meta.PARTICLE_COUNT)

    def names(keys: Iterable[IntEnum] | None) -> tuple[str, ...] | None:
        return None if keys is None else tuple(key.name for key in sorted(keys))

    return InspectedLibrary(
        path=str(path),
        card=card,
        header=library.generation,
        device=library.device().name,
        legs=legs,
        diagrams=library.meta(Meta.DIAGRAM_COUNT),
        helicities=library.meta(Meta.HELICITY_COUNT),
        colour_flows=library.meta(Meta.COLOR_COUNT),
        masses=library.masses(legs or 0),
        inputs=names(library.supported_inputs()),
        required=names(library.required_inputs()),
        outputs=names(library.supported_outputs()),
    )
