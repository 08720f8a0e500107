"""Expressions over the final state of a process, as run files use them for cuts and scales.

The grammar is that of `crosshook.core.expression`; the quantities are

    pt[0]  eta[1]  y[0]  phi[0]  e[0]  mt[0]  m[0]     one final-state leg, counted from 0
    m[0,1]  pt[0,1]  y[0,1]                            the sum of several legs
    delta_r[0,1]  delta_phi[0,1]  delta_eta[0,1]       two legs
    m  sum_pt  ht                                      the whole final state (ht sums m_T)
    mll                                                its charged leptons and neutrinos
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from crosshook.core import expression, kinematics
from crosshook.core.expression import MAX_DEPTH, MAX_LENGTH

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["LEPTONS", "MAX_DEPTH", "MAX_LENGTH", "OF_PAIR", "OF_SUM", "Expression"]

LEPTONS: Final = frozenset(range(11, 17))

OF_SUM: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "pt": kinematics.pt,
    "eta": kinematics.eta,
    "y": kinematics.rapidity,
    "phi": kinematics.phi,
    "m": kinematics.mass,
    "mt": kinematics.transverse_mass,
    "e": lambda p: p[..., 0],
}
OF_PAIR: Final[dict[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "delta_r": kinematics.delta_r,
    "delta_phi": kinematics.delta_phi,
    "delta_eta": lambda p, q: kinematics.eta(p) - kinematics.eta(q),
}


class Expression(expression.Expression["Tensor"]):
    """A parsed expression, ready for any number of events of one final state."""

    def __init__(self, text: str, pdg: tuple[int, ...], where: str = "expression") -> None:
        """Parses and checks.

        Args:
            text: the expression.
            pdg: PDG ids of the final state.
            where: path in the run file, for messages.

        Raises:
            ConfigurationError: if something in it is not part of the language, or the final state
                lacks a leg it names.
        """
        self._pdg = pdg
        super().__init__(
            text, where, torch.ones((1, len(pdg), 4), dtype=torch.float64, device="cpu")
        )

    @classmethod
    def quantity(cls, text: str, pdg: tuple[int, ...], where: str) -> Expression:
        """An expression that must have a number as its value; arguments as above."""
        return cls(text, pdg, where).must_be_quantity()

    @classmethod
    def condition(cls, text: str, pdg: tuple[int, ...], where: str) -> Expression:
        """An expression that must be true or false; arguments as above."""
        return cls(text, pdg, where).must_be_condition()

    def __call__(self, final: Tensor) -> Tensor:
        """Evaluates.

        Args:
            final: momenta of the final-state legs, `(n, j, 4)` in GeV.

        Returns:
            `(n,)`, float64 for quantities, bool for conditions.
        """
        return self._value(self._tree, final)

    def _constant(self, value: float, data: Tensor) -> Tensor:
        return torch.full(data.shape[:1], value, dtype=data.dtype, device=data.device)

    def _named(self, name: str, data: Tensor) -> Tensor:
        if name == "sum_pt":
            return kinematics.pt(data).sum(dim=1)
        if name == "ht":
            return kinematics.transverse_mass(data).sum(dim=1)
        if name == "mll":
            chosen = [i for i, p in enumerate(self._pdg) if abs(p) in LEPTONS]
            if not chosen:
                self._fail("mll: this process has no leptons in its final state")
            return kinematics.mass(data[:, chosen].sum(dim=1))
        if name in OF_SUM:
            return OF_SUM[name](data.sum(dim=1))
        known = sorted({*OF_SUM, *OF_PAIR, "sum_pt", "ht", "mll"})
        self._fail(f"no quantity {name!r}; known: {', '.join(known)}")

    def _indexed(self, name: str, index: ast.expr, data: Tensor) -> Tensor:
        legs = self._legs(index, data.shape[1])
        if name in OF_SUM:
            return OF_SUM[name](data[:, legs].sum(dim=1))
        if name in OF_PAIR:
            if len(legs) != 2:
                self._fail(f"{name} takes two legs, {len(legs)} given")
            return OF_PAIR[name](data[:, legs[0]], data[:, legs[1]])
        self._fail(f"no quantity {name!r} of legs; known: {', '.join((*OF_SUM, *OF_PAIR))}")

    def _legs(self, index: ast.expr, count: int) -> list[int]:
        legs: list[int] = []
        for part in self._parts(index):
            leg = self._leg_number(part)
            if not 0 <= leg < count:
                self._fail(
                    f"there is no final-state leg {leg}; the process has {count}, counted from 0"
                )
            if leg in legs:
                self._fail(f"leg {leg} is named twice")
            legs.append(leg)
        return legs
