"""ParamCard: masses and widths out of a parameter card in the SUSY Les Houches format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = re.compile(r"^(?:m?_?pars->)?(?:fk_)?(?:mdl_)?")
"""What generated code puts before the names of parameters."""

OF_THE_W = {"mw": ("mass", 24), "ww": ("decay", 24)}
"""Derived in many models, so that the card has no name for them."""


@dataclass(frozen=True)
class ParamCard:
    """The numbers of a card that phase space needs.

    Attributes:
        path: of the card.
        values: by block, `mass` or `decay`, and PDG id, in GeV; None where a width is `Auto`.
        names: block and PDG id by the name in the comment, in lower case.
    """

    path: Path
    values: dict[tuple[str, int], float | None]
    names: dict[str, tuple[str, int]]

    def mass(self, pdg: int) -> float:
        """In GeV; 0 for what the card does not list."""
        return abs(self.values.get(("mass", abs(pdg))) or 0.0)

    def symbol(self, name: str) -> float | None:
        """The value of a parameter as generated code names it; None if the card has none."""
        plain = PREFIX.sub("", name.strip().lower())
        if plain in ("zero", "0.", "0.0", "0"):
            return 0.0
        place = self.names.get(plain) or OF_THE_W.get(plain)
        value = self.values.get(place) if place else None
        return None if value is None else abs(value)


def read_param_card(path: Path) -> ParamCard:
    """Reads the blocks of masses and widths.

    Raises:
        InputError: if there is no such file, or a line is no entry.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        message = f"{path}: no parameter card: {error.strerror}"
        raise InputError(message) from error
    values: dict[tuple[str, int], float | None] = {}
    names: dict[str, tuple[str, int]] = {}
    block = ""
    for number, line in enumerate(lines, 1):
        content, _, comment = line.partition("#")
        words = content.lower().replace("d+", "e+").replace("d-", "e-").split()
        if not words:
            continue
        if words[0] == "block":
            block = words[1] if len(words) > 1 else ""
            continue
        if words[0] == "decay" and len(words) >= 3:
            block, words = "decay", words[1:]
        elif block != "mass":
            continue
        try:
            place = (block, int(words[0]))
            values[place] = None if words[1].startswith("auto") else float(words[1])
        except (ValueError, IndexError):
            message = f"{path}: line {number}: {line.strip()!r} is no entry of block {block}"
            raise InputError(message) from None
        if block == "decay":
            block = "decays"  # branching ratios follow
        name, _, formula = comment.partition(":")
        if name.strip() and not formula:
            names[name.split()[0].lower()] = place
    return ParamCard(path, values, names)
