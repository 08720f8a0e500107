"""Colour of n-gluon amplitudes: SU(3) structure constants and the matrix of the adjoint basis.

M = g^(m-2) Σ_σ (F^{σ2} ... F^{σ(m-1)})_{a1 am} A(1, σ, m) with (F^b)_{ac} = i f^{abc}: the basis of
Del Duca, Dixon and Maltoni (hep-ph/9910563), (m-2)! colour-ordered amplitudes A for m gluons.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLOURS = 8

_GELL_MANN = {
    (0, 1, 2): 1.0,
    (0, 3, 6): 0.5,
    (0, 4, 5): -0.5,
    (1, 3, 5): 0.5,
    (1, 4, 6): 0.5,
    (2, 3, 4): 0.5,
    (2, 5, 6): -0.5,
    (3, 4, 7): 0.75**0.5,
    (5, 6, 7): 0.75**0.5,
}
"""Independent f^{abc}, a counted from 0."""


def structure_constants() -> NDArray[np.float64]:
    """f^{abc} of SU(3) with Tr(T^a T^b) = δ/2, `(8, 8, 8)`."""
    f = np.zeros((COLOURS,) * 3)
    for (a, b, c), value in _GELL_MANN.items():
        for i, j, k in ((a, b, c), (b, c, a), (c, a, b)):
            f[i, j, k], f[j, i, k] = value, -value
    return f


def orderings(legs: int) -> tuple[tuple[int, ...], ...]:
    """The orderings (0, σ, legs - 1) of the adjoint basis, `((legs - 2)!, legs)`."""
    return tuple((0, *inner, legs - 1) for inner in permutations(range(1, legs - 1)))


@lru_cache(maxsize=4)
def colour_matrix(legs: int) -> NDArray[np.float64]:
    """Σ over colours of the products of two chains of the basis, real and symmetric.

    Args:
        legs: number of gluons m, incoming and outgoing.

    Returns:
        `((m-2)!, (m-2)!)` in the order of `orderings`.
    """
    f = structure_constants()
    chain = f.transpose(1, 0, 2)
    for _ in range(legs - 3):
        # axes: inner legs so far, first leg, open end -> ... with one more inner leg
        chain = np.moveaxis(np.tensordot(chain, f, axes=(-1, 0)), -2, -3)
    inner = [np.array(order[1:-1]) - 1 for order in orderings(legs)]
    rank = {tuple(order): i for i, order in enumerate(inner)}
    last = (legs - 2, legs - 1)
    overlap = [float(np.vdot(chain, chain.transpose(*np.argsort(p), *last))) for p in inner]
    # a common relabelling of the inner legs changes nothing: only σ⁻¹σ' matters
    matrix = np.array([[overlap[rank[tuple(np.argsort(p)[q])]] for q in inner] for p in inner])
    return np.round(matrix, 9)
