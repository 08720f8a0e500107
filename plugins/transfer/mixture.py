"""Transfer function `mixture-density`: a mixture of Gaussians whose parameters a network gives.

A component is a product over columns, wrapped on the circle; correlations between columns come from
the mixture (a mixture density network, C. Bishop 1994).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.dense import Dense
from crosshook.plugins.transfer.learned import DenseTransfer, Density, Teaching
from crosshook.plugins.transfer.marginal import TURN
from crosshook.plugins.transfer.scales import Scales
from crosshook.plugins.transfer.wrapped import draw_normal, log_normal, log_wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.plugins.transfer.columns import Columns
    from crosshook.plugins.transfer.learning import Loss

NARROWEST, WIDEST, WIDEST_ANGLE = 1e-4, 20.0, 3.0
"""Widths, in standard deviations of a column, or rad."""


@dataclass(frozen=True)
class MixtureDensity(Density):
    """Σ_k π_k ∏_i N(x_i; μ_ki, σ_ki).

    Attributes:
        scales: of the reconstructed columns.
        components: Gaussians K.
        network: gives K log-weights, and of every column K log-widths and K means, or the cosines
            and sines of angles.
    """

    scales: Scales
    components: int
    network: Dense

    @staticmethod
    def size(scales: Scales, components: int) -> int:
        """Numbers the network gives."""
        return components * (1 + sum(3 if m.circle else 2 for m in scales.marginals))

    @staticmethod
    def start(scales: Scales, components: int, rng: torch.Generator) -> Tensor:
        """Numbers of a broad mixture with its means apart, `(size,)`."""
        found = [torch.zeros(components, dtype=torch.float64, device="cpu")]
        for m in scales.marginals:
            drawn = torch.randn(components, generator=rng, dtype=torch.float64, device="cpu")
            means = [torch.cos(TURN * drawn), torch.sin(TURN * drawn)] if m.circle else [drawn]
            found += [torch.zeros_like(drawn), *means]
        return torch.cat(found)

    def parameters(self) -> Sequence[Tensor]:
        """The network's."""
        return self.network.parameters()

    def _parts(self, seen: Tensor) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Log-weights, and mean and log-width of every column, `(n, K)` each."""
        parts = list(torch.split(self.network(seen).double(), self.components, dim=1))
        log_weight, columns = torch.log_softmax(parts.pop(0), dim=1), []
        for m in self.scales.marginals:
            log_width = parts.pop(0).clamp(
                math.log(NARROWEST), math.log(WIDEST_ANGLE if m.circle else WIDEST)
            )
            mean = parts.pop(0)
            if m.circle:
                mean = torch.atan2(parts.pop(0), mean)
            columns.append((mean, log_width))
        return log_weight, columns

    def lesson(self, x: Tensor, truth: Tensor, seen: Tensor) -> Loss:
        """−log T; see `Density.lesson`."""

        def loss(rows: Tensor) -> Tensor:
            return -self.log_prob(x[rows], truth[rows], seen[rows])

        return loss

    def log_prob(self, x: Tensor, truth: Tensor, seen: Tensor) -> Tensor:
        """log T(x|z); see `Density.log_prob`."""
        total, columns = self._parts(seen)
        for i, (m, part) in enumerate(zip(self.scales.marginals, columns, strict=True)):
            if m.circle:
                total = total + log_wrapped(x[:, i, None], *part)
            else:
                scaled = (x[:, i, None] - m.centre) / m.width
                total = total + log_normal(scaled, *part) - m.width.log()
        return torch.logsumexp(total, dim=1)

    def sample(self, truth: Tensor, seen: Tensor, rng: torch.Generator) -> Tensor:
        """One draw a row; see `Density.sample`."""
        log_weight, columns = self._parts(seen)
        uniform = torch.rand((len(seen), 1), generator=rng, dtype=torch.float64, device="cpu")
        below = torch.cumsum(log_weight.exp(), dim=1)[:, :-1]
        chosen = (uniform.to(below.device) > below).sum(dim=1, keepdim=True)
        normal = draw_normal((len(seen), len(columns)), rng, truth.device)
        drawn = []
        for i, (m, (mean, log_width)) in enumerate(
            zip(self.scales.marginals, columns, strict=True)
        ):
            t = (mean.gather(1, chosen) + log_width.gather(1, chosen).exp() * normal[:, i, None])[
                :, 0
            ]
            if m.circle:
                drawn.append(torch.remainder(t + math.pi, TURN) - math.pi)
            else:
                drawn.append(m.centre + m.width * t)
        return torch.stack(drawn, dim=1)

    def state(self) -> dict[str, Tensor]:
        """Scales and network."""
        return self.scales.state("reco") | self.network.state("mixture")


class MixtureTransfer(DenseTransfer):
    """See the module."""

    name = "mixture-density"

    def __init__(
        self,
        context: BuildContext,
        teaching: Teaching,
        periodic: Sequence[str] | None,
        *,
        components: int,
        hidden: int,
        depth: int,
        encoding: int,
    ) -> None:
        """A mixture that knows nothing yet; options as in schemas/v1/components/mixture-density.json."""
        super().__init__(context, teaching, periodic, encoding, (hidden, depth))
        self._components = components

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
        last = MixtureDensity.size(scales, self._components)
        sizes = (seen.shape[1], *[width] * depth, last)
        network = Dense.random(sizes, rng, seen.dtype, self._device)
        network.offsets[-1].copy_(MixtureDensity.start(scales, self._components, rng))
        return MixtureDensity(scales, self._components, network)

    def _restored(self, tensors: dict[str, Tensor], reco: Columns, truth: Columns) -> Density:
        scales = Scales.from_state(tensors, "reco", len(reco), self._degree)
        return MixtureDensity(scales, self._components, Dense.from_state(tensors, "mixture"))


def make(
    context: BuildContext,
    *,
    components: int,
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
) -> MixtureTransfer:
    """The component's factory."""
    teaching = Teaching(epochs, batch, learning_rate, held_out, acceptance_epochs, precision)
    return MixtureTransfer(
        context,
        teaching,
        periodic,
        components=components,
        hidden=hidden,
        depth=depth,
        encoding=encoding,
    )
