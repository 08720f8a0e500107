"""ProcCard: what was asked of MadGraph, out of Cards/proc_card_mg5.dat."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ASKED = re.compile(r"^(?:generate|add\s+process)\s+(.+)$", re.IGNORECASE)
DEFINED = re.compile(r"^define\s+(\S+)\s*=\s*(.+)$", re.IGNORECASE)
MODEL = re.compile(r"^import\s+model\s+(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class ProcCard:
    """The card.

    Attributes:
        model: its name; empty if the default one was taken.
        asked: processes as they were asked for.
        names: particles of each name that was defined.
    """

    model: str
    asked: tuple[str, ...]
    names: dict[str, tuple[str, ...]]

    def both_orders(self, first: str, second: str) -> bool:
        """Whether these incoming particles were asked for in the other order too."""
        for process in self.asked:
            beams = process.partition(">")[0].split()
            if len(beams) == 2:
                one, other = (self.names.get(beam, (beam,)) for beam in beams)
                if second in one and first in other:
                    return True
        return False


def read_proc_card(path: Path) -> ProcCard | None:
    """Reads the card; None if there is none that can be read."""
    try:
        written = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    text = re.sub(r"\\\n\s*", "", written)
    model, asked = "", []
    names: dict[str, tuple[str, ...]] = {}
    for line in (each.partition("#")[0].strip() for each in text.splitlines()):
        if found := MODEL.match(line):
            model = found[1]
        elif found := ASKED.match(line):
            asked.append(" ".join(found[1].split()))
        elif found := DEFINED.match(line):
            given, _, without = found[2].partition("/")
            members = [name for word in given.split() for name in names.get(word, (word,))]
            names[found[1]] = tuple(name for name in members if name not in without.split())
    return ProcCard(model, tuple(asked), names)
