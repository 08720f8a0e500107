"""Gaussians on the line and around the circle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.plugins.transfer.marginal import TURN

if TYPE_CHECKING:
    from torch import Tensor

IMAGES = tuple(range(-4, 5))
"""Turns that count: with a width below π, what is left out is below 1e-15."""
LOG_NORM = 0.5 * math.log(TURN)


def log_normal(x: Tensor, mean: Tensor, log_width: Tensor) -> Tensor:
    """log of a Gaussian; all of one shape, or one that broadcasts."""
    return -0.5 * ((x - mean) * torch.exp(-log_width)).square() - log_width - LOG_NORM


def log_wrapped(x: Tensor, mean: Tensor, log_width: Tensor) -> Tensor:
    """log of a Gaussian wound around the circle, of width below π."""
    distance = torch.remainder(x - mean + math.pi, TURN) - math.pi
    nothing = torch.zeros_like(distance)
    images = [log_normal(distance + TURN * i, nothing, log_width) for i in IMAGES]
    return torch.logsumexp(torch.stack(images), dim=0)


def draw_normal(shape: tuple[int, ...], rng: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal numbers, drawn on the CPU."""
    return torch.randn(shape, generator=rng, dtype=torch.float64, device="cpu").to(device)
