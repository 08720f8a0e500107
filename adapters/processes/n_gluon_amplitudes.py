"""Colour-ordered tree amplitudes of gluons with two or three negative helicities, batched.

Two negative helicities i, j: ⟨ij⟩⁴ times the factor 1/(⟨12⟩⟨23⟩...⟨m1⟩) of Parke and Taylor. Three
of six: the expansion of Cachazo, Svrček and Witten (hep-th/0403047), two such amplitudes joined by a
propagator. A term belongs to a split of the legs L | R with K the momentum of L, and factorises into

    one part for the order:       PT(order) · G[l_last, r_first] G[l_first, r_last] / K²,
    one part for the helicities:  ⟨iK⟩⁴ ⟨jk⟩⁴,  i alone negative on its side, j and k on the other,

with G[l, r] = ⟨lr⟩/(⟨lK⟩⟨rK⟩) and |K⟩ = K|η]. The sum does not depend on η; single terms have poles
there, in so small a part of phase space (two real conditions) that double precision never sees it.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import torch

from crosshook.adapters.processes.n_gluon_spinors import products, spinors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Order = tuple[int, ...]

SIX = 6
_ETA = (0.62 + 0.23j, -0.41 + 0.57j)
"""η: any spinor will do; this one points along no axis."""

SPLITS: tuple[tuple[Order, Order], ...] = tuple(
    (left, tuple(leg for leg in range(SIX) if leg not in left))
    for size in (2, 3)
    for left in combinations(range(SIX), size)
    if size == 2 or 0 in left
)
"""The 25 ways to split six legs: 15 into 2 + 4, 10 into 3 + 3."""

_NUMBER = {left: number for number, (left, _) in enumerate(SPLITS)}
_INSIDE = [[float(leg in left) for leg in range(SIX)] for left, _ in SPLITS]

HELICITIES: tuple[Order, ...] = tuple((0, *two) for two in combinations(range(1, SIX), 2))
"""Three negative legs, the first among them; the other ten states are their mirror images."""


def parke_taylor(momenta: Tensor, orders: Sequence[Order]) -> Tensor:
    """1/(⟨12⟩⟨23⟩...⟨m1⟩) of every order.

    Args:
        momenta: `(n, m, 4)` in GeV with positive energies.
        orders: cyclic orders of the legs.

    Returns:
        `(orders, n)` complex, in GeV^-m.
    """
    lam = spinors(momenta)
    return _parke_taylor(products(lam, lam), orders)


def _parke_taylor(angle: Tensor, orders: Sequence[Order]) -> Tensor:
    m = angle.shape[0]
    links = [[a * m + b for a, b in zip(o, (*o[1:], o[0]), strict=True)] for o in orders]
    table = torch.tensor(links, device=angle.device).T
    flat = angle.flatten(0, 1)
    result = flat.index_select(0, table[0])
    for column in table[1:]:
        result = result * flat.index_select(0, column)
    return 1 / result


def six_gluons(
    momenta: Tensor, incoming: int, orders: tuple[Order, ...], helicity: Tensor | None = None
) -> Tensor:
    """Ordered amplitudes with three negative helicities.

    Args:
        momenta: `(n, 6, 4)` in GeV with positive energies.
        incoming: the first so many legs enter.
        orders: cyclic orders of the legs.
        helicity: which of `HELICITIES` each point has, `(n,)` int64; all of them if None.

    Returns:
        `(n, helicities or 1, orders)` complex, in GeV^-2, normalised as ⟨ij⟩⁴ PT is for two.
    """
    on = {name: torch.tensor(t, device=momenta.device) for name, t in _plan(orders).items()}
    lam = spinors(momenta)
    sign = [-1.0] * incoming + [1.0] * (SIX - incoming)
    # K|η] of every split, from p|η] = |p⟩[pη] of its legs
    first, second = (_ETA[1] * s for s in sign), (_ETA[0] * s for s in sign)
    eta = torch.tensor([list(first), list(second)], dtype=lam.dtype, device=lam.device)
    weight = lam[:, 0].conj() * eta[0, :, None] - lam[:, 1].conj() * eta[1, :, None]
    inside = torch.tensor(_INSIDE, dtype=lam.dtype, device=lam.device)
    internal = torch.einsum("si,icn->scn", inside, lam * weight[:, None])
    angle = products(lam, lam).flatten(0, 1)
    to_internal = products(internal, lam).flatten(0, 1)

    invariants = angle.real.square() + angle.imag.square()
    propagator = 1 / (momenta.new_tensor(_pairs_inside(sign)) @ invariants)
    ends = 1 / to_internal
    bridge = angle.index_select(0, on["lr"])
    bridge = bridge * ends.index_select(0, on["l"]) * ends.index_select(0, on["r"])
    term = bridge.index_select(0, on["first"]) * bridge.index_select(0, on["second"])
    term = term * propagator.index_select(0, on["split"])
    by_order = _with_zero(term).index_select(0, on["dense"])
    pair, single = _with_zero(angle.square().square()), _with_zero(to_internal.square().square())
    if helicity is None:
        fourth = pair.index_select(0, on["pair"]) * single.index_select(0, on["single"])
    else:
        rows = [on[name].reshape(len(HELICITIES), -1)[helicity].T for name in ("pair", "single")]
        fourth = pair.gather(0, rows[0]) * single.gather(0, rows[1])
    amplitude = torch.bmm(
        fourth.T.contiguous().reshape(-1, len(HELICITIES) if helicity is None else 1, len(SPLITS)),
        by_order.T.contiguous().reshape(-1, len(SPLITS), len(orders)),
    )
    tree = _parke_taylor(angle.reshape(SIX, SIX, -1), orders)
    return amplitude * tree.T[:, None]


def _with_zero(values: Tensor) -> Tensor:
    return torch.cat((values, torch.zeros_like(values[:1])))


def _pairs_inside(sign: Sequence[float]) -> list[list[float]]:
    """`(25, 36)`: with which signs |⟨ij⟩|², i < j, add up to K² of a split."""
    return [
        [
            sign[i] * sign[j] * (i < j and i in left and j in left)
            for i in range(SIX)
            for j in range(SIX)
        ]
        for left, _ in SPLITS
    ]


@lru_cache(maxsize=8)
def _plan(orders: tuple[Order, ...]) -> dict[str, list[int]]:
    """Index tables for one set of orders."""
    bridges = [(s, a, b) for s, (left, right) in enumerate(SPLITS) for a in left for b in right]
    terms: list[tuple[int, int, int, int]] = []
    for row, order in enumerate(orders):
        for size, starts in ((2, SIX), (3, SIX // 2)):
            for start in range(starts):
                turned = order[start:] + order[:start]
                one, two = turned[:size], turned[size:]
                if tuple(sorted(one)) not in _NUMBER:
                    one, two = two, one
                split = _NUMBER[tuple(sorted(one))]
                back = bridges.index((split, one[-1], two[0]))
                front = bridges.index((split, one[0], two[-1]))
                terms.append((split, row, back, front))
    place = {(split, row): i for i, (split, row, _, _) in enumerate(terms)}
    chosen = [_negative_legs(h, left) for h in HELICITIES for left, _ in SPLITS]
    splits = list(range(len(SPLITS))) * len(HELICITIES)
    return {
        "lr": [a * SIX + b for _, a, b in bridges],
        "l": [s * SIX + a for s, a, _ in bridges],
        "r": [s * SIX + b for s, _, b in bridges],
        "split": [term[0] for term in terms],
        "first": [term[2] for term in terms],
        "second": [term[3] for term in terms],
        "dense": [
            place.get((split, row), len(terms))
            for split in range(len(SPLITS))
            for row in range(len(orders))
        ],
        "pair": [SIX * SIX if c is None else c[1] * SIX + c[2] for c in chosen],
        "single": [
            len(SPLITS) * SIX if c is None else split * SIX + c[0]
            for split, c in zip(splits, chosen, strict=True)
        ],
    }


def _negative_legs(negative: Order, left: Order) -> tuple[int, int, int] | None:
    """The leg that is alone negative on its side and the two on the other; None if there is none."""
    sides = [i for i in negative if i in left], [i for i in negative if i not in left]
    one, two = sorted(sides, key=len)
    return (one[0], two[0], two[1]) if one else None
