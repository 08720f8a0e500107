"""Analytic factors of |M|² with its poles: what is left for a network varies little.

Each is a product of powers of sums of monomials of invariants, so that its logarithm is
Σ_f c_f log Σ_t exp(A_ft · log s): a matrix product and a sum of exponentials for each factor f.
Invariants are 2p_i·p_j/ŝ, of massive legs too: in the eikonal factor of a soft gluon it is p_i·p_j
that counts, and a mass adds to it only what is finite.
"""

from __future__ import annotations

from itertools import combinations, pairwise, permutations
from typing import TYPE_CHECKING, Literal

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.plugins.surrogate.pair_invariants import pairs
from crosshook.plugins.surrogate.relabelling import GLUON, HEAVIEST_QUARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

    from crosshook.plugins.surrogate.relabelling import Legs

Name = Literal["auto", "none", "dipoles", "colour-ordered"]
Monomial = dict[tuple[int, int], int]
Factor = tuple[float, list[Monomial]]

HEAVIEST_LIGHT_QUARK = 5
MOST_ORDERS = 720
"""Colour orders beyond which `auto` takes the dipoles: sums of more cost as much as a network."""


class Ansatz:
    """The logarithm of an ansatz for one subprocess.

    Attributes:
        factors: c_f and A_f of each factor, `(m(m-1)/2, t)` float64.
    """

    def __init__(self, factors: Iterable[Factor], legs: int, device: torch.device) -> None:
        """Turns monomials into matrices."""
        columns = {pair: column for column, pair in enumerate(pairs(legs))}
        self.factors: list[tuple[float, Tensor]] = []
        for coefficient, monomials in factors:
            shape = (len(columns), len(monomials))
            matrix = torch.zeros(shape, dtype=torch.float64, device="cpu")
            for term, monomial in enumerate(monomials):
                for (i, j), power in monomial.items():
                    matrix[columns[min(i, j), max(i, j)], term] += power
            self.factors.append((coefficient, matrix.to(device)))

    def __call__(self, log_pairs: Tensor) -> Tensor:
        """log of the ansatz, `(n,)`, for logarithms of invariants `(n, m(m-1)/2)`."""
        result = log_pairs.new_zeros(log_pairs.shape[0])
        for coefficient, matrix in self.factors:
            exponents = log_pairs @ matrix.to(log_pairs.dtype)
            result = result + coefficient * torch.logsumexp(exponents, dim=1)
        return result


def make_ansatz(name: Name, pdg: Legs, n_incoming: int, device: torch.device) -> Ansatz:
    """The ansatz of a subprocess.

    Args:
        name: `auto` takes the first of colour-ordered, dipoles, none that there is.
        pdg: of each leg, incoming first.
        n_incoming: 1 or 2.
        device: where points live.

    Raises:
        ConfigurationError: if there is no such ansatz for this subprocess.
    """
    known: dict[str, Callable[[Legs, int], list[Factor]]] = {
        "colour-ordered": colour_ordered,
        "dipoles": dipoles,
        "none": lambda pdg, n_incoming: [],
    }
    if name != "auto":
        return Ansatz(known[name](pdg, n_incoming), len(pdg), device)
    for build in known.values():
        try:
            factors = build(pdg, n_incoming)
        except ConfigurationError:
            continue
        if all(len(monomials) <= MOST_ORDERS for _, monomials in factors):
            return Ansatz(factors, len(pdg), device)
    return Ansatz([], len(pdg), device)


def colour_ordered(pdg: Legs, n_incoming: int) -> list[Factor]:
    """Squares of maximally helicity violating amplitudes, summed over colour orders.

    Of gluons alone Σ s_ij⁴ · Σ 1/(s_12 s_23 ... s_m1), exact for five; with a quark line q, q̄
    Σ_g (s_qg³ s_q̄g + s_qg s_q̄g³) · Σ 1/(s_q1 s_12 ... s_nq̄) / s_qq̄. Legs without colour are left out.

    Raises:
        ConfigurationError: if there is more than one quark line, or there are no gluons on one.
    """
    gluons = [leg for leg, kind in enumerate(pdg) if kind == GLUON]
    quarks = [leg for leg, kind in enumerate(pdg) if 1 <= abs(kind) <= HEAVIEST_QUARK]
    if (len(quarks), len(gluons) > (0 if quarks else 3)) not in ((0, True), (2, True)):
        message = (
            f"ansatz colour-ordered: {len(quarks)} quarks and {len(gluons)} gluons in {list(pdg)}; "
            "it knows four gluons and more, or two quarks and gluons"
        )
        raise ConfigurationError(message)
    if quarks:
        one, two = quarks
        chains = [(one, *order, two) for order in permutations(gluons)]
        square: list[Monomial] = [
            {(a, g): 3, (b, g): 1} for g in gluons for a, b in ((one, two), (two, one))
        ]
        closing: list[Factor] = [(-1.0, [{(one, two): 1}])]
    else:
        first, *others = gluons
        chains = [(first, *order, first) for order in permutations(others) if order[0] < order[-1]]
        square = [{pair: 4} for pair in combinations(gluons, 2)]
        closing = []
    return [(1.0, square), (1.0, [_chain(chain) for chain in chains]), *closing]


def _chain(order: tuple[int, ...]) -> Monomial:
    links: Monomial = {}
    for pair in pairwise(order):
        links[pair] = links.get(pair, 0) - 1
    return links


def dipoles(pdg: Legs, n_incoming: int) -> list[Factor]:
    """Sum of eikonal factors s_ik/(s_ij s_jk) of final gluons j and of poles 1/s_ij of light quarks.

    Raises:
        ConfigurationError: if there is no such pole.
    """
    coloured = [leg for leg, k in enumerate(pdg) if k == GLUON or 1 <= abs(k) <= HEAVIEST_QUARK]
    terms: list[Monomial] = []
    for j in coloured:
        others = [leg for leg in coloured if leg != j]
        if j < n_incoming:
            continue
        if pdg[j] == GLUON:
            terms += [{(i, k): 1, (i, j): -1, (j, k): -1} for i, k in combinations(others, 2)]
        elif abs(pdg[j]) <= HEAVIEST_LIGHT_QUARK:
            terms += [{(i, j): -1} for i in others]
    if not terms:
        message = f"ansatz dipoles: no soft or collinear poles in {list(pdg)}"
        raise ConfigurationError(message)
    return [(1.0, terms)]
