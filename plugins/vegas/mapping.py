"""Channel mapping `vegas`: Lepage's adaptive grid (J. Comput. Phys. 27 (1978) 192; 2009.05112), one per channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.training import FitReport
from crosshook.plugins.vegas.grid import refine

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget, Source


class VegasMapping:
    """Piecewise linear in every dimension: bin b of r is stretched to [e_b, e_b+1] of u.

    Attributes:
        edges: bin edges in u, `(k, d, bins + 1)`, from 0 to 1.
    """

    def __init__(self, edges: Tensor, iterations: int, damping: float) -> None:
        """Starts from given edges.

        Args:
            edges: `(k, d, bins + 1)`.
            iterations: refinements a training makes.
            damping: exponent of the compression; 0 never moves the grid.
        """
        self.edges = edges
        self._iterations = iterations
        self._damping = damping

    @property
    def bins(self) -> int:
        """Bins in each dimension."""
        return int(self.edges.shape[2]) - 1

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps random numbers to points; see `ChannelMapping.forward`."""
        n, d = r.shape
        scaled = r * self.bins
        index = scaled.detach().floor().clamp(0, self.bins - 1).to(torch.int64)
        dimension = torch.arange(d, device=r.device)
        first = (channel[:, None] * d + dimension) * (self.bins + 1) + index
        flat = self.edges.reshape(-1)
        low, high = flat[first], flat[first + 1]
        width = high - low
        u = torch.clamp(low + width * (scaled - index), max=1.0)
        log_det = torch.log(width * self.bins).sum(dim=1) if d else r.new_zeros(n)
        return u, log_det

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps points back to random numbers; see `ChannelMapping.inverse`."""
        r, log_det = torch.empty_like(u), u.new_empty(u.shape[0])
        for c in range(self.edges.shape[0]):
            rows = torch.nonzero(channel == c)[:, 0]
            if rows.numel():
                r[rows], log_det[rows] = self._inverse(u[rows], self.edges[c])
        return r, log_det

    def _inverse(self, u: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        columns = u.detach().T.contiguous()
        index = torch.searchsorted(edges.contiguous(), columns, right=True) - 1
        index = index.clamp(0, self.bins - 1)
        low = torch.gather(edges, 1, index).T
        width = torch.gather(edges, 1, index + 1).T - low
        r = (index.T + (u - low) / width) / self.bins
        return r, -torch.log(width * self.bins).sum(dim=1)

    def fit(self, source: Source, budget: Budget, context: BuildContext) -> FitReport:
        """Refines the grid after each of `iterations` equal draws."""
        each = budget.evaluations // self._iterations
        if each == 0:
            return FitReport(evaluations=0, notes=("budget too small for one iteration",))
        for done in range(self._iterations):
            draw = source.draw(each)
            for c in range(self.edges.shape[0]):
                rows = draw.channel == c
                self.edges[c] = refine(
                    self.edges[c], draw.r[rows], draw.weight[rows], self._damping
                )
            context.progress.update("train", done + 1, self._iterations)
        return FitReport(evaluations=each * self._iterations)

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The edges."""
        return {"edges": self.edges}, {}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back the edges."""
        self.edges = tensors["edges"].to(self.edges)


def make(context: BuildContext, *, bins: int, iterations: int, damping: float) -> VegasMapping:
    """The component's factory: uniform grids for every channel.

    Raises:
        ConfigurationError: for discrete dimensions, whose bins an adapted grid would cut up.
    """
    if context.discrete:
        message = f"vegas: discrete dimensions (of {context.discrete} values) are not supported"
        raise ConfigurationError(message)
    line = torch.linspace(0, 1, bins + 1, dtype=context.torch_dtype, device=context.torch_device)
    edges = line.repeat(context.channels, context.dimensions, 1)
    return VegasMapping(edges, iterations, damping)
