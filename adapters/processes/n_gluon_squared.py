"""|M|² of gg → ng, n = 2, 3, 4: full colour, helicities summed, and weights of the colour flows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import permutations
from typing import TYPE_CHECKING

import torch

from crosshook.adapters.processes.n_gluon_amplitudes import SIX, Order, parke_taylor, six_gluons
from crosshook.adapters.processes.n_gluon_colour import COLOURS, colour_matrix, orderings
from crosshook.adapters.processes.parameters import current
from crosshook.core.interfaces.matrix_element import ColourFlow, SquaredAmplitude, Subprocess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

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


@dataclass
class GluonAmplitudes:
    """MatrixElement of gg → ng.

    Attributes:
        gluons: number n of outgoing gluons, 2, 3 or 4.
        subprocesses: the one there is.
        masses: zeros.
        parameters: none.
        alpha_qed: α(G_μ) = 1/132.183, written with the events; it does not enter |M|².
    """

    gluons: int
    subprocesses: tuple[Subprocess, ...] = field(init=False)
    masses: tuple[float, ...] = field(init=False)
    parameters: Mapping[str, float] = field(default_factory=dict)
    alpha_qed: float = 1 / 132.183

    def __post_init__(self) -> None:
        legs = INCOMING + self.gluons
        self.masses = (0.0,) * legs
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
        value = torch.cat([_summed(piece) for piece in pieces])
        average = 4 * COLOURS**2 * math.factorial(self.gluons)
        value = value * (8 * math.pi * alpha_s) ** self.gluons / average
        if "colour" not in want:
            return SquaredAmplitude(value)
        return SquaredAmplitude(value, torch.cat([_flow_weights(piece) for piece in pieces]))


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
    products = momenta[:, :, None] * momenta[:, None]
    # signs of incoming legs drop out of the even power
    invariants = 2 * (products[..., 0] - products[..., 1:].sum(-1))
    one, two = torch.triu_indices(legs, legs, 1, device=momenta.device)
    states = invariants[:, one, two].square().square().sum(1)
    # with four legs the states with two positive helicities are the same ones
    return states if legs == 4 else 2 * states


def _flow_weights(momenta: Tensor) -> Tensor:
    """Σ over helicities of |A|² of every order of a trace, `(n, (m-1)!)`."""
    legs = momenta.shape[1]
    orders = cyclic_orders(legs)
    weight = parke_taylor(momenta, orders).abs().square().T * _two_negative(momenta)[:, None]
    if legs < SIX:
        return weight
    return weight + 2 * six_gluons(momenta, INCOMING, orders).abs().square().sum(1)
