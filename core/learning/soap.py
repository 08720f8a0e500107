"""Optimiser SOAP (2409.11321): Adam in the eigenbasis of Shampoo's preconditioner.

On smooth amplitudes it ends an order of magnitude below Adam after the same time: the network is
small, so that two eigenbases a layer cost little beside the gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

DECAY = 0.95
"""Of all running means, as in the paper."""
EVERY = 10
"""Steps between two looks at the eigenbases."""
SMALLEST = 1e-10
SIDES = ("left", "right")


@dataclass
class _Side:
    """One side of a matrix: running mean of G Gᵀ and its eigenvectors."""

    mean: Tensor
    basis: Tensor

    @classmethod
    def of(cls, square: Tensor) -> _Side:
        # eigh of a nearly singular float32 matrix may fail to converge
        exact = square.to(torch.float64)
        basis = torch.linalg.eigh(exact).eigenvectors.to(square.dtype)
        # Rows after rows, as a state that was loaded has them: products can depend on it.
        return cls(square, basis.contiguous())

    def turn(self) -> Tensor:
        """One step of power iteration; returns the order the eigenvectors were put in."""
        found = torch.einsum("ij,ik,kj->j", self.basis, self.mean, self.basis)
        order = torch.argsort(found, descending=True)
        self.basis = torch.linalg.qr(self.mean @ self.basis[:, order]).Q.contiguous()
        return order


@dataclass
class _Moments:
    """What is remembered of one parameter."""

    first: Tensor
    second: Tensor
    sides: list[_Side] = field(default_factory=list)


class Soap:
    """Steps of SOAP; matrices by their eigenbases, everything else as Adam has it."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        """Nothing seen yet.

        Args:
            parameters: changed in place by `step`.
        """
        self._parameters = list(parameters)
        self._moments: list[_Moments] = []
        self._steps = 0

    def state(self) -> tuple[dict[str, Tensor], int]:
        """What is remembered of all parameters, and the number of steps."""
        found = {}
        for number, moments in enumerate(self._moments):
            found[f"{number}/first"], found[f"{number}/second"] = moments.first, moments.second
            for name, side in zip(SIDES, moments.sides, strict=False):
                found[f"{number}/{name}/mean"] = side.mean
                found[f"{number}/{name}/basis"] = side.basis
        return found, self._steps

    def load_state(self, tensors: dict[str, Tensor], steps: int) -> None:
        """Takes back what `state` gave."""
        self._steps = steps
        self._moments = [
            _Moments(
                tensors[f"{number}/first"],
                tensors[f"{number}/second"],
                [
                    _Side(tensors[f"{number}/{name}/mean"], tensors[f"{number}/{name}/basis"])
                    for name in SIDES
                    if f"{number}/{name}/mean" in tensors
                ],
            )
            for number in range(len(self._parameters) if tensors else 0)
        ]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rate: float) -> None:
        """One step down the gradients.

        Args:
            gradients: as many as parameters.
            rate: learning rate.
        """
        self._steps += 1
        if not self._moments:
            # The first gradient gives the bases alone: there is no second moment in them yet.
            self._moments = [_first(g) for g in gradients]
            return
        seen = 1 - DECAY ** (self._steps - 1)
        for parameter, gradient, moments in zip(
            self._parameters, gradients, self._moments, strict=True
        ):
            moments.first.lerp_(gradient, 1 - DECAY)
            rotated = _rotated(gradient, moments.sides)
            moments.second.lerp_(rotated.square(), 1 - DECAY)
            change = _rotated(moments.first, moments.sides) / (moments.second.sqrt() + SMALLEST)
            if moments.sides:
                left, right = moments.sides
                change = left.basis @ change @ right.basis.T
            parameter.sub_(change, alpha=rate * math.sqrt(seen) / seen)
            if moments.sides:
                self._look(gradient, moments)

    def _look(self, gradient: Tensor, moments: _Moments) -> None:
        left, right = moments.sides
        left.mean.lerp_(gradient @ gradient.T, 1 - DECAY)
        right.mean.lerp_(gradient.T @ gradient, 1 - DECAY)
        if self._steps % EVERY == 0:
            moments.second = moments.second[left.turn()][:, right.turn()].contiguous()


def _first(gradient: Tensor) -> _Moments:
    sides = []
    if gradient.ndim == 2:
        sides = [_Side.of(gradient @ gradient.T), _Side.of(gradient.T @ gradient)]
    first, second = (
        torch.zeros_like(gradient, memory_format=torch.contiguous_format) for _ in range(2)
    )
    return _Moments(first, second, sides)


def _rotated(gradient: Tensor, sides: list[_Side]) -> Tensor:
    if not sides:
        return gradient
    left, right = sides
    return left.basis.T @ gradient @ right.basis
