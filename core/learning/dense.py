"""A dense network as plain tensors, small and smooth, with what scales its inputs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Dense:
    """Layers x ↦ silu(x W + b), the last one without the silu.

    Attributes:
        matrices: W of each layer, `(inputs, outputs)`.
        offsets: b of each layer.
    """

    def __init__(self, matrices: Sequence[Tensor], offsets: Sequence[Tensor]) -> None:
        """A network of given tensors, not copied."""
        self.matrices = list(matrices)
        self.offsets = list(offsets)

    @classmethod
    def random(
        cls,
        sizes: Sequence[int],
        rng: torch.Generator | None,
        dtype: torch.dtype,
        device: torch.device,
    ) -> Dense:
        """Random matrices that keep the size of what goes through; the last a tenth of that.

        Args:
            sizes: of the input, the hidden layers and the output.
            rng: on the CPU.
            dtype: of the tensors.
            device: of the tensors.
        """
        matrices = []
        for layer, shape in enumerate(itertools.pairwise(sizes)):
            gain = 1.0 if layer == 0 else 0.1 if layer == len(sizes) - 2 else 2.0
            drawn = torch.randn(shape, generator=rng, dtype=torch.float64, device="cpu")
            matrices.append((drawn * (gain / shape[0]) ** 0.5).to(device, dtype))
        return cls(
            matrices, [torch.zeros(m.shape[1], dtype=dtype, device=device) for m in matrices]
        )

    def hidden(self, x: Tensor) -> Tensor:
        """The last hidden layer, `(n, width)`."""
        for matrix, offset in zip(self.matrices[:-1], self.offsets[:-1], strict=True):
            x = functional.silu(torch.addmm(offset, x, matrix))
        return x

    def output(self, hidden: Tensor) -> Tensor:
        """What the last layer makes of the last hidden one, `(n, outputs)`."""
        return torch.addmm(self.offsets[-1], hidden, self.matrices[-1])

    def __call__(self, x: Tensor) -> Tensor:
        """The output, `(n, outputs)`."""
        return self.output(self.hidden(x))

    def parameters(self) -> list[Tensor]:
        """All tensors, matrices first."""
        return [*self.matrices, *self.offsets]

    def state(self, name: str) -> dict[str, Tensor]:
        """The tensors by names that begin with `name`."""
        found = {f"{name}.matrix.{i}": matrix for i, matrix in enumerate(self.matrices)}
        return found | {f"{name}.offset.{i}": offset for i, offset in enumerate(self.offsets)}

    @classmethod
    def from_state(cls, tensors: dict[str, Tensor], name: str) -> Dense:
        """Takes back what `state` gave."""
        layers = sum(key.startswith(f"{name}.matrix.") for key in tensors)
        return cls(
            [tensors[f"{name}.matrix.{i}"] for i in range(layers)],
            [tensors[f"{name}.offset.{i}"] for i in range(layers)],
        )
