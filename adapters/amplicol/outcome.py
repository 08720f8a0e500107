"""What pyAmpliCol says of the amplitudes it wrote: legs, orders, colour flows, parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.adapters.amplicol.generate import process_name
from crosshook.adapters.amplicol.vertices import outgoing
from crosshook.core.amplitudes.colour import FIRST_LINE, colour_ends
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.core.interfaces.matrix_element import ColourFlow


@dataclass(frozen=True)
class Outcome:
    """One generated process.

    Attributes:
        pdg: PDG ids of the legs, incoming first.
        strong_order: power of the strong coupling in the amplitude.
        words: legs along each colour string of each leading-colour flow, counted from 0; none where
            colours were summed.
    """

    pdg: tuple[int, ...]
    strong_order: int
    words: tuple[tuple[int, ...], ...]


def read_outcome(folder: Path, number: int) -> Outcome:
    """Reads process `number` of a directory pyAmpliCol wrote.

    Raises:
        InputError: if it is not there.
    """
    path = folder / "processes" / process_name(number) / "physics.json"
    try:
        physics = json.loads(path.read_text("utf-8"))
        return Outcome(
            tuple(int(leg["pdg"]) for leg in physics["external_particles"]),
            int(physics["extensions"]["normalization"]["qcd_coupling_power"]),
            tuple(
                tuple(int(leg) - 1 for leg in component["word"])
                for component in physics["color_components"]
                if component["kind"] == "lc-flow"
            ),
        )
    except (OSError, ValueError, KeyError) as error:
        message = f"{path}: not as pyAmpliCol 1.0 writes it: {error!r}"
        raise InputError(message) from error


def read_parameters(folder: Path) -> dict[str, float]:
    """Default values of the model's parameters: `mass_6`, `width_23`, `alpha_s` …

    Raises:
        InputError: if they are not there.
    """
    path = folder / "model" / "parameters.json"
    try:
        values = json.loads(path.read_text("utf-8"))["parameters"]
        return {name: float(real) for name, (real, _) in values.items()}
    except (OSError, ValueError, KeyError) as error:
        message = f"{path}: not as pyAmpliCol 1.0 writes it: {error!r}"
        raise InputError(message) from error


def flow_of(word: Sequence[int], pdg: tuple[int, ...]) -> ColourFlow:
    """The colour lines of a word such as quark, gluon, antiquark, or of gluons in a circle.

    Args:
        word: legs as outgoing, strings one after another; each begins with a quark and ends with an
            antiquark, or holds gluons only.
        pdg: of all legs, incoming first.
    """
    legs = outgoing(pdg, 2)
    strings: list[list[int]] = [[]]
    for leg in word:
        strings[-1].append(leg)
        if colour_ends(legs[leg]) == (False, True):
            strings.append([])
    lines = [[0, 0] for _ in pdg]
    number = FIRST_LINE
    for string in filter(None, strings):
        closed = colour_ends(legs[string[0]]) == (True, True)
        following = [*string[1:], string[0]] if closed else string[1:]
        for start, end in zip(string, following, strict=False):
            # an incoming colour ends where an outgoing one begins
            lines[start][1 if start < 2 else 0] = number
            lines[end][0 if end < 2 else 1] = number
            number += 1
    return tuple((line[0], line[1]) for line in lines)
