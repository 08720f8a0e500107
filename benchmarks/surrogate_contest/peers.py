"""What a surrogate is compared with at equal processor time: a plain network, and an ensemble."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import torch
from torch import nn

from crosshook.core.interfaces.amplitude_surrogate import Prediction
from crosshook.core.interfaces.training import Budget
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry
from crosshook.core.surrogates.models import surrogate_context
from crosshook.core.surrogates.training_set import TableSource, TrainableSurrogate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate
    from crosshook.core.surrogates.training_set import AmplitudeTable

WIDTH, DEPTH, BATCH, RATE = 128, 3, 1024, 2e-3


def invariants(table: AmplitudeTable, seed: int, **options: object) -> AmplitudeSurrogate:
    """The component, trained with its own defaults but for the options."""
    context = surrogate_context(
        len(table.pdg[0]), rng=torch_generator(seed, "surrogates benchmark")
    )
    slot = {"use": "invariants", "options": options}
    built = default_registry().build("amplitude_surrogate", slot, context)
    assert isinstance(built, TrainableSurrogate)
    built.fit(TableSource(table), Budget(len(table)), context)
    return built  # type: ignore[return-value]


class PlainNetwork:
    """log|M|² by a network on logarithms of invariants: no ansatz, no symmetry, Adam."""

    def __init__(self, table: AmplitudeTable, seconds: float, seed: int) -> None:
        """Trains for so many seconds of the processor."""
        rng = torch_generator(seed, "plain network")
        self._pairs = tuple(itertools.combinations(range(table.momenta.shape[1]), 2))
        self._order = table.qcd_order[0]
        x, y = self._inputs(table.momenta), table.log_reduced()
        self._centre, self._width = x.mean(dim=0), x.std(dim=0).clamp(min=1e-3)
        self._middle, self._spread = y.mean(), y.std()
        x = (x - self._centre) / self._width
        target = ((y - self._middle) / self._spread).float()
        sizes = (x.shape[1], *[WIDTH] * DEPTH)
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(sizes):
            layers += [_linear(inputs, outputs, rng), nn.SiLU()]
        self._network = nn.Sequential(*layers, _linear(WIDTH, 1, rng))
        adam = torch.optim.Adam(self._network.parameters(), lr=RATE)
        start, used = time.process_time(), 0.0
        while used < seconds:
            for rows in torch.split(torch.randperm(len(x), generator=rng), BATCH):
                used = time.process_time() - start
                for group in adam.param_groups:
                    group["lr"] = RATE * max(1e-3, 1 - used / seconds)
                loss = nn.functional.l1_loss(self._network(x[rows])[:, 0], target[rows])
                adam.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
                if used > seconds:
                    break

    def _inputs(self, momenta: Tensor) -> Tensor:
        metric = momenta.new_tensor([1.0, -1.0, -1.0, -1.0])
        dots = [(momenta[:, i] * metric * momenta[:, j]).sum(dim=1) for i, j in self._pairs]
        return torch.stack(dots, dim=1).clamp(min=1e-9).log().float()

    @torch.no_grad()
    def predict(
        self, momenta: Tensor, process: Tensor, alpha_s: Tensor, condition: Tensor | None = None
    ) -> Prediction:
        """See `AmplitudeSurrogate.predict`; without errors."""
        x = (self._inputs(momenta) - self._centre) / self._width
        found = self._network(x)[:, 0].double() * self._spread + self._middle
        return Prediction(found + self._order * alpha_s.log(), torch.ones_like(found))


def _linear(inputs: int, outputs: int, rng: torch.Generator) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        nn.init.kaiming_normal_(layer.weight, generator=rng)
        layer.bias.zero_()
    return layer


class Ensemble:
    """The mean of several, each trained for its part of the epochs; their spread is the error."""

    def __init__(self, members: Sequence[AmplitudeSurrogate]) -> None:
        """Joins trained members."""
        self._members = members

    def predict(
        self, momenta: Tensor, process: Tensor, alpha_s: Tensor, condition: Tensor | None = None
    ) -> Prediction:
        """See `AmplitudeSurrogate.predict`."""
        found = [m.predict(momenta, process, alpha_s) for m in self._members]
        logs = torch.stack([p.log_abs for p in found])
        return Prediction(logs.mean(dim=0), found[0].sign, logs.std(dim=0).clamp(min=1e-9).log())
