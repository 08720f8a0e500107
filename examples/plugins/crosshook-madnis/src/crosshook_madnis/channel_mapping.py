"""Channel mapping `madnis`: the multi-channel spline flow of the package madnis (2311.01548)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from crosshook import ConfigurationError
from crosshook.core.interfaces.training import FitReport
from madnis.nn import Flow

if TYPE_CHECKING:
    from crosshook import BuildContext
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.training import Budget, Source
    from torch import Tensor


class MadnisMapping:
    """A flow of the unit cube with a network for each channel, in float64."""

    def __init__(
        self,
        context: BuildContext,
        layers: int,
        units: int,
        bins: int,
        batch: int,
        learning_rate: float,
    ) -> None:
        """Builds the flow; its weights are drawn from the generator of the context."""
        self._dimensions = context.dimensions
        self._device = context.torch_device
        self._batch, self._learning_rate = batch, learning_rate
        # madnis draws weights from torch's own generator, which is nobody's to use, and makes
        # tensors on torch's default device, which may be another one.
        with torch.random.fork_rng(devices=[]), self._device:
            self._flow = Flow(
                dims_in=context.dimensions,
                dims_c=context.condition_size,
                channels=context.channels,
                layers=layers,
                units=units,
                bins=bins,
            ).double()
        with torch.no_grad():
            for parameter in self._flow.parameters():
                width = max(parameter.shape[-1], 1) ** -0.5
                numbers = torch.rand(
                    parameter.shape, generator=context.rng, dtype=torch.float64, device="cpu"
                )
                parameter.copy_(width * (2 * numbers - 1))

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """u `(n, d)` in [0, 1] and log|∂u/∂r| `(n,)` for r `(n, d)` in [0, 1)."""
        return self._transform(r, channel, condition, inverse=True)

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """r `(n, d)` in [0, 1] and log|∂r/∂u| `(n,)` for u `(n, d)` in [0, 1]."""
        return self._transform(u, channel, condition, inverse=False)

    def _transform(
        self, x: Tensor, channel: Tensor, condition: Tensor | None, inverse: bool
    ) -> tuple[Tensor, Tensor]:
        if not len(x):
            return x.clone(), x[:, :0].sum(dim=1)
        with self._device:
            y, log_det = self._flow.transform(x, condition, channel, inverse)
        return y.clamp(0.0, 1.0), log_det

    def fit(self, source: Source, budget: Budget, context: BuildContext) -> FitReport:
        """Minimises the Kullback-Leibler divergence -⟨w log q(u)⟩ over fresh points."""
        spent = source.evaluations
        steps = budget.evaluations // self._batch
        optimiser = torch.optim.Adam(self._flow.parameters(), lr=self._learning_rate)
        losses = []
        for step in range(steps):
            draw = source.draw(self._batch)
            total = draw.weight.abs().sum()
            if total > 0:
                with torch.enable_grad():
                    log_q = self.inverse(draw.u, draw.channel, draw.condition)[1]
                    loss = -(draw.weight.abs() / total * log_q).sum()
                    optimiser.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                losses.append(float(loss.detach()))
            context.progress.update("madnis", step + 1, steps)
        return FitReport(source.evaluations - spent, losses=tuple(losses))

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The weights of the networks."""
        return dict(self._flow.state_dict()), {}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back the weights."""
        self._flow.load_state_dict(tensors)


def make(
    context: BuildContext,
    *,
    layers: int,
    units: int,
    bins: int,
    batch: int,
    learning_rate: float,
) -> ChannelMapping:
    """Builds the mapping; options.json has the options.

    Raises:
        ConfigurationError: for discrete dimensions, in whose bins a density has to be constant.
    """
    if context.discrete:
        values = ", ".join(str(count) for count in context.discrete)
        message = f"madnis: discrete dimensions (of {values} values) are not supported"
        raise ConfigurationError(message)
    return MadnisMapping(context, layers, units, bins, batch, learning_rate)
