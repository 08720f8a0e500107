"""Light quark flavours: PDG ids, names, quantum numbers."""

from __future__ import annotations

from crosshook.adapters.processes.electroweak import DOWN, UP, Fermion

_NAMES = ("d", "u", "s", "c", "b")


def light_quarks(count: int) -> tuple[int, ...]:
    """PDG ids of the lightest quarks, 1 to 5 of them."""
    return tuple(range(1, count + 1))


def quark_name(pdg: int) -> str:
    """`d`, `u`, `s`, `c` or `b`."""
    return _NAMES[pdg - 1]


def quark(pdg: int) -> Fermion:
    """Quantum numbers of a quark by PDG id."""
    return UP if pdg % 2 == 0 else DOWN
