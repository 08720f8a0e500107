"""Parton densities, and the strong coupling that was fitted with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class PartonDensity(Protocol):
    """One set of densities with its members.

    Attributes:
        name: name of the set.
        set_index: its LHAPDF id, or 0.
        n_members: number of members; 0 is the central one.
        member: the one evaluated where none is named.
        flavours: PDG ids in the order of the columns of `xf`; the gluon is 21.
        x_min: lower end of the grid; the upper end is 1.
        q_min: lower end of the grid in GeV.
        q_max: upper end of the grid in GeV.
        error_type: how members make an uncertainty: `replicas`, `hessian`, `symmhessian`, `""`.
        description: one line about the set.
    """

    name: str
    set_index: int
    n_members: int
    member: int
    flavours: tuple[int, ...]
    x_min: float
    q_min: float
    q_max: float
    error_type: str
    description: str

    def xf(self, x: Tensor, q: Tensor, member: int | None = None) -> Tensor:
        """x·f(x, Q) of all flavours.

        Args:
            x: momentum fractions, `(n,)`.
            q: factorisation scales in GeV, `(n,)`.
            member: member of the set; the one chosen when it was loaded if None.

        Returns:
            `(n, len(flavours))` float64, on the device of x.
        """
        ...

    def alpha_s(self, q: Tensor, member: int | None = None) -> Tensor:
        """α_s(Q) for Q in GeV, `(n,)`, as fitted with a member; see `xf`."""
        ...
