"""AmplitudeSource: the one thing to write for a generator whose |M|² can be called.

Libraries behind UMAMI, Python functions, standalone code of MadGraph: each is a class with these few
members. Flavours, beams, phase space, colour flows and self-tests are shared (`AssembledProcess`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SourceValues:
    """What a source gives for n points.

    Attributes:
        squared: |M|² averaged over initial, summed over final states, in GeV^(8-2m), `(n,)`.
        diagrams: |M_i|² of each diagram up to a common factor, `(n, diagrams)`, if asked for.
        colour_flow: number of the colour flow chosen, `(n,)` int64, if asked for.
    """

    squared: Tensor
    diagrams: Tensor | None = None
    colour_flow: Tensor | None = None


class AmplitudeSource(Protocol):
    """|M|² of one process or of several with the same legs, told apart by a flavour index.

    Attributes:
        name: for messages, e.g. the path of a library.
        legs: number of external legs, or 0 if the source cannot tell.
        n_diagrams: number of diagrams whose squares it gives; 0 if it gives none.
        n_colour_flows: number of colour flows it chooses among; 0 if it chooses none, None if it
            chooses without telling among how many.
        takes_alpha_s: α_s is an input; otherwise |M|² has one of its own or none.
        takes_flavour: there are flavours to choose among.
        masses: of the legs in GeV, or None if the source cannot tell.
    """

    name: str
    legs: int
    n_diagrams: int
    n_colour_flows: int | None
    takes_alpha_s: bool
    takes_flavour: bool
    masses: tuple[float, ...] | None

    def evaluate(
        self,
        momenta: Tensor,
        alpha_s: Tensor,
        flavour: int,
        *,
        diagrams: bool = False,
        colour_uniform: Tensor | None = None,
    ) -> SourceValues:
        """Evaluates points.

        Args:
            momenta: `(n, m, 4)` in GeV, incoming first.
            alpha_s: strong coupling, `(n,)`.
            flavour: index of the flavours.
            diagrams: give the squares of the diagrams.
            colour_uniform: random numbers in [0, 1), `(n,)`, by which to choose colour flows.
        """
        ...
