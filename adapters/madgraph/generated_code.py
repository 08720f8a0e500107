"""Processes and diagrams as MadGraph's generated code has them, whatever output it was written for.

The code evaluates every diagram by calls of HELAS kind: external wavefunctions, internal ones made of
others, with their mass and width, and amplitudes that join them. The external legs that a wavefunction
is made of are one side of a propagator; so a diagram's propagators are read off its calls.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTINUED = re.compile(r"\n {5}[^ 0\n]\s*")
"""A line of fixed-form Fortran that continues."""

PROCESS = re.compile(r"^[\WC]*Process:\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE)
DECAY = re.compile(r"^[\WC]*Decay:", re.MULTILINE | re.IGNORECASE)
NUMBER = re.compile(r"diagram number\s+(\d+)", re.IGNORECASE)
CALL = re.compile(r"\b(?P<name>\w+)\s*(?:<[^<>;]*>)?\s*\((?P<arguments>[^;\n]*)\)\s*(?:;|\n|$)")
EXTERNAL = re.compile(r"^[ivost](?:xx|pz|mz|xz)xxx$", re.IGNORECASE)
INTERNAL = re.compile(r"_[1-9]\d*$")
AMPLITUDE = re.compile(r"_0$")
WAVE = re.compile(r"^w(?:_fp)?\s*[\[(]\s*(?:1\s*,\s*)?(\d+)\s*[\])]$", re.IGNORECASE)
LEG = re.compile(r"^p\(0\s*,\s*(?P<fortran>\d+)\)$|^p\[perm\[(?P<cpp>\d+)\]\]$", re.IGNORECASE)
TABLE = re.compile(r"\btIPD\[\w+\]\s*=\s*\{([^}]*)\}")
ENTRY = re.compile(r"^cIPD\[(\d+)\]$")
ORDERS = re.compile(r"\s(?:\w+\s*[<>=]+\s*\d+|@\d+)")


@dataclass(frozen=True)
class CodeLine:
    """A propagator.

    Attributes:
        legs: on one side of it, counted from 0.
        mass: as the code names it.
        width: likewise.
    """

    legs: frozenset[int]
    mass: str
    width: str


@dataclass(frozen=True)
class Diagram:
    """A diagram.

    Attributes:
        number: in the code, from 1.
        lines: its propagators.
    """

    number: int
    lines: tuple[CodeLine, ...]


@dataclass(frozen=True)
class GeneratedCode:
    """What the code of one matrix element tells.

    Attributes:
        path: of the file.
        processes: as `g g > t t~`, all with this |M|².
        decays: particles of the processes decay further, which the processes do not show.
        legs: external legs; 0 if there are no calls to read.
        diagrams: all of them.
    """

    path: Path
    processes: tuple[str, ...]
    decays: bool
    legs: int
    diagrams: tuple[Diagram, ...]


def read_generated_code(path: Path) -> GeneratedCode:
    """Reads `matrix.f`, `matrix1.f` or `CPPProcess.cc`.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise InputError(message) from error
    if path.suffix == ".f":
        text = CONTINUED.sub("", text)
    processes = dict.fromkeys(ORDERS.split(found)[0].strip() for found in PROCESS.findall(text))
    table = TABLE.search(text)
    entries = [e.split(")")[-1].strip() for e in table[1].split(",")] if table else []
    reader = _Reader(entries)
    reader.read(text)
    return GeneratedCode(
        path, tuple(processes), bool(DECAY.search(text)), reader.legs, tuple(reader.diagrams())
    )


class _Reader:
    """Follows the wavefunctions through the calls."""

    def __init__(self, entries: list[str]) -> None:
        self.entries = entries
        self.waves: dict[int, tuple[frozenset[int], frozenset[CodeLine]]] = {}
        self.legs = 0
        self.number = 0
        self.found: dict[int, frozenset[CodeLine]] = {}

    def read(self, text: str) -> None:
        """Reads all calls in order."""
        for line in text.splitlines():
            if (number := NUMBER.search(line)) is not None:
                self.number = int(number[1])
                continue
            if (call := CALL.search(line)) is not None:
                self._call(call["name"], list(_arguments(call["arguments"])))

    def diagrams(self) -> Iterator[Diagram]:
        """All diagrams, their propagators in order."""
        for number, lines in sorted(self.found.items()):
            yield Diagram(number, tuple(sorted(lines, key=lambda line: sorted(line.legs))))

    def _call(self, name: str, arguments: list[str]) -> None:
        waves = [int(wave[1]) for a in arguments if (wave := WAVE.match(a))]
        if EXTERNAL.match(name) and len(waves) == 1:
            leg = _leg(arguments)
            self.waves[waves[0]] = (frozenset({leg}), frozenset())
            self.legs = max(self.legs, leg + 1)
        elif INTERNAL.search(name) and len(waves) > 1:
            legs, lines = self._joined(waves[:-1])
            end = next(i for i, a in reversed(list(enumerate(arguments))) if WAVE.match(a))
            mass, width = (self._named(a) for a in arguments[end - 2 : end])
            self.waves[waves[-1]] = (legs, lines | {CodeLine(legs, mass, width)})
        elif AMPLITUDE.search(name) and len(waves) > 1:
            _, lines = self._joined(waves)
            self.found.setdefault(self.number or len(self.found) + 1, lines)

    def _joined(self, waves: list[int]) -> tuple[frozenset[int], frozenset[CodeLine]]:
        parts = [self.waves.get(w, (frozenset[int](), frozenset[CodeLine]())) for w in waves]
        legs = frozenset[int]().union(*(p[0] for p in parts))
        return legs, frozenset[CodeLine]().union(*(p[1] for p in parts))

    def _named(self, argument: str) -> str:
        entry = ENTRY.match(argument)
        return self.entries[int(entry[1])] if entry else argument


def _leg(arguments: list[str]) -> int:
    if found := LEG.match(arguments[0]):
        return int(found["fortran"]) - 1 if found["fortran"] else int(found["cpp"])
    return int(arguments[-1])


def _arguments(text: str) -> Iterator[str]:
    """The arguments of a call, which have parentheses and commas of their own."""
    depth, start = 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()
