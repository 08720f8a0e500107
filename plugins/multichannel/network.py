"""Channel weights `network`: the process's proposal times the exponential of a network
(MadNIS, 2212.06172).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from crosshook.core.errors import ConfigurationError
from crosshook.core.learning.alone import learn_weights

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget, Draw, FitReport, Source

DTYPES = {"float32": torch.float32, "float64": torch.float64}
REACH = 4.0
"""A prior is changed by factors between e^-4 and e^4, however wild the features."""


class NetworkWeights(nn.Module):
    """α_c ∝ prior_c · exp(net_c(features)); the prior itself before a training."""

    def __init__(self, context: BuildContext, hidden: int, depth: int, precision: str) -> None:
        """Builds the network, whose last layer is zero."""
        super().__init__()
        dtype, device = DTYPES[precision], context.torch_device
        sizes = [len(context.features), *[hidden] * depth]
        layers = []
        for inputs, outputs in itertools.pairwise(sizes):
            weight = torch.randn(
                (inputs, outputs), generator=context.rng, dtype=torch.float64, device="cpu"
            )
            layers.append((weight * (2.0 / max(inputs, 1)) ** 0.5).to(device, dtype))
        layers.append(torch.zeros((sizes[-1], context.channels), dtype=dtype, device=device))
        self.matrices = nn.ParameterList(nn.Parameter(m) for m in layers)
        self.offsets = nn.ParameterList(
            nn.Parameter(torch.zeros(m.shape[1], dtype=dtype, device=device)) for m in layers
        )
        # Features come in all scales: they are centred on the first points a training sees.
        plain = torch.zeros(sizes[0], dtype=torch.float64, device=device)
        self.centre = nn.Parameter(plain, requires_grad=False)
        self.width = nn.Parameter(torch.ones_like(plain), requires_grad=False)

    @torch.no_grad()
    def prepare(self, draw: Draw) -> None:
        """Takes the scales of features from the points that count."""
        features = draw.features
        counts = draw.value != 0
        if features is None or int(counts.sum()) < 2:
            return
        seen = features[counts]
        self.centre.copy_(seen.mean(dim=0))
        spread = seen.std(dim=0)
        self.width.copy_(torch.where(spread > 0, spread, torch.ones_like(spread)))

    def log_weights(
        self, features: Tensor | None, log_prior: Tensor, log_density: Tensor | None = None
    ) -> Tensor:
        """Logarithms of the weights; see `ChannelWeights.log_weights`."""
        if features is None:
            message = "network weights need features, and the integrand gives none"
            raise ConfigurationError(message)
        hidden = ((features - self.centre) / self.width).to(self.matrices[0].dtype)
        last = len(self.matrices) - 1
        for i, (matrix, offset) in enumerate(zip(self.matrices, self.offsets, strict=True)):
            hidden = torch.addmm(offset, hidden, matrix)
            if i < last:
                hidden = functional.leaky_relu(hidden)
        factor = REACH * torch.tanh(hidden.to(log_prior.dtype) / REACH)
        # Closed channels stay out of the gradients as well as out of the sum.
        is_open = log_prior > -torch.inf
        raw = torch.where(is_open, log_prior, torch.zeros_like(log_prior)) + factor
        raw = raw.masked_fill(~is_open, -torch.inf)
        some = is_open.any(dim=1, keepdim=True)
        total = torch.logsumexp(torch.where(some, raw, torch.zeros_like(raw)), dim=1, keepdim=True)
        return torch.where(is_open, raw - total, torch.full_like(raw, -torch.inf))

    def fit(self, source: Source, budget: Budget, context: BuildContext) -> FitReport:
        """Trains the weights by themselves, with the loop and the default settings of core."""
        return learn_weights(self, source, budget, context)

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """The network, and how features are scaled."""
        return dict(self.state_dict()), {}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back the network."""
        self.load_state_dict(tensors)


def make(context: BuildContext, *, hidden: int, depth: int, precision: str) -> NetworkWeights:
    """The component's factory.

    Raises:
        ConfigurationError: if there are no features to learn from.
    """
    if not context.features:
        message = "network: channel weights learn from features, and this integrand has none"
        raise ConfigurationError(message)
    return NetworkWeights(context, hidden, depth, precision)
