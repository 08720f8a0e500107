"""One layer of splines: group after group of dimensions, each given those before it.

Groups of one dimension each make an autoregressive layer; two groups make a coupling layer, whose
first group has splines that depend on the context only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from crosshook.plugins.flow import logistic, spline, spline_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.plugins.flow.conditioner import Conditioner


def _by_kernel(position: Tensor) -> bool:
    return position.device.type == "cpu" and not torch.compiler.is_compiling()


def to_uniform(x: Tensor, raw: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """`spline.to_uniform` by the fastest means."""
    if _by_kernel(x):
        y, log_slope = spline_kernel.ToUniform.apply(x, raw, bins)  # type: ignore[no-untyped-call]
        return y, log_slope
    return spline.to_uniform(x, raw, bins)


def from_uniform(y: Tensor, raw: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """`spline.from_uniform` by the fastest means."""
    wanted = torch.is_grad_enabled() and (y.requires_grad or raw.requires_grad)
    if _by_kernel(y) and not wanted:
        return spline_kernel.from_uniform(y, raw, bins)
    return spline.from_uniform(y, raw, bins)


class SplineLayer(nn.Module):
    """Splines of all dimensions, group by group."""

    def __init__(self, conditioner: Conditioner, bins: int, *, placed: bool = False) -> None:
        """Takes the networks that give the splines.

        Args:
            conditioner: gives `raw_size(bins, placed)` numbers a dimension.
            bins: of a spline.
            placed: a logistic distribution in front of each spline.
        """
        super().__init__()
        self.conditioner = conditioner
        self._bins, self._placed = bins, placed
        self._size = raw_size(bins, placed=placed)
        sizes = [len(group) for group in conditioner.groups]
        self._even = len(set(sizes)) == 1
        self._order = [i for group in conditioner.groups for i in group]
        self._back = sorted(range(len(self._order)), key=self._order.__getitem__)

    def inverse(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """x → y, the direction of the density: all groups at once.

        Args:
            x: `(n, d)` in [0, 1].
            context: `(n, c)` in the networks' precision.

        Returns:
            y `(n, d)`, and log|∂y/∂x| `(n,)`.
        """
        n = x.shape[0]
        raw = self.conditioner.all_groups(self.conditioner.inputs(x, context))
        size = self._size
        groups = self.conditioner.groups
        if self._even:
            width = len(groups[0])
            columns = x[:, self._order].T.reshape(len(groups), width, n)
            rows = raw.view(len(groups), n, width, size).transpose(1, 2)
        else:
            columns = x[:, self._order].T
            rows = torch.cat(
                [
                    raw[g].view(n, raw.shape[2] // size, size)[:, : len(group)].transpose(0, 1)
                    for g, group in enumerate(groups)
                ]
            )
        y, log_slope = self._to_uniform(columns, rows)
        y = y.reshape(len(self._order), n)[self._back].T
        return y, log_slope.reshape(len(self._order), n).sum(dim=0)

    def forward(self, y: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """y → x, group after group; returns x `(n, d)` and log|∂x/∂y| `(n,)`."""
        n = y.shape[0]
        size = self._size
        columns: list[Tensor | None] = [None] * y.shape[1]
        total = torch.zeros_like(y[:, 0])
        inputs = self.conditioner.unseen(context)
        for g, group in enumerate(self.conditioner.groups):
            raw = self.conditioner.one_group(g, inputs)
            rows = raw.view(n, raw.shape[1] // size, size)[:, : len(group)]
            own = y[:, group[0], None] if len(group) == 1 else y[:, list(group)]
            x, log_slope = self._from_uniform(own, rows)
            if g + 1 < len(self.conditioner.groups):
                inputs = self.conditioner.seen(inputs, g, x)
            for j, dimension in enumerate(group):
                columns[dimension] = x[:, j]
            total = total - log_slope.sum(dim=1)
        return torch.stack([c for c in columns if c is not None], dim=1), total

    def _to_uniform(self, x: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        if not self._placed:
            return to_uniform(x, raw, self._bins)
        between, log_first = logistic.to_unit(x, raw[..., -logistic.RAW :])
        y, log_second = to_uniform(between, raw[..., : -logistic.RAW], self._bins)
        return y, log_first + log_second

    def _from_uniform(self, y: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        if not self._placed:
            return from_uniform(y, raw, self._bins)
        between, log_second = from_uniform(y, raw[..., : -logistic.RAW], self._bins)
        x, log_first = logistic.from_unit(between, raw[..., -logistic.RAW :])
        return x, log_first + log_second


def raw_size(bins: int, *, placed: bool = False) -> int:
    """Raw numbers of a dimension."""
    return spline.raw_size(bins) + (logistic.RAW if placed else 0)


def groups_of(structure: str, dimensions: int, layer: int) -> Sequence[Sequence[int]]:
    """Groups of a layer's dimensions.

    Autoregressive layers alternate between the order of the dimensions and its reverse. Coupling
    layers go by the binary digits of the dimensions' numbers, each digit and then its complement,
    so that every pair of dimensions is coupled by the fewest layers (1805.12120).

    Args:
        structure: `autoregressive` or `coupling`.
        dimensions: d.
        layer: its number, from the innermost.
    """
    everything = list(range(dimensions))
    if dimensions == 1:
        return [everything]
    if structure == "autoregressive":
        return [[i] for i in (everything if layer % 2 == 0 else reversed(everything))]
    digits = max(1, (dimensions - 1).bit_length())
    digit, flipped = (layer // 2) % digits, layer % 2
    first = [i for i in everything if (i >> digit) & 1 == flipped]
    return [first, [i for i in everything if i not in first]]
