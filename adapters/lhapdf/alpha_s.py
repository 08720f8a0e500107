"""α_s(Q) as the parton density set gives it: from its table, or by two-loop running."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crosshook.adapters.lhapdf.bicubic import Axis, powers
from crosshook.adapters.lhapdf.stencil import stencils
from crosshook.core.errors import InputError


class AlphaS(Protocol):
    """A strong coupling: q (n,) in GeV -> α_s (n,)."""

    def __call__(self, q: Tensor) -> Tensor: ...


class TabulatedAlphaS:
    """LHAPDF's ``AlphaS_Type: ipol``: cubic in log Q² between the knots of the .info file.

    Above the table the last value holds, as in LHAPDF. Below it the first value holds, or, with
    ``continued``, LHAPDF's power law through the first two knots.

    Args:
        q: Knots (GeV), ascending; a threshold is there twice, (k,).
        values: α_s at the knots, (k,).
        continued: Whether to go on below the table.
    """

    def __init__(
        self, q: NDArray[np.float64], values: NDArray[np.float64], *, continued: bool = False
    ) -> None:
        cubic = stencils(np.log(q))
        self._q = q
        self._coefficients = np.einsum("cpk,ck->cp", cubic.matrices, values[cubic.neighbours])
        second = int(np.argmax(q > q[0]))
        self._first = float(values[0])
        self._slope = math.log(values[second] / values[0]) / math.log(q[second] / q[0])
        self._continued = continued
        self._on: dict[torch.device, tuple[Axis, Tensor]] = {}

    def __call__(self, q: Tensor) -> Tensor:
        """α_s at Q (GeV), (n,) -> (n,)."""
        if q.device not in self._on:
            rows = torch.as_tensor(self._coefficients, dtype=torch.float64, device=q.device)
            self._on[q.device] = Axis(self._q, q.device), rows
        axis, rows = self._on[q.device]
        lowest = float(self._q[0])
        cell, t = axis.locate(q.clamp(lowest, float(self._q[-1])))
        inside = (rows[cell] * powers(t)).sum(dim=1)
        if not self._continued:
            return inside
        # the ratio is clamped so that the branch not taken has a finite gradient
        below = self._first * (q / lowest).clamp(max=1.0) ** self._slope
        return torch.where(q < lowest, below, inside)


class RunningAlphaS:
    """Exact solution of the one- or two-loop running from α_s(M_Z), continuous at the thresholds.

    With u = 1/α_s and L = log Q² the equation du/dL = b0 + b1/u has the solution
    u - c log(u + c) = b0 L + const with c = b1/b0, inverted by Newton's method.

    Args:
        reference: α_s at the reference scale.
        scale: Reference scale (GeV).
        thresholds: Scales (GeV) at which one more flavour becomes active.
        light: Flavours active below all thresholds.
        loops: 1 or 2.
        q_min: Below this scale (GeV) α_s is frozen, which keeps clear of the Landau pole.
    """

    def __init__(
        self,
        reference: float,
        scale: float,
        thresholds: Sequence[float],
        light: int,
        loops: int = 2,
        q_min: float = 1.0,
    ) -> None:
        self._q_min = q_min
        self._thresholds = sorted(thresholds)
        flavours = range(light, light + 1 + len(self._thresholds))
        self._b0 = [(33 - 2 * n) / (12 * math.pi) for n in flavours]
        two_loops = [(153 - 19 * n) / (24 * math.pi**2) for n in flavours]
        self._c = [
            b1 / b0 if loops > 1 else 0.0 for b1, b0 in zip(two_loops, self._b0, strict=True)
        ]
        start = sum(scale > threshold for threshold in self._thresholds)
        # const of each region, carried outwards from the region of the reference scale
        u = 1.0 / reference
        constants = {start: self._constant(start, u, scale)}
        for region in range(start, len(self._thresholds)):
            u = self._inverse(region, constants[region], self._thresholds[region])
            constants[region + 1] = self._constant(region + 1, u, self._thresholds[region])
        for region in range(start, 0, -1):
            u = self._inverse(region, constants[region], self._thresholds[region - 1])
            constants[region - 1] = self._constant(region - 1, u, self._thresholds[region - 1])
        self._constants = [constants[region] for region in range(len(self._b0))]

    def _constant(self, region: int, u: float, scale: float) -> float:
        c = self._c[region]
        return u - c * math.log(u + c) - self._b0[region] * 2.0 * math.log(scale)

    def _inverse(self, region: int, constant: float, scale: float) -> float:
        one = torch.tensor([scale], dtype=torch.float64, device="cpu")
        return float(
            self._solve(
                one,
                *(
                    torch.full_like(one, value)
                    for value in (self._b0[region], self._c[region], constant)
                ),
            )[0]
        )

    def _solve(self, q: Tensor, b0: Tensor, c: Tensor, constant: Tensor) -> Tensor:
        target = constant + 2.0 * b0 * q.log()
        u = target.clamp(min=0.5) + c * torch.log(target.clamp(min=0.5) + 1.0)
        for _ in range(12):  # converges quadratically; the last steps also carry the gradient
            u = u - (u - c * torch.log(u + c) - target) * (u + c) / u
        return u

    def __call__(self, q: Tensor) -> Tensor:
        """α_s at Q (GeV), (n,) -> (n,)."""
        q = q.clamp(min=self._q_min)
        thresholds, b0, c, constants = (
            torch.as_tensor(values, dtype=torch.float64, device=q.device)
            for values in (self._thresholds, self._b0, self._c, self._constants)
        )
        region = torch.searchsorted(thresholds, q.detach().contiguous())
        return 1.0 / self._solve(q, b0[region], c[region], constants[region])


def alpha_s_of(info: Mapping[str, object], path: Path, q_min: float, *, continued: bool) -> AlphaS:
    """Builds the coupling a set's metadata describe.

    A table (``AlphaS_Qs``, ``AlphaS_Vals``) is interpolated; without one, α_s runs from
    ``AlphaS_MZ`` with one loop where ``AlphaS_OrderQCD`` is 0 and with two otherwise.

    Args:
        info: The set's metadata.
        path: Their file, for messages.
        q_min: Where running without a table is frozen (GeV).
        continued: Whether a table is continued below its first knot.
    """
    if "AlphaS_Qs" in info or "AlphaS_Vals" in info:
        q, values = (_array(info.get(key), key, path) for key in ("AlphaS_Qs", "AlphaS_Vals"))
        if q.shape != values.shape or q.size < 2 or (np.diff(q) < 0.0).any() or q[0] == q[-1]:
            message = (
                f"{path}: AlphaS_Qs and AlphaS_Vals: two ascending lists of one length expected"
            )
            raise InputError(message)
        if q[0] <= 0.0 or (values <= 0.0).any():
            message = f"{path}: AlphaS_Qs and AlphaS_Vals: positive numbers expected"
            raise InputError(message)
        return TabulatedAlphaS(q, values, continued=continued)
    if "AlphaS_MZ" not in info or "MZ" not in info:
        message = f"{path}: neither AlphaS_Qs and AlphaS_Vals nor AlphaS_MZ and MZ are given"
        raise InputError(message)
    flavours = int(number(info, "NumFlavors", path, default=5.0))
    names = ("MCharm", "MBottom", "MTop")[: max(flavours - 3, 0)]
    thresholds = [number(info, name, path) for name in names if name in info]
    light = flavours - len(thresholds)  # a flavour without a mass is always active
    loops = 1 if number(info, "AlphaS_OrderQCD", path, default=1.0) == 0.0 else 2
    reference, scale = number(info, "AlphaS_MZ", path), number(info, "MZ", path)
    return RunningAlphaS(reference, scale, thresholds, light, loops, q_min)


def number(
    info: Mapping[str, object], key: str, path: Path, default: float | None = None
) -> float:
    """A number of the metadata; numbers like ``1e-05``, which YAML reads as text, are taken too."""
    value = info.get(key, default)
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        message = f"{path}: {key}: a number expected, {value!r} found"
        raise InputError(message) from error


def _array(value: object, key: str, path: Path) -> NDArray[np.float64]:
    try:
        return np.array(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        message = f"{path}: {key}: a list of numbers expected"
        raise InputError(message) from error
