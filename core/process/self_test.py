"""The self-test every source of amplitudes passes when it is loaded.

Amplitudes that are silently wrong have been seen in the field; a stored point from another program
and the invariance of |M|² under a common rotation and boost find them at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import CheckPoint, MatrixElement
    from crosshook.core.interfaces.process import Process

INVARIANCE = 1e-9
"""Relative change allowed under a boost of rapidity 0.5 and a rotation: rounding of float64 times
the cancellation in the invariants, at most ~10⁶ ε for events near the beam."""


def check_amplitudes(process: Process, device: torch.device) -> None:
    """Compares every stored point and tests Lorentz invariance there.

    Raises:
        NumericalError: naming the process, the point and both numbers.
    """
    matrix_element = process.matrix_element()
    for point in process.checkpoints:
        momenta = torch.tensor([point.momenta], dtype=torch.float64, device=device)
        moved = _boost(_rotate(momenta, 0.7), 0.5)
        alpha_s = torch.tensor([point.alpha_s], dtype=torch.float64, device=device)
        theta = _parameters(point, matrix_element, device)
        label = matrix_element.subprocesses[point.subprocess].label
        values = [
            float(matrix_element.squared(p, point.subprocess, alpha_s, theta).value[0])
            for p in (momenta, moved)
        ]
        for value, place in zip(values, ("", ", rotated and boosted"), strict=True):
            if not (math.isfinite(value) and value > 0):
                message = f"{process.name}: |M|² of {label} is {value} at the stored point{place}"
                raise NumericalError(message)
        if abs(values[0] / point.value - 1) > point.tolerance:
            message = (
                f"{process.name}: |M|² of {label} is {values[0]:.10g}, but {point.origin} gives "
                f"{point.value:.10g} (allowed: {point.tolerance:g} relative)"
            )
            raise NumericalError(message)
        if abs(values[1] / values[0] - 1) > INVARIANCE:
            message = (
                f"{process.name}: |M|² of {label} changes by {values[1] / values[0] - 1:.2g} "
                "under a common boost and rotation"
            )
            raise NumericalError(message)


def _parameters(
    point: CheckPoint, matrix_element: MatrixElement, device: torch.device
) -> Tensor | None:
    """Model parameters of the stored point where they are not the process's own, `(1, c)`."""
    if not point.parameters:
        return None
    values = {**matrix_element.parameters, **point.parameters}
    return torch.tensor([list(values.values())], dtype=torch.float64, device=device)


def _rotate(p: Tensor, angle: float) -> Tensor:
    """Rotates about the y axis."""
    c, s = math.cos(angle), math.sin(angle)
    x, z = p[..., 1], p[..., 3]
    return torch.stack([p[..., 0], c * x + s * z, p[..., 2], c * z - s * x], dim=-1)


def _boost(p: Tensor, rapidity: float) -> Tensor:
    """Boosts along the x axis."""
    ch, sh = math.cosh(rapidity), math.sinh(rapidity)
    e, x = p[..., 0], p[..., 1]
    return torch.stack([ch * e + sh * x, sh * e + ch * x, p[..., 2], p[..., 3]], dim=-1)
