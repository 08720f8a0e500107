"""A logistic distribution between coordinate and spline: peaks that move need no bins.

y = σ((logit(x) − m)/s) with m and s out of two raw numbers: a density of width s around m in logit x.
A spline alone has to put its bins where a narrow peak is, for every condition anew. Raw numbers 0
give the identity.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

RAW = 2
"""Raw numbers: m, and what gives log s."""
NARROWEST = -7.0
"""Smallest log s; the largest is log 2: at more the ends of the cube would take finite shares."""
NEAREST = 2.0**-50
"""To the ends at which a coordinate still moves."""


def _place_and_width(raw: Tensor) -> tuple[Tensor, Tensor]:
    raw = raw.double()
    log_width = math.log(2.0) - functional.softplus(raw[..., 1])
    return raw[..., 0], log_width.clamp(min=NARROWEST)


def _log_derivative(t: Tensor) -> Tensor:
    """log σ'(t)."""
    return -functional.softplus(t) - functional.softplus(-t)


def to_unit(x: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
    """y(x) and log dy/dx.

    Args:
        x: in [0, 1], any shape.
        raw: its shape and `RAW` numbers more.
    """
    place, log_width = _place_and_width(raw)
    v = torch.logit(x, NEAREST)
    t = (v - place) * torch.exp(-log_width)
    return torch.sigmoid(t), _log_derivative(t) - log_width - _log_derivative(v)


def from_unit(y: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
    """x(y), the inverse of `to_unit`, and log dy/dx at x."""
    place, log_width = _place_and_width(raw)
    t = torch.logit(y, NEAREST)
    v = place + torch.exp(log_width) * t
    return torch.sigmoid(v), _log_derivative(t) - log_width - _log_derivative(v)
