"""MadGraphSource: generated code as an `AmplitudeSource`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.adapters.madgraph.colour_flows import choose_flow
from crosshook.core.amplitudes.source import SourceValues

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.adapters.madgraph.evaluator import Evaluator
    from crosshook.core.interfaces.matrix_element import ColourFlow


@dataclass
class MadGraphSource:
    """One generated matrix element with one parameter card.

    Attributes:
        evaluator: calls it.
        flows: leading colour flows, if there are several to choose among.
        masses: of the legs in GeV, from the card.
        name: path of the module or library.
        legs: external legs.
        n_diagrams: none: |M_i|² are not told.
        n_colour_flows: number of flows.
        takes_alpha_s: always.
        takes_flavour: never; flavours with another |M|² are other code.
    """

    evaluator: Evaluator
    flows: tuple[ColourFlow, ...]
    masses: tuple[float, ...] | None
    name: str = field(init=False)
    legs: int = field(init=False)
    n_diagrams: int = 0
    n_colour_flows: int | None = field(init=False)
    takes_alpha_s: bool = True
    takes_flavour: bool = False

    def __post_init__(self) -> None:
        self.name = self.evaluator.order.path
        self.legs = len(self.evaluator.order.pdg)
        self.n_colour_flows = len(self.flows)

    def evaluate(
        self,
        momenta: Tensor,
        alpha_s: Tensor,
        flavour: int,
        *,
        diagrams: bool = False,
        colour_uniform: Tensor | None = None,
    ) -> SourceValues:
        """See `AmplitudeSource.evaluate`.

        Raises:
            InputError: if the code cannot be opened.
            NumericalError: if it fails.
        """
        squared = momenta.new_zeros(0)
        if len(momenta):
            found = self.evaluator.squared(
                momenta.detach().to("cpu", torch.float64).numpy(),
                alpha_s.detach().to("cpu", torch.float64).numpy(),
            )
            squared = torch.from_numpy(found).to(momenta.device)
        colour = None
        if colour_uniform is not None:
            colour = choose_flow(momenta.detach(), self.flows, colour_uniform)
        return SourceValues(squared, None, colour)
