"""The self-test every source of amplitudes passes when it is loaded.

Amplitudes that are silently wrong have been seen in the field; a stored point from another program
and the invariance of |M|² under a common rotation and boost find them at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.phase_space.beams import incoming
from crosshook.core.phase_space.massive_rambo import MassiveRambo
from crosshook.core.random import torch_generator

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import CheckPoint, MatrixElement
    from crosshook.core.interfaces.process import Process

INVARIANCE = 1e-9
"""Relative change allowed under a boost of rapidity 0.5 and a rotation: rounding of float64 times
the cancellation in the invariants, at most ~10⁶ ε for events near the beam."""

GENERIC_INVARIANCE = 1e-8
"""The same at points of flat phase space, of which one in a hundred has a pair ten times closer."""

GENERIC_POINTS = 16

FRAMES = "changes by {:.2g} under a common boost and rotation"


def check_amplitudes(process: Process, device: torch.device) -> None:
    """Compares every stored point and tests Lorentz invariance there.

    Raises:
        NumericalError: naming the process, the point and both numbers.
    """
    for point in process.checkpoints:
        check_amplitude(process, point, device)


def check_amplitude(process: Process, point: CheckPoint, device: torch.device) -> None:
    """Compares one stored point and tests Lorentz invariance there.

    Raises:
        NumericalError: naming the process, the point and both numbers.
    """
    matrix_element = process.matrix_element()
    momenta = torch.tensor([point.momenta], dtype=torch.float64, device=device)
    moved = boosted_and_rotated(momenta)
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
    if abs(values[1] / values[0] - 1) > max(INVARIANCE, point.invariance):
        message = (
            f"{process.name}: |M|² of {label} changes by {values[1] / values[0] - 1:.2g} "
            "under a common boost and rotation"
        )
        raise NumericalError(message)


def check_generic_points(
    matrix_element: MatrixElement,
    name: str,
    energy: float,
    n_incoming: int,
    device: torch.device,
    invariance: float = 0.0,
) -> None:
    """Evaluates every amplitude at points of flat phase space: what needs no stored value.

    |M|² must be finite and positive, the same in a boosted and rotated frame, and the same for a
    point by itself as for one among others.

    Args:
        matrix_element: the amplitudes.
        name: of their source, for messages.
        energy: √ŝ in GeV, or the mass of what decays.
        n_incoming: 1 or 2.
        device: where the points live.
        invariance: relative change allowed under a boost and a rotation; at least rounding.

    Raises:
        NumericalError: naming the subprocess, the law and both numbers.
    """
    momenta = generic_points(matrix_element.masses, energy, n_incoming, device)
    alpha_s = torch.full_like(momenta[:, 0, 0], 0.118)
    tested: set[int] = set()
    for number, sub in enumerate(matrix_element.subprocesses):
        if sub.amplitude in tested:
            continue
        tested.add(sub.amplitude)
        place = f"{name}: |M|² of {sub.label}"
        value = matrix_element.squared(momenta, number, alpha_s).value
        bad = ~(torch.isfinite(value) & (value > 0))
        if bool(bad.any()):
            row = int(torch.nonzero(bad)[0, 0])
            message = f"{place} is {float(value[row])} at momenta {momenta[row].tolist()}"
            raise NumericalError(message)
        others = {
            FRAMES: matrix_element.squared(boosted_and_rotated(momenta), number, alpha_s).value,
            "changes by {:.2g} with the number of points evaluated at once": torch.cat(
                [
                    matrix_element.squared(momenta[i : i + 1], number, alpha_s[i : i + 1]).value
                    for i in range(len(momenta))
                ]
            ),
        }
        allowed = dict.fromkeys(others, GENERIC_INVARIANCE)
        allowed[FRAMES] = max(GENERIC_INVARIANCE, invariance)
        for law, other in others.items():
            change = other / value - 1
            worst = int(change.abs().nan_to_num(nan=torch.inf).argmax())
            if not abs(float(change[worst])) <= allowed[law]:
                message = f"{place} {law.format(float(change[worst]))}"
                raise NumericalError(message)


def generic_points(
    masses: tuple[float, ...], energy: float, n_incoming: int, device: torch.device
) -> Tensor:
    """Momenta `(n, m, 4)`: the same ones every time, evenly spread over phase space."""
    final = MassiveRambo(masses[n_incoming:])
    rng = torch_generator(0, "self-test")
    shape = (GENERIC_POINTS, final.n_dim)
    u = torch.rand(shape, generator=rng, dtype=torch.float64, device="cpu").to(device)
    s = torch.full_like(u[:, 0], energy**2)
    momenta, _ = final.forward(u, s)
    half, zero = 0.5 * torch.sqrt(s), torch.zeros_like(s)
    if n_incoming == 1:
        beams = torch.stack((2 * half, zero, zero, zero), -1)[:, None]
    else:
        beams = incoming(half, half)
    return torch.cat((beams, momenta), 1)


def _parameters(
    point: CheckPoint, matrix_element: MatrixElement, device: torch.device
) -> Tensor | None:
    """Model parameters of the stored point where they are not the process's own, `(1, c)`."""
    if not point.parameters:
        return None
    values = {**matrix_element.parameters, **point.parameters}
    return torch.tensor([list(values.values())], dtype=torch.float64, device=device)


def boosted_and_rotated(momenta: Tensor) -> Tensor:
    """The same event in another frame."""
    return _boost(_rotate(momenta, 0.7), 0.5)


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
