"""Channel mapping `vegas`: an adaptive separable density for every channel, discrete dimensions included.

After G. P. Lepage (J. Comput. Phys. 27 (1978) 192; 2009.05112), with a moment of choice in place of
the variance and all draws of a training kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.interfaces.training import FitReport
from crosshook.core.sampling.discrete import from_values, to_values
from crosshook.plugins.vegas.grid import ChannelGrid, refine
from crosshook.plugins.vegas.history import History
from crosshook.plugins.vegas.values import even_knots

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget, Draw, Source


class VegasMapping:
    """Piecewise linear in every dimension: bin b of r is stretched to [e_b, e_b+1] of u.

    Attributes:
        edges: bin edges in u of the continuous dimensions, `(k, d, bins + 1)`, from 0 to 1.
        knots: cumulated probabilities of each discrete dimension, `(k, v + 1)` each.
    """

    def __init__(
        self,
        edges: Tensor,
        knots: list[Tensor],
        *,
        iterations: int,
        moment: float,
        damping: float,
    ) -> None:
        """Starts from given edges.

        Args:
            edges: `(k, d, bins + 1)`.
            knots: `(k, v + 1)` for each discrete dimension.
            iterations: refinements a training makes.
            moment: which moment of the weight they make small.
            damping: how far each goes; 0 never moves the grid.
        """
        self.edges = edges
        self.knots = knots
        self._iterations = iterations
        self._moment = moment
        self._damping = damping

    @property
    def bins(self) -> int:
        """Bins in each continuous dimension."""
        return int(self.edges.shape[2]) - 1

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps random numbers to points; see `ChannelMapping.forward`."""
        d = self.edges.shape[1]
        scaled = r[:, :d] * self.bins
        index = scaled.detach().floor().clamp(0, self.bins - 1).to(torch.int64)
        dimension = torch.arange(d, device=r.device)
        first = (channel[:, None] * d + dimension) * (self.bins + 1) + index
        flat = self.edges.reshape(-1)
        low, high = flat[first], flat[first + 1]
        width = high - low
        u = torch.clamp(low + width * (scaled - index), max=1.0)
        log_det = torch.log(width * self.bins).sum(dim=1)
        columns = [u]
        for j, knots in enumerate(self.knots):
            column, term = to_values(r[:, d + j], knots[channel])
            columns.append(column[:, None])
            log_det = log_det + term
        return torch.cat(columns, dim=1), log_det

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps points back to random numbers; see `ChannelMapping.inverse`."""
        d = self.edges.shape[1]
        r, log_det = torch.empty_like(u[:, :d]), u.new_empty(u.shape[0])
        for c in range(self.edges.shape[0]):
            rows = torch.nonzero(channel == c)[:, 0]
            if rows.numel():
                r[rows], log_det[rows] = self._inverse(u[rows, :d], self.edges[c])
        columns = [r]
        for j, knots in enumerate(self.knots):
            column, term = from_values(u[:, d + j], knots[channel])
            columns.append(column[:, None])
            log_det = log_det + term
        return torch.cat(columns, dim=1), log_det

    def _inverse(self, u: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        columns = u.detach().T.contiguous()
        index = torch.searchsorted(edges.contiguous(), columns, right=True) - 1
        index = index.clamp(0, self.bins - 1)
        low = torch.gather(edges, 1, index).T
        width = torch.gather(edges, 1, index + 1).T - low
        r = (index.T + (u - low) / width) / self.bins
        return r, -torch.log(width * self.bins).sum(dim=1)

    def fit(self, source: Source, budget: Budget, context: BuildContext) -> FitReport:
        """Refines the grids after each of `iterations` equal draws, on the points of all so far."""
        each = budget.evaluations // self._iterations
        if each == 0:
            return FitReport(evaluations=0, notes=("budget too small for one iteration",))
        width = self.edges.shape[1] + len(self.knots)
        histories = [History(width, self.edges) for _ in range(self.edges.shape[0])]
        for done in range(self._iterations):
            draw = source.draw(each)
            for c, history in enumerate(histories):
                self._learn(c, history, draw)
            context.progress.update("train", done + 1, self._iterations)
        return FitReport(evaluations=each * self._iterations)

    def _learn(self, c: int, history: History, draw: Draw) -> None:
        """Refines one channel."""
        rows = torch.nonzero(draw.channel == c)[:, 0]
        grid = ChannelGrid(self.edges[c], tuple(knots[c] for knots in self.knots))
        # The channel's own part of the integrand, whatever share of the points it was given.
        value = draw.value[rows].detach() * torch.exp(draw.log_alpha[rows, c].detach())
        history.add(grid, draw.u[rows].detach(), value)
        new = refine(grid, history.u, history.value, history.mixture, self._moment, self._damping)
        # New tensors: the history holds on to the old ones.
        self.edges = torch.stack([*self.edges[:c], new.edges, *self.edges[c + 1 :]])
        self.knots = [
            torch.stack([*old[:c], own, *old[c + 1 :]])
            for old, own in zip(self.knots, new.knots, strict=True)
        ]

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The edges, and the probabilities of discrete dimensions."""
        knots = {f"knots.{j}": tensor for j, tensor in enumerate(self.knots)}
        return {"edges": self.edges, **knots}, {}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back what `state` gave."""
        self.edges = tensors["edges"].to(self.edges)
        self.knots = [tensors[f"knots.{j}"].to(old) for j, old in enumerate(self.knots)]


def make(
    context: BuildContext, *, bins: int, iterations: int, moment: float, damping: float
) -> VegasMapping:
    """The component's factory: uniform grids and equal probabilities for every channel."""
    line = torch.linspace(0, 1, bins + 1, dtype=context.torch_dtype, device=context.torch_device)
    edges = line.repeat(context.channels, context.dimensions, 1)
    knots = [even_knots(context.channels, count, edges) for count in context.discrete]
    return VegasMapping(edges, knots, iterations=iterations, moment=moment, damping=damping)
