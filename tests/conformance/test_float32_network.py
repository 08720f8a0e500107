"""A correct network that computes in float32 inside is accepted by the kit as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.component import Capabilities
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.training import FitReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.training import Budget, Source
    from crosshook.core.testkit import Finding


class SmallFlow:
    """Two couplings of Möbius maps whose strengths come from a float32 network, one per channel.

    A Möbius map (1 + a) r / (1 + a r) with a > -1 takes [0, 1] to itself. The first half of the
    dimensions moves by a free strength, the second half by a network of the first.
    """

    def __init__(self, context: BuildContext) -> None:
        if context.discrete:
            message = "subject: discrete dimensions are not supported"
            raise ConfigurationError(message)
        d, k = context.dimensions, context.channels
        self.half = (d + 1) // 2
        options = {"dtype": torch.float32, "device": context.torch_device}
        shapes = {
            "free": (k, self.half),
            "first": (k, 16, self.half),
            "second": (k, d - self.half, 16),
        }
        self.parameters = {
            name: 0.3
            * torch.randn(shape, generator=context.rng, dtype=torch.float32, device="cpu").to(
                **options
            )
            for name, shape in shapes.items()
        }

    def strengths(self, head: Tensor, channel: Tensor) -> Tensor:
        hidden = torch.einsum("khi,ni->nkh", self.parameters["first"], head.float()).tanh()
        out = torch.einsum("kjh,nkh->nkj", self.parameters["second"], hidden)
        rows = torch.arange(len(channel), device=channel.device)
        return out[rows, channel].exp() - 0.9

    @staticmethod
    def there(r: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
        below = 1 + a * r
        return ((1 + a) * r / below).clamp(max=1.0), ((1 + a) / below**2).log().sum(dim=1)

    @staticmethod
    def back(u: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
        below = 1 + a - a * u
        return (u / below).clamp(max=1.0), ((1 + a) / below**2).log().sum(dim=1)

    def forward(
        self, r: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        free = self.parameters["free"][channel].exp() - 0.9
        head, first = self.there(r[:, : self.half].float(), free)
        tail, second = self.there(r[:, self.half :].float(), self.strengths(head, channel))
        return torch.cat([head, tail], dim=1).double(), (first + second).double()

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        free = self.parameters["free"][channel].exp() - 0.9
        tail, second = self.back(
            u[:, self.half :].float(), self.strengths(u[:, : self.half], channel)
        )
        head, first = self.back(u[:, : self.half].float(), free)
        return torch.cat([head, tail], dim=1).double(), (first + second).double()

    def fit(self, source: Source, budget: Budget, context: BuildContext) -> FitReport:
        for value in self.parameters.values():
            value.requires_grad_(True)
        optimiser = torch.optim.Adam(self.parameters.values(), lr=1e-2)
        steps = 10
        for _ in range(steps):
            draw = source.draw(budget.evaluations // steps)
            # KL divergence to the integrand; closed channels carry no weight.
            loss = -(draw.weight * self.inverse(draw.u, draw.channel)[1]).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        for value in self.parameters.values():
            value.requires_grad_(False)
        return FitReport(source.evaluations)

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        return self.parameters, {}

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        self.parameters = tensors


def test_float32_flow_passes(findings_on: Callable[..., list[Finding]]) -> None:
    able = Capabilities(differentiable=True, trainable=True, stateful=True, invertible=True)
    assert findings_on("channel_mapping", SmallFlow, able) == []


def test_float32_flow_passes_by_finite_differences(
    findings_on: Callable[..., list[Finding]],
) -> None:
    able = Capabilities(trainable=True, stateful=True, invertible=True)
    assert findings_on("channel_mapping", SmallFlow, able) == []
