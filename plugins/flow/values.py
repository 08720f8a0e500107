"""Discrete dimensions of a flow: probabilities from a network, one dimension given those before.

Value i of v is the bin [i/v, (i + 1)/v) of u and an interval of length p_i of r, mapped linearly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from crosshook.core.sampling.discrete import from_values, locate, to_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LEAST = 1e-4
"""No value has less than this share of an even probability."""


class ValuesHead(nn.Module):
    """Probabilities of discrete values, one network a dimension."""

    def __init__(
        self,
        counts: Sequence[int],
        context: int,
        *,
        hidden: int,
        rng: torch.Generator | None,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        """Even probabilities to start with.

        Args:
            counts: number of values of each dimension.
            context: length of the context vectors.
            hidden: neurons of the hidden layer.
            rng: draws the first weights, on the CPU.
            dtype: of the networks.
            device: where they live.
        """
        super().__init__()
        self.counts = tuple(counts)
        first, last, offsets, ends = [], [], [], []
        for j, count in enumerate(self.counts):
            inputs = context + sum(self.counts[:j])
            shape = (inputs, hidden)
            weights = torch.randn(shape, generator=rng, dtype=torch.float64, device="cpu")
            first.append((weights * (2.0 / max(inputs, 1)) ** 0.5).to(dtype))
            start = torch.randn(hidden, generator=rng, dtype=torch.float64, device="cpu")
            offsets.append(start.to(dtype))
            last.append(torch.zeros((hidden, count), dtype=dtype, device="cpu"))
            ends.append(torch.zeros(count, dtype=dtype, device="cpu"))
        for name, tensors in (
            ("first", first),
            ("last", last),
            ("offset", offsets),
            ("end", ends),
        ):
            self.register_module(
                name, nn.ParameterList(nn.Parameter(t.to(device)) for t in tensors)
            )

    def _knots(self, j: int, context: Tensor) -> Tensor:
        """Cumulated probabilities of dimension j, `(n, v + 1)` in float64, from 0 to 1."""
        names = (self.get_submodule(name) for name in ("first", "offset", "last", "end"))
        first, offset, last, end = (list(module.parameters())[j] for module in names)
        hidden = functional.leaky_relu(torch.addmm(offset, context, first))
        share = torch.softmax(torch.addmm(end, hidden, last), dim=1).to(torch.float64)
        share = share * (1.0 - LEAST) + LEAST / share.shape[1]
        inner = torch.cumsum(share, dim=1)[:, :-1]
        zero = torch.zeros_like(share[:, :1])
        return torch.cat([zero, inner, torch.ones_like(zero)], dim=1)

    def walk(
        self, given: Tensor, context: Tensor, to_points: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        """All discrete dimensions in turn.

        Args:
            given: r if `to_points`, else u, `(n, m)`.
            context: `(n, c)`.
            to_points: r → u, or u → r.

        Returns:
            The other side `(n, m)`, log|∂other/∂given| `(n,)`, and the context with the values
            appended as one-hot columns.
        """
        columns = []
        total = torch.zeros_like(given[:, 0]) if given.shape[1] else context.new_zeros(0)
        for j, count in enumerate(self.counts):
            way = to_values if to_points else from_values
            other, term = way(given[:, j], self._knots(j, context))
            total = total + term
            value = locate(other if to_points else given[:, j], count)
            columns.append(other)
            hot = functional.one_hot(value, count).to(context.dtype)
            context = torch.cat([context, hot], dim=1)
        return torch.stack(columns, dim=1), total, context
