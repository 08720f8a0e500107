"""Conditioners: small networks, one for each group of dimensions, evaluated together.

Group g sees the dimensions of the groups before it and the context (channel, condition, discrete
values), and gives the raw numbers of its own splines. Coordinates enter as Chebyshev polynomials
of 2x - 1, so that a network need not build squares out of kinks, and where densities are placed in
logit(x) with that too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


NEAREST = 2.0**-20
"""To the ends of the interval where logit(x) is still told apart."""
SCALE = 4.0
"""That logits are divided by."""


def encode(x: Tensor, degree: int, *, logits: bool = False) -> Tensor:
    """Chebyshev polynomials T_1 … T_degree of 2x - 1, `(n, degree · d)`; then logits, `(n, d)`."""
    z = 2.0 * x - 1.0
    columns, before = [z], torch.ones_like(z)
    for _ in range(degree - 1):
        following = 2.0 * z * columns[-1] - before
        before = columns[-1]
        columns.append(following)
    if logits:
        columns.append(torch.logit(x, NEAREST) / SCALE)
    return torch.cat(columns, dim=1)


class Conditioner(nn.Module):
    """Networks of equal shape for G groups, as batched matrices.

    Attributes:
        groups: dimensions of each group, in the order of dependence.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[int]],
        dimensions: int,
        context: int,
        outputs: int,
        *,
        hidden: int,
        depth: int,
        degree: int,
        rng: torch.Generator | None,
        dtype: torch.dtype,
        device: torch.device,
        logits: bool = False,
    ) -> None:
        """Random first layers, and a last one of zeros: the splines start as the identity.

        Args:
            groups: dimensions of each group.
            dimensions: d, all that can be seen.
            context: length of the context vectors.
            outputs: raw numbers of one dimension.
            hidden: neurons of a hidden layer.
            depth: hidden layers.
            degree: of the polynomials.
            rng: draws the first weights, on the CPU.
            dtype: of the networks.
            device: where they live.
            logits: the networks see logit(x) too.
        """
        super().__init__()
        self.groups = tuple(tuple(group) for group in groups)
        self._dimensions, self._degree, self._logits = dimensions, degree, logits
        self._encoded = (degree + int(logits)) * dimensions
        count, inputs = len(self.groups), self._encoded + context
        largest = max(len(group) for group in self.groups)
        mask = torch.zeros((count, inputs, 1), dtype=dtype, device="cpu")
        mask[:, self._encoded :] = 1.0
        for g in range(count):
            for seen in (i for group in self.groups[:g] for i in group):
                mask[g, seen : self._encoded : dimensions] = 1.0
        fan_in = mask.sum(dim=1, keepdim=True).clamp(min=1.0)
        first = self._random((count, inputs, hidden), rng, dtype) * mask * torch.sqrt(2.0 / fan_in)
        self.mask: Tensor
        self.register_buffer("mask", mask.to(device), persistent=False)
        matrices = [first]
        matrices += [
            self._random((count, hidden, hidden), rng, dtype) * (2.0 / hidden) ** 0.5
            for _ in range(depth - 1)
        ]
        matrices.append(torch.zeros((count, hidden, largest * outputs), dtype=dtype, device="cpu"))
        offsets = [
            torch.zeros((count, 1, m.shape[2]), dtype=dtype, device="cpu") for m in matrices
        ]
        # Neurons whose kinks lie apart from each other: a column of zeros tells them nothing.
        offsets[0] = self._random((count, 1, hidden), rng, dtype) * 0.5
        self.matrices = nn.ParameterList(nn.Parameter(m.to(device)) for m in matrices)
        self.offsets = nn.ParameterList(nn.Parameter(o.to(device)) for o in offsets)

    @staticmethod
    def _random(shape: tuple[int, ...], rng: torch.Generator | None, dtype: torch.dtype) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64, device="cpu").to(dtype)

    def inputs(self, x: Tensor, context: Tensor) -> Tensor:
        """What the networks see, `(n, i)`, in their own precision."""
        encoded = encode(x.to(context.dtype), self._degree, logits=self._logits)
        return torch.cat([encoded, context], dim=1)

    def unseen(self, context: Tensor) -> Tensor:
        """What the networks see before any coordinate is known, `(n, i)`."""
        blank = context.new_zeros((context.shape[0], self._encoded))
        return torch.cat([blank, context], dim=1)

    def seen(self, inputs: Tensor, g: int, x: Tensor) -> Tensor:
        """The inputs with the coordinates `(n, j)` of group g filled in; in place where allowed."""
        if torch.is_grad_enabled():
            inputs = inputs.clone()
        width, d = len(self.groups[g]), self._dimensions
        encoded = encode(x.to(inputs.dtype), self._degree, logits=self._logits)
        for j, dimension in enumerate(self.groups[g]):
            inputs[:, dimension : self._encoded : d] = encoded[:, j::width]
        return inputs

    def all_groups(self, inputs: Tensor) -> Tensor:
        """Raw numbers of every group, `(G, n, outputs of the largest group)`."""
        hidden = inputs
        for i, (matrix, offset) in enumerate(zip(self.matrices, self.offsets, strict=True)):
            if i == 0:
                hidden = torch.matmul(hidden, matrix * self.mask) + offset
            else:
                hidden = torch.baddbmm(
                    offset,
                    functional.leaky_relu(hidden),
                    matrix,
                )
        return hidden

    def one_group(self, g: int, inputs: Tensor) -> Tensor:
        """Raw numbers of group g, `(n, outputs of the largest group)`."""
        hidden = inputs
        for i, (matrix, offset) in enumerate(zip(self.matrices, self.offsets, strict=True)):
            if i == 0:
                hidden = torch.addmm(offset[g], hidden, matrix[g] * self.mask[g])
            else:
                bent = functional.leaky_relu(hidden, inplace=not torch.is_grad_enabled())
                hidden = torch.addmm(offset[g], bent, matrix[g])
        return hidden
