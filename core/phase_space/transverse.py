"""Transverse momenta that add up to zero, with the rapidity gaps between them as shares of their span.

All but one momentum are drawn, one after the other: the size p from a power law, then the angle to the
sum K of those before it. The last one recoils. Sizes and angles have exactly the ranges that leave room
for the rest, so that every size is above the cut and the sizes add up to at most √s:

    p_j  <= min((√s - S + K)/2, √s - S - r p_min),    |K + p_j| <= √s - S - p_j,    |recoil| >= p_min,

with S the sum of the sizes before p_j and r the number of momenta after it. Between the sizes and the
angle comes a gap, and the angle is peaked where it makes the pair parallel. For that the span is
estimated as that of two jets of p_T = p_1 + p_2, which is what it is where two are parallel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import torch

from crosshook.core.phase_space import collinear

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.phase_space.falling import Falling
    from crosshook.core.phase_space.rungs import Rungs

_SMALLEST = 1e-12
"""Floor of an angle's range, under which it is rounding: keeps the density finite."""

_FLAT = 100.0
"""Peak parameter or cutoff with which a map is flat."""

_SHORTEST = 0.3
"""Floor of the estimated span: particles drawn beyond it cannot be parallel."""

_SOFTER = 3.0
"""Where a peak is cut off, relative to the cut on the pair: of 0.5 to 8 the best, untrained."""


class Coordinates(NamedTuple):
    """Coordinates of the unit cube, or what they are coordinates of.

    Attributes:
        sizes: `(n, j - 1)`.
        angles: `(n, j - 2)`.
        gaps: `(n, j - 2)`.
    """

    sizes: Tensor
    angles: Tensor
    gaps: Tensor


@dataclass(frozen=True)
class TransverseChain:
    """Draws j = 3 or 4 transverse momenta; the first points along x, and the second lies at y >= 0.

    Attributes:
        rungs: the orders of drawing, one per channel.
        pt_min: smallest size in GeV, above 0.
        m_pair: smallest mass of a pair in GeV.
        delta_r: smallest distance of a pair.
        size: power law of the sizes.
    """

    rungs: tuple[Rungs, ...]
    pt_min: float
    m_pair: float
    delta_r: float
    size: Falling
    count: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", len(self.rungs[0].places))

    def forward(self, root_s: Tensor, u: Coordinates, channel: Tensor) -> tuple[Tensor, Tensor]:
        """Transverse momenta `(n, j, 2)` in GeV and shares of the span `(n, j - 1)`, as drawn."""
        zero = torch.zeros_like(root_s)
        step = _Step(self, root_s, channel)
        found, shares = [], []
        left = torch.ones_like(root_s)
        x = y = zero
        for i in range(self.count - 1):
            p = self.size.forward(u.sizes[:, i], step.low, step.largest(i))
            step.sized(i, p)
            if i == 0:
                px, py = p, zero
            else:
                power = self.count - 1 - i
                share = collinear.gap(u.gaps[:, i - 1], step.cutoff(), power)
                shares.append(left * share)
                left = left - shares[-1]
                step.spaced(shares, left)
                size = step.angle(u.angles[:, i - 1])
                # K's direction; any will do where K vanishes
                ex, ey = x / step.k.clamp_min(_SMALLEST), y / step.k.clamp_min(_SMALLEST)
                c, s = p * torch.cos(size), p * torch.sin(size)
                px, py = c * ex - s * ey, c * ey + s * ex
            found += [px, py]
            x, y = x + px, y + py
            step.turned(x, y)
        momenta = torch.stack((*found, -x, -y), -1).reshape(-1, self.count, 2)
        return momenta, torch.stack((*shares, left), -1)

    def inverse(
        self, root_s: Tensor, momenta: Tensor, shares: Tensor, channel: Tensor
    ) -> Coordinates:
        """The coordinates of momenta `(n, j, 2)`, turned in any way, and shares `(n, j - 1)`."""
        step = _Step(self, root_s, channel)
        first, second = momenta[:, 0], momenta[:, 1]
        side = torch.sign(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
        sizes, angles, gaps = [], [], []
        left = torch.ones_like(root_s)
        x = y = torch.zeros_like(root_s)
        for i in range(self.count - 1):
            px, py = momenta[:, i].unbind(-1)
            p = torch.sqrt(px.square() + py.square())
            sizes.append(self.size.inverse(p, step.low, step.largest(i)))
            step.sized(i, p)
            if i:
                share = shares[:, i - 1]
                relative = (share / left.clamp_min(1e-300)).clamp(0, 1)
                gaps.append(collinear.gap_inverse(relative, step.cutoff(), self.count - 1 - i))
                left = left - share
                step.spaced(list(shares[:, :i].unbind(1)), left)
                angle = side * torch.atan2(x * py - y * px, x * px + y * py)
                angles.append(step.angle_inverse(angle))
            x, y = x + px, y + py
            step.turned(x, y)
        return Coordinates(torch.stack(sizes, -1), torch.stack(angles, -1), torch.stack(gaps, -1))

    def log_density(
        self, root_s: Tensor, momenta: Tensor, shares: Tensor, channel: Tensor
    ) -> Tensor:
        """Log of the density in Π d²p over all but the recoil, in GeV^(2-2j), times that of the gaps.

        The gaps' density is relative to the uniform one. The azimuth of the whole is uniform and both
        signs of the angles are counted.

        Args:
            root_s: √s in GeV, `(...)`.
            momenta: `(..., j, 2)` in the order of drawing.
            shares: `(..., j - 1)`.
            channel: `(...)` int64.
        """
        step = _Step(self, root_s, channel)
        sums = momenta.cumsum(-2)
        result = torch.full_like(root_s, -math.log(2 * math.pi))
        left = torch.ones_like(root_s)
        for i in range(self.count - 1):
            p = torch.sqrt(momenta[..., i, :].square().sum(-1))
            result = result + self.size.log_density(p, step.low, step.largest(i)) - torch.log(p)
            step.sized(i, p)
            if i:
                share = shares[..., i - 1]
                relative = (share / left.clamp_min(1e-300)).clamp(0, 1)
                power = self.count - 1 - i
                result = result + collinear.gap_log_density(relative, step.cutoff(), power)
                left = left - share
                step.spaced(list(shares[..., :i].unbind(-1)), left)
                before, now = sums[..., i - 1, :], momenta[..., i, :]
                across = before[..., 0] * now[..., 1] - before[..., 1] * now[..., 0]
                angle = torch.atan2(across, (before * now).sum(-1))
                result = result + step.angle_log_density(angle)
            step.turned(*sums[..., i, :].unbind(-1))
        return result


class _Step:
    """What is known on the way along the chain."""

    def __init__(self, chain: TransverseChain, root_s: Tensor, channel: Tensor) -> None:
        self.chain, self.root_s = chain, root_s
        self.low = torch.full_like(root_s, chain.pt_min)
        self.k = self.total = torch.zeros_like(root_s)
        rungs = chain.rungs

        def flag(values: list[bool]) -> Tensor:
            return torch.tensor(values, device=root_s.device)[channel]

        self.pair = flag([r.pair for r in rungs])
        self.beside = flag([r.beside >= 0 for r in rungs])
        self.opposite = flag([r.opposite >= 0 for r in rungs])
        # the gap beside the pair is the second one drawn, or what is left
        self.beside_left = flag([r.beside == r.gaps[-1] for r in rungs])

    def largest(self, i: int) -> Tensor:
        """Largest size of the i-th momentum."""
        left = self.root_s - self.total
        after = self.chain.count - 1 - i
        largest = torch.minimum(0.5 * (left + self.k), left - after * self.chain.pt_min)
        return torch.maximum(largest, self.low)

    def sized(self, i: int, p: Tensor) -> None:
        """The i-th momentum has this size."""
        self.i, self.p = i, p
        if i == 0:
            return
        if i == 1:
            self.jet = self.total + p
            # two jets of this p_T: cosh(span) = s/2p² - 1
            ratio = 0.5 * (self.root_s / self.jet).square() - 1
            self.span = torch.acosh(ratio.clamp_min(math.cosh(_SHORTEST)))
            self.one, self.two = self._cut(self.total, p), self._flat()
            self.share = torch.where(self.pair, self._gap(self.one), _FLAT)
        else:
            recoil = torch.maximum((self.jet - p).abs(), self.low)
            self.one = self._cut(0.5 * self.jet, p)
            self.two = self._cut(recoil, p)
            own = torch.where(self.opposite, self.two, self.one)
            self.share = self._gap(own)

    def cutoff(self) -> Tensor:
        """Where the fall of the gap ends, as a share."""
        return self.share * (self.chain.count - 1 - self.i)

    def spaced(self, shares: list[Tensor], left: Tensor) -> None:
        """The gaps so far and what is left of the span are known; so are the angle's peaks."""
        if self.i == 1:
            gap = shares[0] * self.span
            peak = self._peak(gap, self.one)
            self.peak, self.back = torch.where(self.pair, peak, _FLAT), self._flat()
        else:
            drawn, rest = shares[-1] * self.span, left * self.span
            beside = torch.where(self.beside_left, rest, drawn)
            self.peak = torch.where(self.beside, self._peak(beside, self.one), _FLAT)
            self.back = torch.where(self.opposite, self._peak(drawn, self.two), _FLAT)
        self.near, self.far = self._range()

    def turned(self, x: Tensor, y: Tensor) -> None:
        """The sum so far."""
        # the root has no slope at 0
        self.k = torch.sqrt((x.square() + y.square()).clamp_min(_SMALLEST))
        self.total = self.total + self.p

    def angle(self, u: Tensor) -> Tensor:
        """The angle to K: positive for the second momentum, of both signs for a later one."""
        if self.i == 1:
            return collinear.angle(u, self.peak, self.near, self.far)
        signed = 2 * u - 1
        positive = signed >= 0
        share = torch.where(positive, signed, -signed)
        middle = 0.5 * (self.near + self.far)
        inner = collinear.angle((2 * share).clamp_max(1), self.peak, self.near, middle)
        outer = collinear.angle(
            (2 - 2 * share).clamp_max(1), self.back, math.pi - self.far, math.pi - middle
        )
        size = torch.where(share < 0.5, inner, math.pi - outer)
        return torch.where(positive, size, -size)

    def angle_inverse(self, angle: Tensor) -> Tensor:
        """u of an angle."""
        positive = angle >= 0
        size = torch.minimum(torch.maximum(angle.abs(), self.near), self.far)
        if self.i == 1:
            return collinear.angle_inverse(size, self.peak, self.near, self.far)
        middle = 0.5 * (self.near + self.far)
        inner = collinear.angle_inverse(size, self.peak, self.near, middle)
        outer = collinear.angle_inverse(
            math.pi - size, self.back, math.pi - self.far, math.pi - middle
        )
        share = 0.5 * torch.where(size < middle, inner, 2 - outer)
        return 0.5 * (1 + torch.where(positive, share, -share))

    def angle_log_density(self, angle: Tensor) -> Tensor:
        """Log of the density of an angle of either sign."""
        size = torch.where(angle >= 0, angle, -angle)
        size = torch.minimum(torch.maximum(size, self.near), self.far)
        if self.i == 1:
            found = collinear.angle_log_density(size, self.peak, self.near, self.far)
            return found - math.log(2)
        middle = 0.5 * (self.near + self.far)
        inner = collinear.angle_log_density(size, self.peak, self.near, middle)
        outer = collinear.angle_log_density(
            math.pi - size, self.back, math.pi - self.far, math.pi - middle
        )
        return torch.where(size < middle, inner, outer) - math.log(4)

    def _range(self) -> tuple[Tensor, Tensor]:
        """Smallest and largest angle between K and p."""
        largest = (self.root_s - self.total - self.p).square()
        smallest = self.chain.pt_min**2 if self.i == self.chain.count - 2 else 0.0
        squares = self.k.square() + self.p.square()
        product = (2 * self.k * self.p).clamp_min(_SMALLEST)
        near = _arc((largest - squares) / product)
        return near, torch.maximum(_arc((smallest - squares) / product), near)

    def _cut(self, one: Tensor, two: Tensor) -> Tensor:
        """cosh Δy - cos Δφ at the cut on a pair of these sizes, softened."""
        mass = self.chain.m_pair**2 / (2 * one * two)
        return _SOFTER * torch.clamp_min(mass, 0.5 * self.chain.delta_r**2)

    def _gap(self, cut: Tensor) -> Tensor:
        """The gap at the cut as a share of the span."""
        return torch.acosh(1 + cut) / self.span

    def _peak(self, gap: Tensor, cut: Tensor) -> Tensor:
        return torch.cosh(gap.clamp_max(8.0)) - 1 + cut

    def _flat(self) -> Tensor:
        return torch.full_like(self.root_s, _FLAT)


def _arc(cosine: Tensor) -> Tensor:
    """acos, 0 or π beyond its ends, with gradient 0 there."""
    inside = cosine.abs() < 1
    arc = torch.acos(torch.where(inside, cosine, 0.0))
    return torch.where(inside, arc, torch.where(cosine > 0, 0.0, math.pi))
