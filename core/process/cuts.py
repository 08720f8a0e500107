"""Cuts on the final state by name.

Names: `pt_min`, `pt_max`, `eta_max`, `rapidity_max` act on every final-state leg, `delta_r_min`
and `m_pair_min` on every pair, `m_min` and `m_max` on the mass of the whole final state, `jet_pt_min`
and `jet_eta_max` on every light quark and gluon, `jet_delta_r_min` on every pair of them, `mll_min`
and `mll_max` on the mass of all leptons, `where` is a condition in the language of `expression`.

`jet_pt_min` and `jet_delta_r_min` together ask for as many anti-kT jets of that radius as there are
partons: if two are closer, the harder of them or a still harder one takes up another first.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import combinations
from typing import TYPE_CHECKING, Final

import torch

from crosshook.core import kinematics
from crosshook.core.errors import ConfigurationError
from crosshook.core.process.expression import LEPTONS, Expression

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor


def _each(quantity: Callable[[Tensor], Tensor]) -> Callable[[Tensor], list[Tensor]]:
    return lambda final: [quantity(final[:, i]) for i in range(final.shape[1])]


def _pairs(quantity: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], list[Tensor]]:
    return lambda final: [
        quantity(final[:, i], final[:, j]) for i, j in combinations(range(final.shape[1]), 2)
    ]


JETS: Final = frozenset({1, 2, 3, 4, 5, 21})
"""Absolute PDG ids of what makes a jet."""

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
    "jet_pt_min",
    "jet_eta_max",
    "jet_delta_r_min",
    "mll_min",
    "mll_max",
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
        self._limits: list[tuple[str, list[int], str, float]] = []
        for name, limit in cuts.items():
            if name not in NAMES:
                near = get_close_matches(name, NAMES, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(NAMES)}"
                message = f"{where}.{name}: no cut of this name; {hint}"
                raise ConfigurationError(message)
            if name != "where":
                what, _, side = name.rpartition("_")
                quantity, legs = _legs_of(what, pdg, f"{where}.{name}")
                self._limits.append((quantity, legs, side, float(limit)))
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
        for quantity, legs, side, limit in self._limits:
            chosen = final if len(legs) == final.shape[1] else final[:, legs]
            for value in QUANTITIES[quantity](chosen):
                passed &= value >= limit if side == "min" else value <= limit
        if self._condition is not None:
            passed &= self._condition(final)
        return passed


def _legs_of(what: str, pdg: tuple[int, ...], where: str) -> tuple[str, list[int]]:
    """The quantity a name limits, and the final-state legs it is one of.

    Raises:
        ConfigurationError: if there are not enough of them.
    """
    if what == "mll":
        quantity, kind, allowed = "m", "leptons", LEPTONS
    elif what.startswith("jet_"):
        quantity, kind, allowed = what.removeprefix("jet_"), "light quarks and gluons", JETS
    else:
        return what, list(range(len(pdg)))
    legs = [i for i, number in enumerate(pdg) if abs(number) in allowed]
    needed = 1 if quantity in ("pt", "eta") else 2
    if len(legs) < needed:
        message = f"{where}: the final state has {len(legs)} {kind}, and {needed} are needed"
        raise ConfigurationError(message)
    return quantity, legs
