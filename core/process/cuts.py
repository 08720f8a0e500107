"""Cuts on the final state by name.

Names: `pt_min`, `pt_max`, `eta_max`, `rapidity_max` act on every final-state leg, `delta_r_min`
and `m_pair_min` on every pair, `m_min` and `m_max` on the mass of the whole final state, `where`
is a condition in the language of `expression`.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import combinations
from typing import TYPE_CHECKING, Final

import torch

from crosshook.core import kinematics
from crosshook.core.errors import ConfigurationError
from crosshook.core.process.expression import Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor


def _each(quantity: Callable[[Tensor], Tensor]) -> Callable[[Tensor], list[Tensor]]:
    return lambda final: [quantity(final[:, i]) for i in range(final.shape[1])]


def _pairs(quantity: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], list[Tensor]]:
    return lambda final: [
        quantity(final[:, i], final[:, j]) for i, j in combinations(range(final.shape[1]), 2)
    ]


QUANTITIES: Final[dict[str, Callable[[Tensor], list[Tensor]]]] = {
    "pt": _each(kinematics.pt),
    "eta": _each(lambda p: kinematics.eta(p).abs()),
    "rapidity": _each(lambda p: kinematics.rapidity(p).abs()),
    "delta_r": _pairs(kinematics.delta_r),
    "m_pair": _pairs(lambda p, q: kinematics.mass(p + q)),
    "m": lambda final: [kinematics.mass(final.sum(dim=1))],
}
NAMES: Final = (
    "pt_min",
    "pt_max",
    "eta_max",
    "rapidity_max",
    "delta_r_min",
    "m_pair_min",
    "m_min",
    "m_max",
    "where",
)


class Cuts:
    """The cuts of a run."""

    def __init__(
        self, cuts: Mapping[str, float | str], pdg: tuple[int, ...], where: str = "cuts"
    ) -> None:
        """Checks the names.

        Args:
            cuts: limits by name, GeV where they have a unit.
            pdg: PDG ids of the final state.
            where: path in the run file, for messages.

        Raises:
            ConfigurationError: if a name is unknown, a limit contradicts another, or `where` is no
                condition on this final state.
        """
        self._limits: list[tuple[str, str, float]] = []
        for name, limit in cuts.items():
            if name not in NAMES:
                near = get_close_matches(name, NAMES, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(NAMES)}"
                message = f"{where}.{name}: no cut of this name; {hint}"
                raise ConfigurationError(message)
            if name != "where":
                quantity, _, side = name.rpartition("_")
                self._limits.append((quantity, side, float(limit)))
        self._condition = (
            Expression.condition(str(cuts["where"]), pdg, f"{where}.where")
            if "where" in cuts
            else None
        )
        for low in cuts:
            high = low.replace("_min", "_max")
            if low.endswith("_min") and high in cuts and float(cuts[low]) >= float(cuts[high]):
                message = (
                    f"{where}: {low} = {cuts[low]} leaves nothing below {high} = {cuts[high]}"
                )
                raise ConfigurationError(message)

    def __call__(self, final: Tensor) -> Tensor:
        """Which events pass, `(n,)` bool, for final-state momenta `(n, j, 4)`."""
        passed = torch.ones(final.shape[0], dtype=torch.bool, device=final.device)
        for name, side, limit in self._limits:
            for value in QUANTITIES[name](final):
                passed &= value >= limit if side == "min" else value <= limit
        if self._condition is not None:
            passed &= self._condition(final)
        return passed
