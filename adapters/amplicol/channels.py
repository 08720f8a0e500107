"""Channels of the phase space from tree diagrams: where their propagators lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from crosshook.adapters.amplicol.particles import MASSIVE, NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crosshook.adapters.amplicol.trees import End, Tree, Trees


class Propagator(NamedTuple):
    """One propagator of a channel.

    Attributes:
        legs: on one side of it: final ones only, or with the first beam.
        mass: in GeV.
        width: in GeV; 0 where it is exchanged or cannot be on its mass shell.
    """

    legs: tuple[int, ...]
    mass: float = 0.0
    width: float = 0.0


def stable_widths(processes: Iterable[Trees], parameters: Mapping[str, float]) -> dict[str, float]:
    """Widths that must be 0: of particles that are legs, and nowhere a resonance.

    A leg is stable. With a width in its propagators alone, |M|² depends on the frame.

    Args:
        processes: with their trees.
        parameters: of the model.
    """
    legs: set[int] = set()
    resonances: set[int] = set()
    for trees in processes:
        legs |= {abs(pdg) for pdg in trees.pdg}
        for tree in trees.all:
            for vertex in tree:
                if _resonant(trees, vertex.whole, parameters):
                    resonances.add(abs(vertex.whole.pdg))
    return {f"width_{kind}": 0.0 for kind in sorted(MASSIVE & (legs - resonances))}


def _resonant(trees: Trees, end: End, parameters: Mapping[str, float]) -> bool:
    """Whether a line can be on its mass shell: it cannot where the particle itself is behind it."""
    legs, pdg = end
    if legs & 2 or legs.bit_count() < 2:
        return False
    behind = [leg for leg in range(len(trees.pdg)) if legs >> leg & 1]
    least = sum(parameters.get(f"mass_{abs(trees.pdg[leg])}", 0.0) for leg in behind)
    return parameters.get(f"mass_{abs(pdg)}", 0.0) > least


def channels(
    processes: Iterable[Trees], parameters: Mapping[str, float]
) -> list[dict[str, object]]:
    """The channels of several processes, each once, as run files list them.

    Args:
        processes: with their trees.
        parameters: of the model: `mass_23`, `width_23` …
    """
    found: dict[frozenset[Propagator], str] = {}
    for trees in processes:
        for tree in trees.all:
            named = _propagators(trees, tree, parameters)
            found.setdefault(frozenset(named), " ".join(named.values()))
    result: list[dict[str, object]] = []
    counted: dict[str, int] = {}
    for lines, name in found.items():
        counted[name] = counted.get(name, 0) + 1
        number = f" ({counted[name]})" if counted[name] > 1 else ""
        listed = [_listed(line) for line in sorted(lines)]
        result.append({"name": f"{name or 'contact'}{number}", "propagators": listed})
    return result


def _propagators(
    trees: Trees, tree: Tree, parameters: Mapping[str, float]
) -> dict[Propagator, str]:
    """Propagators of a tree, and what each is called."""
    everything = range(len(trees.pdg))
    found = {}
    for vertex in tree:
        legs, pdg = vertex.whole
        if legs == trees.everything:
            continue
        kind = abs(pdg)
        mass = parameters.get(f"mass_{kind}", 0.0) if kind in MASSIVE else 0.0
        inside = tuple(leg for leg in everything if bool(legs >> leg & 1) != bool(legs & 2))
        if legs & 2:  # told by the legs on the side of the first beam
            line = Propagator(inside, mass)
        elif _resonant(trees, vertex.whole, parameters):
            line = Propagator(inside, mass, parameters[f"width_{kind}"])
        else:  # falls like 1/s above threshold
            line = Propagator(inside)
        name = NAME.get(kind, "").rstrip("+-")
        found[line] = f"{name}{''.join(map(str, inside))}"
    return dict(sorted(found.items()))


def _listed(line: Propagator) -> dict[str, object]:
    given: dict[str, object] = {"legs": list(line.legs)}
    if line.mass:
        given["mass"] = line.mass
    if line.width:
        given["width"] = line.width
    return given
