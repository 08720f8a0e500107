"""Transverse momenta that add up to zero, each above a cut, their sizes adding up to at most √s.

All but one are drawn, one after the other: the size p from a power law, then the angle to the sum K
of those before it. The last one recoils. Sizes and angles have exactly the ranges that leave room for
the rest, so that no point fails the cut:

    p_j  <= min((√s - S + K)/2, √s - S - r p_min),    |K + p_j| <= √s - S - p_j,    |recoil| >= p_min,

with S the sum of the sizes before p_j and r the number of momenta after it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.falling import Falling

_SMALLEST = 1e-12
"""Floor of an angle's range, under which it is rounding: keeps the density finite."""


@dataclass(frozen=True)
class TransverseChain:
    """Draws j transverse momenta; the first points along x, and the second lies at y >= 0.

    Attributes:
        count: number j of momenta, at least 3.
        pt_min: smallest size in GeV, above 0.
        size: power law of the sizes.
    """

    count: int
    pt_min: float
    size: Falling

    def forward(self, root_s: Tensor, sizes: Tensor, angles: Tensor) -> Tensor:
        """Transverse momenta.

        Args:
            root_s: √s in GeV, `(n,)`.
            sizes: u of the sizes, `(n, j - 1)`.
            angles: u of the angles, `(n, j - 2)`.

        Returns:
            `(n, j, 2)` in GeV, in the order of drawing, the recoil last.
        """
        low = torch.full_like(root_s, self.pt_min)
        zero = torch.zeros_like(root_s)
        x, y, total = zero, zero, zero
        found = []
        for i in range(self.count - 1):
            k = torch.sqrt(x.square() + y.square()) if i else zero
            p = self.size.forward(sizes[:, i], low, self._largest(root_s, k, total, i))
            if i == 0:
                px, py = p, zero
            else:
                near, far = self._angles(root_s, k, total, p, i)
                u = angles[:, i - 1]
                angle = near + u * (far - near) if i == 1 else _either_side(u, near, far)
                # K's direction; any will do where K vanishes
                ex, ey = x / k.clamp_min(_SMALLEST), y / k.clamp_min(_SMALLEST)
                c, s = p * torch.cos(angle), p * torch.sin(angle)
                px, py = c * ex - s * ey, c * ey + s * ex
            found += [px, py]
            x, y, total = x + px, y + py, total + p
        return torch.stack((*found, -x, -y), -1).unflatten(-1, (self.count, 2))

    def inverse(self, root_s: Tensor, momenta: Tensor) -> tuple[Tensor, Tensor]:
        """The u of the sizes and of the angles, for momenta `(n, j, 2)` turned in any way."""
        low = torch.full_like(root_s, self.pt_min)
        zero = torch.zeros_like(root_s)
        x, y, total = zero, zero, zero
        side = _cross(momenta[:, 0], momenta[:, 1]).sign()
        sizes, angles = [], []
        for i in range(self.count - 1):
            px, py = momenta[:, i].unbind(-1)
            p = torch.sqrt(px.square() + py.square())
            k = torch.sqrt(x.square() + y.square())
            sizes.append(self.size.inverse(p, low, self._largest(root_s, k, total, i)))
            if i:
                near, far = self._angles(root_s, k, total, p, i)
                angle = side * torch.atan2(x * py - y * px, x * px + y * py)
                share = ((angle.abs() - near) / (far - near).clamp_min(_SMALLEST)).clamp(0, 1)
                angles.append(share if i == 1 else 0.5 * (1 + torch.sign(angle) * share))
            x, y, total = x + px, y + py, total + p
        return torch.stack(sizes, -1), torch.stack(angles, -1)

    def log_density(self, root_s: Tensor, momenta: Tensor) -> Tensor:
        """Log of the density in Π d²p over all but the recoil, in GeV^(2-2j).

        The azimuth of the whole is uniform and both signs of the angles are counted.

        Args:
            root_s: √s in GeV, `(...)`.
            momenta: `(..., j, 2)` in the order of drawing.
        """
        low = torch.full_like(root_s, self.pt_min)
        sizes = torch.sqrt(momenta.square().sum(-1))
        sums = momenta.cumsum(-2)
        totals = sizes.cumsum(-1)
        result = torch.full_like(root_s, -math.log(2 * math.pi))
        k = total = torch.zeros_like(root_s)
        for i in range(self.count - 1):
            p = sizes[..., i]
            largest = self._largest(root_s, k, total, i)
            result = result + self.size.log_density(p, low, largest) - torch.log(p)
            if i:
                near, far = self._angles(root_s, k, total, p, i)
                result = result - torch.log(2 * (far - near).clamp_min(_SMALLEST))
            k, total = torch.sqrt(sums[..., i, :].square().sum(-1)), totals[..., i]
        return result

    def _largest(self, root_s: Tensor, k: Tensor, total: Tensor, i: int) -> Tensor:
        left = root_s - total
        after = self.count - 1 - i
        largest = torch.minimum(0.5 * (left + k), left - after * self.pt_min)
        return largest.clamp_min(self.pt_min)

    def _angles(
        self, root_s: Tensor, k: Tensor, total: Tensor, p: Tensor, i: int
    ) -> tuple[Tensor, Tensor]:
        """Smallest and largest angle between K and p."""
        largest = (root_s - total - p).square()
        smallest = self.pt_min**2 if i == self.count - 2 else 0.0
        squares, product = k.square() + p.square(), (2 * k * p).clamp_min(_SMALLEST)
        near = _arc((largest - squares) / product)
        return near, torch.maximum(_arc((smallest - squares) / product), near)


def _either_side(u: Tensor, near: Tensor, far: Tensor) -> Tensor:
    """Angles from -far to -near and near to far."""
    signed = 2 * u - 1
    positive = signed >= 0
    size = near + torch.where(positive, signed, -signed) * (far - near)
    return torch.where(positive, size, -size)


def _arc(cosine: Tensor) -> Tensor:
    """acos, 0 or π beyond its ends, with gradient 0 there."""
    inside = cosine.abs() < 1
    arc = torch.acos(torch.where(inside, cosine, 0.0))
    return torch.where(inside, arc, torch.where(cosine > 0, 0.0, math.pi))


def _cross(one: Tensor, two: Tensor) -> Tensor:
    return one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
