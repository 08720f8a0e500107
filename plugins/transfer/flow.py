"""Transfer function `flow`: one column given those before it and the truth, by mixtures and splines
whose shapes networks choose (an autoregressive flow; as a transfer function, 2310.07752).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.dense import Dense
from crosshook.plugins.transfer.conditional import Conditional
from crosshook.plugins.transfer.learned import DenseTransfer, Density, Teaching
from crosshook.plugins.transfer.scales import Scales

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.plugins.transfer.columns import Columns
    from crosshook.plugins.transfer.learning import Loss


@dataclass(frozen=True)
class AutoregressiveDensity(Density):
    """∏ p(x_i | x_1 … x_(i−1), z).

    Attributes:
        scales: of the reconstructed columns.
        heads: what makes densities of the networks' numbers.
        networks: one a column.
    """

    scales: Scales
    heads: tuple[Conditional, ...]
    networks: tuple[Dense, ...]

    def parameters(self) -> Sequence[Tensor]:
        """The networks'."""
        return [p for network in self.networks for p in network.parameters()]

    def _summed(self, x: Tensor, before: Sequence[Tensor], seen: Tensor) -> Tensor:
        """log T of rows `(n, f)`."""
        total = torch.zeros_like(x[:, 0])
        inputs = seen
        for i, (network, head) in enumerate(zip(self.networks, self.heads, strict=True)):
            total = total + head.log_density(x[:, i], network(inputs))
            if i + 1 < len(self.networks):
                inputs = torch.cat([inputs, before[i]], dim=1)
        return total

    def _before(self, x: Tensor, dtype: torch.dtype) -> list[Tensor]:
        u, _ = self.scales.to_unit(x)
        return [
            self.scales.seen(i, x[:, i], u[:, i]).to(dtype) for i in range(len(self.networks) - 1)
        ]

    def lesson(self, x: Tensor, truth: Tensor, seen: Tensor) -> Loss:
        """−log T; see `Density.lesson`."""
        before = self._before(x, seen.dtype)

        def loss(rows: Tensor) -> Tensor:
            return -self._summed(x[rows], [b[rows] for b in before], seen[rows]).to(seen.dtype)

        return loss

    def log_prob(self, x: Tensor, truth: Tensor, seen: Tensor) -> Tensor:
        """log T(x|z); see `Density.log_prob`."""
        return self._summed(x, self._before(x, seen.dtype), seen)

    def sample(self, truth: Tensor, seen: Tensor, rng: torch.Generator) -> Tensor:
        """One draw a row; see `Density.sample`."""
        shape = (len(truth), len(self.networks))
        uniform = torch.rand(shape, generator=rng, dtype=torch.float64, device="cpu")
        uniform = uniform.to(truth.device)
        columns, inputs = [], seen
        for i, (network, head) in enumerate(zip(self.networks, self.heads, strict=True)):
            columns.append(head.draw(uniform[:, i], network(inputs)))
            if i + 1 < len(self.networks):
                u, _ = head.marginal.to_unit(columns[-1])
                known = self.scales.seen(i, columns[-1], u).to(seen.dtype)
                inputs = torch.cat([inputs, known], dim=1)
        return torch.stack(columns, dim=1)

    def state(self) -> dict[str, Tensor]:
        """Scales and networks."""
        found = self.scales.state("reco")
        for i, network in enumerate(self.networks):
            found |= network.state(f"column.{i}")
        return found


class FlowTransfer(DenseTransfer):
    """See the module."""

    name = "flow"

    def __init__(
        self,
        context: BuildContext,
        teaching: Teaching,
        periodic: Sequence[str] | None,
        *,
        components: int,
        bins: int,
        hidden: int,
        depth: int,
        encoding: int,
    ) -> None:
        """A flow that knows nothing yet; options as in schemas/v1/components/transfer-flow.json."""
        super().__init__(context, teaching, periodic, encoding, (hidden, depth))
        self._components, self._bins = components, bins

    def _heads(self, scales: Scales) -> tuple[Conditional, ...]:
        return tuple(Conditional(m, self._components, self._bins) for m in scales.marginals)

    def _start(
        self,
        reco: Columns,
        truth: Columns,
        x: Tensor,
        rows: Tensor,
        seen: Tensor,
        rng: torch.Generator,
    ) -> Density:
        scales = Scales.of(reco, x, self._degree, "reco")
        width, depth = self._hidden
        networks, inputs = [], seen.shape[1]
        for i, head in enumerate(self._heads(scales)):
            sizes = (inputs, *[width] * depth, head.size)
            networks.append(Dense.random(sizes, rng, seen.dtype, self._device))
            networks[-1].offsets[-1].copy_(head.start())
            inputs += scales.size(i)
        return AutoregressiveDensity(scales, self._heads(scales), tuple(networks))

    def _restored(self, tensors: dict[str, Tensor], reco: Columns, truth: Columns) -> Density:
        scales = Scales.from_state(tensors, "reco", len(reco), self._degree)
        networks = tuple(Dense.from_state(tensors, f"column.{i}") for i in range(len(reco)))
        return AutoregressiveDensity(scales, self._heads(scales), networks)


def make(
    context: BuildContext,
    *,
    components: int,
    bins: int,
    hidden: int,
    depth: int,
    encoding: int,
    periodic: Sequence[str] | None,
    epochs: float,
    batch: int,
    learning_rate: float,
    held_out: float,
    acceptance_epochs: float,
    precision: str,
) -> FlowTransfer:
    """The component's factory."""
    teaching = Teaching(epochs, batch, learning_rate, held_out, acceptance_epochs, precision)
    return FlowTransfer(
        context,
        teaching,
        periodic,
        components=components,
        bins=bins,
        hidden=hidden,
        depth=depth,
        encoding=encoding,
    )
