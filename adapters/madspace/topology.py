"""Propagators of a channel as madspace's diagrams: vertices joined by lines with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crosshook.core.phase_space.diagram import divided, sorted_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crosshook.core.phase_space.diagram import Line
    from crosshook.core.phase_space.restrictions import Restrictions

Legs = frozenset[int]


class Vertices:
    """The vertices of one diagram of 2 → j.

    Attributes:
        lines: mass and width of each propagator, in the order of their numbers.
        found: names of the lines that meet, one list for each vertex.
    """

    def __init__(self, lines: Iterable[Line], limits: Restrictions, where: str) -> None:
        """Joins the propagators of a channel.

        Raises:
            ConfigurationError: if they are not those of one diagram.
        """
        self.lines: list[tuple[float, float]] = []
        self.found: list[list[str]] = []
        self._pairs, exchanged = sorted_lines(lines, limits, 2, where)
        final = frozenset(range(2, 2 + len(limits.masses)))
        whole = self._pairs.pop(final, None)
        if not exchanged:
            total = self._new(whole)
            self.found += [["i0", "i1", total], [total, *self._within(final)]]
            return
        before, inner = "i0", frozenset[int]()
        for legs in sorted(exchanged, key=len):
            after = self._new(exchanged[legs])
            self.found.append([before, *self._within(legs - inner), after])
            before, inner = after, legs
        self.found.append([before, *self._within(final - inner), "i1"])

    def _new(self, line: Line | None) -> str:
        self.lines.append((line.mass, line.width) if line is not None else (0.0, 0.0))
        return f"p{len(self.lines) - 1}"

    def _within(self, legs: Legs) -> list[str]:
        """Lines that lead to some final legs, the vertices behind them added."""
        if legs in self._pairs:
            name = self._new(self._pairs.pop(legs))
            self.found.append([name, *self._within(legs)])
            return [name]
        if len(legs) == 1:
            (leg,) = legs
            return [f"o{leg - 2}"]
        parts = divided(legs, [p for p in self._pairs if p < legs])
        return [name for part in parts for name in self._within(part)]


def topology(madspace: Any, lines: Iterable[Line], limits: Restrictions, where: str) -> Any:
    """A `madspace.Topology` of a channel."""
    made = Vertices(lines, limits, where)
    diagram = madspace.Diagram(
        [0.0, 0.0],
        list(limits.masses),
        [madspace.Propagator(mass, width) for mass, width in made.lines],
        [[madspace.LineRef(name) for name in vertex] for vertex in made.found],
    )
    return madspace.Topology(diagram)
