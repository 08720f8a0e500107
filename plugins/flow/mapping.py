"""Channel mapping `flow`: splines whose shapes networks choose (neural importance sampling,
1808.03856; MadNIS, 2212.06172).

The networks compute in float32 by default; splines and Jacobians are float64, and log_det belongs
to the very map that was computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from crosshook.core.learning.alone import learn_mapping
from crosshook.plugins.flow.conditioner import Conditioner
from crosshook.plugins.flow.layer import SplineLayer, groups_of, raw_size
from crosshook.plugins.flow.values import ValuesHead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget, Draw, FitReport, Source

CHUNK = 4096
"""Points at a time where no gradients are wanted: what stays in the processor's cache."""


@dataclass(frozen=True)
class Architecture:
    """Options of the flow; see schemas/v1/components/flow.json."""

    structure: str
    layers: int
    bins: int
    hidden: int
    depth: int
    encoding: int
    networks: str
    precision: str
    placed: bool = False


class FlowNetwork(nn.Module):
    """Discrete head and layers of splines, for rows that share their networks."""

    def __init__(self, context: BuildContext, shape: Architecture, context_size: int) -> None:
        """Builds the networks.

        Args:
            context: of the component.
            shape: of the networks.
            context_size: length of the vectors that say channel and condition.
        """
        super().__init__()
        self._continuous = context.dimensions
        dtype = {"float32": torch.float32, "float64": torch.float64}[shape.precision]
        device = context.torch_device
        self.values = ValuesHead(
            context.discrete,
            context_size,
            hidden=shape.hidden,
            rng=context.rng,
            dtype=dtype,
            device=device,
        )
        size = context_size + sum(context.discrete)
        self.layers = nn.ModuleList(
            SplineLayer(
                Conditioner(
                    groups_of(shape.structure, context.dimensions, number),
                    context.dimensions,
                    size,
                    raw_size(shape.bins, placed=shape.placed),
                    hidden=shape.hidden,
                    depth=shape.depth,
                    degree=shape.encoding,
                    rng=context.rng,
                    dtype=dtype,
                    device=device,
                    logits=shape.placed,
                ),
                shape.bins,
                placed=shape.placed,
            )
            for number in range(shape.layers if context.dimensions else 0)
        )

    def to_points(self, r: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """r → u with log|∂u/∂r|."""
        d = self._continuous
        total = torch.zeros_like(r[:, 0])
        ends = []
        if self.values.counts:
            values, total, context = self.values.walk(r[:, d:], context, to_points=True)
            ends.append(values)
        x = r[:, :d]
        for layer in self.layers:
            x, log_det = layer(x, context)
            total = total + log_det
        return torch.cat([x, *ends], dim=1), total

    def to_numbers(self, u: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """u → r with log|∂r/∂u|."""
        d = self._continuous
        total = torch.zeros_like(u[:, 0])
        ends = []
        if self.values.counts:
            numbers, total, context = self.values.walk(u[:, d:], context, to_points=False)
            ends.append(numbers)
        y = u[:, :d]
        for layer in reversed(list(self.layers)):
            assert isinstance(layer, SplineLayer)
            y, log_det = layer.inverse(y, context)
            total = total + log_det
        return torch.cat([y, *ends], dim=1), total


class FlowMapping:
    """A flow for all channels: one network told the channel, or one network a channel."""

    def __init__(self, context: BuildContext, shape: Architecture) -> None:
        """Builds the identity."""
        self._channels = context.channels
        self._conditions = context.condition_size
        self._apart = shape.networks == "per-channel" and context.channels > 1
        self._named = context.channels > 1 and not self._apart
        size = (context.channels if self._named else 0) + context.condition_size
        count = context.channels if self._apart else 1
        self._dtype = {"float32": torch.float32, "float64": torch.float64}[shape.precision]
        self.networks = nn.ModuleList(FlowNetwork(context, shape, size) for _ in range(count))

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps random numbers to points; see `ChannelMapping.forward`."""
        return self._map(r, channel, condition, to_points=True)

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps points back to random numbers; see `ChannelMapping.inverse`."""
        return self._map(u, channel, condition, to_points=False)

    def _map(
        self, given: Tensor, channel: Tensor, condition: Tensor | None, *, to_points: bool
    ) -> tuple[Tensor, Tensor]:
        context = self._context(channel, condition)
        if not self._apart:
            return self._chunked(0, given, context, to_points)
        out, log_det = torch.empty_like(given), torch.empty_like(given[:, 0])
        for c in range(self._channels):
            rows = torch.nonzero(channel == c)[:, 0]
            if rows.numel():
                mapped, logs = self._chunked(c, given[rows], context[rows], to_points)
                out = out.index_copy(0, rows, mapped)
                log_det = log_det.index_copy(0, rows, logs)
        return out, log_det

    def _context(self, channel: Tensor, condition: Tensor | None) -> Tensor:
        """Channel and condition of every row as the networks see them, `(n, c)`."""
        columns = []
        if self._named:
            columns.append(functional.one_hot(channel, self._channels).to(self._dtype))
        if condition is not None and self._conditions:
            columns.append(condition.to(self._dtype))
        if columns:
            return torch.cat(columns, dim=1)
        return torch.zeros((channel.shape[0], 0), dtype=self._dtype, device=channel.device)

    def _chunked(
        self, number: int, given: Tensor, context: Tensor, to_points: bool
    ) -> tuple[Tensor, Tensor]:
        network = self.networks[number]
        assert isinstance(network, FlowNetwork)
        way = network.to_points if to_points else network.to_numbers
        if torch.is_grad_enabled() or given.shape[0] <= CHUNK:
            return way(given, context)
        chunks = zip(torch.split(given, CHUNK), torch.split(context, CHUNK), strict=True)
        out, log_det = zip(*(way(*chunk) for chunk in chunks), strict=True)
        return torch.cat(out), torch.cat(log_det)

    def parameters(self) -> Iterator[Tensor]:
        """What a training changes."""
        return self.networks.parameters()

    def prepare(self, draw: Draw) -> None:
        """Nothing to prepare: coordinates have their scale already."""

    def fit(self, source: Source, budget: Budget, context: BuildContext) -> FitReport:
        """Trains the flow by itself, with the loop and the default settings of core."""
        return learn_mapping(self, source, budget, context)

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The networks."""
        return dict(self.networks.state_dict()), {}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back the networks."""
        self.networks.load_state_dict(tensors)


def make(
    context: BuildContext,
    *,
    structure: str,
    layers: int,
    bins: int,
    hidden: int,
    depth: int,
    encoding: int,
    networks: str,
    precision: str,
    placed: bool,
) -> FlowMapping:
    """The component's factory."""
    shape = Architecture(
        structure, layers, bins, hidden, depth, encoding, networks, precision, placed
    )
    return FlowMapping(context, shape)
