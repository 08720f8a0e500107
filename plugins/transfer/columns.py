"""What columns a transfer function knows: names, units, and which of them are angles on a circle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

ANGLE = "rad"


@dataclass(frozen=True)
class Columns:
    """Columns of one level, or of one set of objects.

    Attributes:
        names: in order.
        units: of each, `""` for none.
        periodic: True for angles that are the same after 2π.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    periodic: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(
        cls, names: Sequence[str], units: Sequence[str], periodic: Sequence[str] | None
    ) -> Columns:
        """Columns as features name them.

        Args:
            names: of the columns.
            units: of the columns; empty if there are none.
            periodic: which are periodic; None for all in rad.
        """
        known = tuple(units) if units else ("",) * len(names)
        if periodic is None:
            circles = tuple(unit == ANGLE for unit in known)
        else:
            circles = tuple(name in periodic for name in names)
        return cls(tuple(names), known, circles)

    def check(self, names: Sequence[str], width: int, what: str) -> None:
        """Refuses other columns than these.

        Raises:
            InputError: if names or their number differ.
        """
        if tuple(names) != self.names or width != len(self):
            given = ", ".join(names) or "none"
            message = (
                f"{what}: columns {given} ({width}); the transfer function was trained on "
                f"{', '.join(self.names) or 'none'}"
            )
            raise InputError(message)

    def as_json(self) -> dict[str, object]:
        """For a model file."""
        return {
            "names": list(self.names),
            "units": list(self.units),
            "periodic": list(self.periodic),
        }

    @classmethod
    def from_json(cls, given: object) -> Columns:
        """Takes back what `as_json` gave."""
        values = cast("dict[str, list[str]]", given)
        periodic = tuple(bool(p) for p in values["periodic"])
        return cls(tuple(values["names"]), tuple(values["units"]), periodic)


def check_periodic(periodic: Sequence[str] | None, known: Sequence[Columns], name: str) -> None:
    """Refuses names of periodic columns that no level has.

    Args:
        periodic: as the option has it.
        known: columns of all levels.
        name: of the component.

    Raises:
        ConfigurationError: if there is no such column.
    """
    there = {n for columns in known for n in columns.names}
    missing = [n for n in periodic or () if n not in there]
    if missing:
        message = (
            f"{name}: periodic: no column {missing[0]!r}; there are {', '.join(sorted(there))}"
        )
        raise ConfigurationError(message)
