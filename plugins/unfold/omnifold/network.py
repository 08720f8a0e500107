"""The network of log-ratios: hidden layers on values and sets of objects, and a linear part.

Sets are summed over their objects after a network of each (deep sets, 1810.05165), so that the
order of objects and their number do not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.dense import Dense

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.plugins.unfold.omnifold.inputs import Inputs

BLOCK = 16_384
"""Events at once where no gradients are needed."""
SUMMED = 16.0
"""Sums over objects are divided by this, so that they are of the size of other inputs."""
LAST_GAIN = 0.1
"""The last layer begins this small: a fresh network says ratios near 1."""


class RatioNetwork:
    """(n,) log-ratios of inputs.

    Attributes:
        dense: hidden layers and output.
        linear: what the output takes of each column directly, `(c, 1)`.
        objects: network of the objects of each set.
    """

    def __init__(self, dense: Dense, linear: Tensor, objects: Sequence[Dense]) -> None:
        """A network of given parts, not copied."""
        self.dense = dense
        self.linear = linear
        self.objects = list(objects)

    @classmethod
    def random(
        cls, example: Inputs, hidden: int, depth: int, rng: torch.Generator
    ) -> RatioNetwork:
        """A fresh one for inputs like the example.

        Args:
            example: any events.
            hidden: width of hidden layers, and of the sums over objects.
            depth: number of hidden layers.
            rng: on the CPU.
        """
        device, dtype = example.columns.device, example.columns.dtype
        objects = [
            Dense.random((values.shape[2], hidden, hidden), rng, dtype, device)
            for values, _ in example.sets
        ]
        width = example.n_values + hidden * len(objects)
        dense = Dense.random((width, *[hidden] * depth, 1), rng, dtype, device)
        dense.matrices[-1].mul_(LAST_GAIN)
        linear = torch.zeros(example.columns.shape[1], 1, dtype=dtype, device=device)
        return cls(dense, linear, objects)

    def __call__(self, inputs: Inputs) -> Tensor:
        """Log-ratios, `(n,)`."""
        values = [inputs.columns[:, : inputs.n_values]]
        for network, (objects, mask) in zip(self.objects, inputs.sets, strict=True):
            n, length, q = objects.shape
            each = network(objects.reshape(n * length, q)).reshape(n, length, -1)
            values.append((each * mask[..., None]).sum(dim=1) / SUMMED)
        output = self.dense(torch.cat(values, dim=1)) + inputs.columns @ self.linear
        return output[:, 0]

    def everywhere(self, inputs: Inputs) -> Tensor:
        """Log-ratios of many events in float64, `(n,)`, without gradients."""
        with torch.no_grad():
            parts = [
                self(inputs.rows(slice(start, start + BLOCK)))
                for start in range(0, len(inputs), BLOCK)
            ]
        none = inputs.columns.new_zeros(0)
        return torch.cat([none, *parts]).to(torch.float64)

    def parameters(self) -> list[Tensor]:
        """All tensors."""
        inner = [p for network in self.objects for p in network.parameters()]
        return [*self.dense.parameters(), self.linear, *inner]

    def copy(self) -> RatioNetwork:
        """The same with tensors of its own."""
        twins = [
            Dense(
                [m.detach().clone() for m in network.matrices],
                [o.detach().clone() for o in network.offsets],
            )
            for network in (self.dense, *self.objects)
        ]
        return RatioNetwork(twins[0], self.linear.detach().clone(), twins[1:])

    def damped(self, factor: float) -> RatioNetwork:
        """The same layers, whose output is so many times as large."""
        twin = self.copy()
        for tensor in (twin.dense.matrices[-1], twin.dense.offsets[-1], twin.linear):
            tensor.mul_(factor)
        return twin

    def state(self, name: str) -> dict[str, Tensor]:
        """The tensors by names that begin with `name`."""
        found = {f"{name}.linear": self.linear} | self.dense.state(f"{name}.dense")
        for i, network in enumerate(self.objects):
            found |= network.state(f"{name}.objects.{i}")
        return found

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], name: str) -> RatioNetwork:
        """Takes back what `state` gave."""
        objects: list[Dense] = []
        while f"{name}.objects.{len(objects)}.matrix.0" in tensors:
            objects.append(Dense.from_state(tensors, f"{name}.objects.{len(objects)}"))
        return cls(Dense.from_state(tensors, f"{name}.dense"), tensors[f"{name}.linear"], objects)
