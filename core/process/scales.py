"""Renormalisation and factorisation scales by name, number or expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crosshook.core.process.expression import Expression

if TYPE_CHECKING:
    from torch import Tensor

NAMED: Final[dict[str, str]] = {
    "sum_pt": "sum_pt",
    "ht": "ht",
    "ht/2": "ht / 2",
    "mll": "mll",
    "m": "m",
}
"""Names a run file may use: Σ p_T, Σ m_T, half of it, the leptons' mass, the final state's mass."""


class Scale:
    """One scale of a process, in GeV."""

    def __init__(self, choice: str | float, where: str, pdg: tuple[int, ...]) -> None:
        """Parses a choice.

        Args:
            choice: a name, a number in GeV or an expression.
            where: path in the run file, for messages.
            pdg: PDG ids of the final state.

        Raises:
            ConfigurationError: if the choice is no quantity of this final state.
        """
        text = NAMED.get(str(choice), str(choice))
        self._expression = Expression.quantity(text, pdg, where)

    def __call__(self, final: Tensor) -> Tensor:
        """The scale of each event, `(n,)` in GeV, for final-state momenta `(n, j, 4)`."""
        return self._expression(final)
