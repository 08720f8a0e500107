"""|M|² of gg → ng, n = 2, 3, 4: full colour, helicities summed or one a point, and colour flows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations, permutations
from typing import TYPE_CHECKING

import torch

from crosshook.adapters.processes.n_gluon_amplitudes import (
    HELICITIES,
    SIX,
    Order,
    parke_taylor,
    six_gluons,
)
from crosshook.adapters.processes.n_gluon_colour import COLOURS, colour_matrix, orderings
from crosshook.adapters.processes.parameters import current
from crosshook.core.interfaces.matrix_element import ColourFlow, SquaredAmplitude, Subprocess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import HelicityState

INCOMING = 2
_AT_ONCE = 512
"""Points evaluated together: intermediate results stay in the cache."""


@lru_cache(maxsize=4)
def cyclic_orders(legs: int) -> tuple[Order, ...]:
    """The (legs - 1)! orders of a trace, leg 0 first."""
    return tuple((0, *rest) for rest in permutations(range(1, legs)))


def colour_flow(order: Order) -> ColourFlow:
    """Lines of Tr(T^a0 T^a1 ...): the colour of an outgoing leg ends in the leg after it."""
    lines = [(0, 0)] * len(order)
    for place, leg in enumerate(order):
        colour, anticolour = 501 + place, 501 + (place - 1) % len(order)
        lines[leg] = (anticolour, colour) if leg < INCOMING else (colour, anticolour)
    return tuple(lines)


@lru_cache(maxsize=4)
def negative_legs(legs: int) -> tuple[Order, ...]:
    """The negative legs, all outgoing, of every state that is not 0: first two, then three of six,
    then the mirror images of both.
    """
    first: tuple[Order, ...] = tuple(combinations(range(legs), 2))
    if legs == SIX:
        first += HELICITIES
    everyone = set(range(legs))
    images = tuple(tuple(sorted(everyone - set(negative))) for negative in first)
    return first if legs == 4 else first + images


def helicity_states(legs: int) -> tuple[HelicityState, ...]:
    """`negative_legs` as helicities in the direction of flight: those that enter change sign."""
    return tuple(
        tuple(-1 if (leg in negative) != (leg < INCOMING) else 1 for leg in range(legs))
        for negative in negative_legs(legs)
    )


@dataclass
class GluonAmplitudes:
    """MatrixElement of gg → ng.

    Attributes:
        gluons: number n of outgoing gluons, 2, 3 or 4.
        sampled: whether helicities are sampled instead of summed.
        helicities: the states if so.
        subprocesses: the one there is.
        masses: zeros.
        parameters: none.
        alpha_qed: α(G_μ) = 1/132.183, written with the events; it does not enter |M|².
    """

    gluons: int
    sampled: bool = False
    helicities: tuple[HelicityState, ...] = field(init=False)
    subprocesses: tuple[Subprocess, ...] = field(init=False)
    masses: tuple[float, ...] = field(init=False)
    parameters: Mapping[str, float] = field(default_factory=dict)
    alpha_qed: float = 1 / 132.183

    def __post_init__(self) -> None:
        legs = INCOMING + self.gluons
        self.masses = (0.0,) * legs
        self.helicities = helicity_states(legs) if self.sampled else ()
        self.subprocesses = (
            Subprocess(
                pdg=(21,) * legs,
                amplitude=0,
                process_id=1,
                label=f"g g > {' '.join('g' * self.gluons)}",
                colour_flows=tuple(colour_flow(order) for order in cyclic_orders(legs)),
                mirror_symmetric=True,
                qcd_order=self.gluons,
            ),
        )

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """|M|² of points `(n, m, 4)`, and `colour` if wanted."""
        current(self.parameters, theta)
        pieces = torch.split(momenta, _AT_ONCE)
        value = self._averaged(torch.cat([_summed(piece) for piece in pieces]), alpha_s)
        if "colour" not in want:
            return SquaredAmplitude(value)
        return SquaredAmplitude(value, torch.cat([_flow_weights(piece) for piece in pieces]))

    def of_helicity(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        helicity: Tensor,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """|M|² of one state a point, indices `(n,)` into `helicities`, and `colour` if wanted."""
        pieces = list(
            zip(torch.split(momenta, _AT_ONCE), torch.split(helicity, _AT_ONCE), strict=True)
        )
        value = self._averaged(torch.cat([_of_state(p, state) for p, state in pieces]), alpha_s)
        if "colour" not in want:
            return SquaredAmplitude(value)
        flows = [_flow_weights_of_state(p, state) for p, state in pieces]
        return SquaredAmplitude(value, torch.cat(flows))

    def _averaged(self, value: Tensor, alpha_s: Tensor) -> Tensor:
        average = 4 * COLOURS**2 * math.factorial(self.gluons)
        return value * (8 * math.pi * alpha_s) ** self.gluons / average


def _summed(momenta: Tensor) -> Tensor:
    """Σ over helicities and colours of |M|²/(g² 2)^(m-2), with Tr(T^a T^b) = δ/2, `(n,)`."""
    legs = momenta.shape[1]
    orders = orderings(legs)
    colours = torch.as_tensor(colour_matrix(legs), device=momenta.device)
    tree = parke_taylor(momenta, orders).T
    value = _two_negative(momenta) * _contracted(tree, colours)
    if legs < SIX:
        return value
    three = six_gluons(momenta, INCOMING, orders)
    # parity gives the other ten states
    return value + 2 * _contracted(three, colours).sum(1)


def _contracted(amplitudes: Tensor, colours: Tensor) -> Tensor:
    """A† C A over the last axis."""
    real, imaginary = amplitudes.real.contiguous(), amplitudes.imag.contiguous()
    return ((real @ colours) * real + (imaginary @ colours) * imaginary).sum(-1)


def _two_negative(momenta: Tensor) -> Tensor:
    """Σ of |⟨ij⟩|⁸ over the states with two negative helicities, or two positive ones, `(n,)`."""
    legs = momenta.shape[1]
    one, two = torch.triu_indices(legs, legs, 1, device=momenta.device)
    states = _eighth_powers(momenta)[:, one, two].sum(1)
    # with four legs the states with two positive helicities are the same ones
    return states if legs == 4 else 2 * states


def _eighth_powers(momenta: Tensor) -> Tensor:
    """|⟨ij⟩|⁸ of all pairs of legs, `(n, m, m)`."""
    products = momenta[:, :, None] * momenta[:, None]
    # signs of incoming legs drop out of the even power
    invariants = 2 * (products[..., 0] - products[..., 1:].sum(-1))
    return invariants.square().square()


def _flow_weights(momenta: Tensor) -> Tensor:
    """Σ over helicities of |A|² of every order of a trace, `(n, (m-1)!)`."""
    legs = momenta.shape[1]
    orders = cyclic_orders(legs)
    weight = parke_taylor(momenta, orders).abs().square().T * _two_negative(momenta)[:, None]
    if legs < SIX:
        return weight
    return weight + 2 * six_gluons(momenta, INCOMING, orders).abs().square().sum(1)


def _of_state(momenta: Tensor, helicity: Tensor) -> Tensor:
    """|M|² of one state a point, colours summed, in the units of `_summed`, `(n,)`."""
    orders = orderings(momenta.shape[1])
    colours = torch.as_tensor(colour_matrix(momenta.shape[1]), device=momenta.device)
    pairs, rows, triples, others = _by_kind(momenta, helicity)
    tree = parke_taylor(momenta[rows], orders).T
    value = pairs.new_zeros(len(momenta)).index_copy(0, rows, pairs * _contracted(tree, colours))
    if not len(others):
        return value
    three = six_gluons(momenta[others], INCOMING, orders, triples)[:, 0]
    return value.index_copy(0, others, _contracted(three, colours))


def _flow_weights_of_state(momenta: Tensor, helicity: Tensor) -> Tensor:
    """|A|² of every order of a trace for one state a point, `(n, (m-1)!)`."""
    orders = cyclic_orders(momenta.shape[1])
    pairs, rows, triples, others = _by_kind(momenta, helicity)
    two = parke_taylor(momenta[rows], orders).abs().square().T * pairs[:, None]
    weight = two.new_zeros((len(momenta), len(orders))).index_copy(0, rows, two)
    if not len(others):
        return weight
    three = six_gluons(momenta[others], INCOMING, orders, triples)[:, 0]
    return weight.index_copy(0, others, three.abs().square())


def _by_kind(momenta: Tensor, helicity: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Points by the number of negative legs of their state or of its mirror image.

    Returns:
        |⟨ij⟩|⁸ of the two legs, and rows with two; numbers in `HELICITIES`, and rows with three.
    """
    legs = momenta.shape[1]
    states = len(negative_legs(legs))
    # parity: the second half of the states repeats the first
    state = helicity if legs == 4 else helicity % (states // 2)
    pairs = torch.tensor(list(combinations(range(legs), 2)), device=momenta.device)
    rows = torch.nonzero(state < len(pairs))[:, 0]
    others = torch.nonzero(state >= len(pairs))[:, 0]
    one, two = pairs[state[rows]].T
    powers = _eighth_powers(momenta[rows])[torch.arange(len(rows), device=rows.device), one, two]
    return powers, rows, state[others] - len(pairs), others
