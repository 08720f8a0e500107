"""The coordinates of two clusters one after the other: drawn, taken back, or weighed.

There is one sequence of coordinates with their limits and laws, and three ways through it: `Draw` makes
values of random numbers, `Undo` random numbers of values, `Weigh` finds the density of values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from crosshook.core.phase_space.collinear import Parallel
from crosshook.core.phase_space.falling import Falling, FallingFrom, FallingToRoot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.phase_space.cluster_limits import ClusterLimits

_GAP = {True: Falling(0.2), False: Falling(0.5)}
"""Falls of the gap between 1 and 2, by whether B is a single particle."""

_SECOND_GAP, _ANGLE = Falling(0.6), Falling(1.05)
"""Falls of the gap and the angle in a pair B. This and the above are the best untrained, within a
step or so of a scan; the angle between 1 and 2 falls as 1/m² does."""

_SOFTER = 0.4
"""Where the peak of the angle ends, relative to the cut on the pair."""

_SLACK = 1e-9
"""Of limits, relative and absolute: values come back from momenta with rounding."""

_SMALLEST = 1e-12
"""Floor of sizes in GeV of what may vanish: keeps gradients of roots finite."""


class Law(Protocol):
    """A one-dimensional density between two limits."""

    def forward(self, u: Tensor, low: Tensor, high: Tensor) -> Tensor: ...
    def inverse(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor: ...
    def log_density(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor: ...


class Way(Protocol):
    """A way through the coordinates: tells the value of the next one."""

    def __call__(
        self, law: Law, limits: tuple[Tensor, Tensor], signed: bool = False
    ) -> Tensor: ...


class Draw:
    """Values from random numbers `(n, d)`; with a sign, u = ½ is 0."""

    def __init__(self, u: Tensor) -> None:
        self._columns = iter(u.unbind(1))

    def __call__(self, law: Law, limits: tuple[Tensor, Tensor], signed: bool = False) -> Tensor:
        """The next value."""
        u = next(self._columns)
        if not signed:
            return law.forward(u, *limits)
        share = 2 * u - 1
        size = law.forward(torch.where(share >= 0, share, -share), *limits)
        return torch.where(share >= 0, size, -size)


class Undo:
    """Random numbers from values; `u` collects them."""

    def __init__(self, values: Sequence[Tensor]) -> None:
        self._values = iter(values)
        self.u: list[Tensor] = []

    def __call__(self, law: Law, limits: tuple[Tensor, Tensor], signed: bool = False) -> Tensor:
        """The next value."""
        value = next(self._values)
        share = law.inverse(_between(value.abs() if signed else value, limits), *limits)
        self.u.append(0.5 * (1 + torch.where(value >= 0, share, -share)) if signed else share)
        return value


class Weigh:
    """Density of values: `log_density` sums up, `inside` tells whether limits are kept."""

    def __init__(self, values: Sequence[Tensor]) -> None:
        self._values = iter(values)
        self.log_density = torch.zeros_like(values[0])
        self.inside = torch.ones_like(values[0], dtype=torch.bool)

    def __call__(self, law: Law, limits: tuple[Tensor, Tensor], signed: bool = False) -> Tensor:
        """The next value."""
        value = next(self._values)
        size = torch.where(value >= 0, value, -value) if signed else value
        low, high = limits
        slack = _SLACK * (1 + high.detach())
        self.inside = self.inside & (size >= low - slack) & (size <= high + slack)
        found = law.log_density(_between(size, limits), low, high)
        self.log_density = self.log_density + (found - math.log(2) if signed else found)
        return value


class Clusters(NamedTuple):
    """Values of the coordinates and what follows from them, all of one shape, in GeV.

    Attributes:
        sizes: p of the particles drawn, 1 and 2, or 1, 2 and 3.
        angles: φ between 1 and 2 in [0, π], and for a pair B that between K_B and 3, signed.
        gaps: Δ between 1 and 2, and for a pair B that between 3 and 4, signed.
        transverse: m_T of A and B.
    """

    sizes: tuple[Tensor, ...]
    angles: tuple[Tensor, ...]
    gaps: tuple[Tensor, ...]
    transverse: tuple[Tensor, Tensor]


@dataclass(frozen=True)
class ClusterSteps:
    """The sequence.

    Attributes:
        limits: of the coordinates.
        size: power law of the sizes.
    """

    limits: ClusterLimits
    size: Falling

    def walk(self, energy: Tensor, way: Way) -> Clusters:
        """Goes through p1, p2, Δ, φ and for a pair B p3, its angle, Δ.

        Args:
            energy: √s in GeV.
            way: tells the values.
        """
        limits = self.limits
        p1 = way(self.size, limits.first_size(energy))
        p2 = way(self.size, limits.second_size(energy, p1))
        cut = limits.cut(p1, p2)
        onset = torch.sqrt(2 * cut)
        gap = way(FallingFrom(_GAP[limits.single], onset), limits.first_gap(energy, p1, p2))
        cosh = torch.cosh(gap)
        one = torch.sqrt(p1.square() + p2.square() + 2 * p1 * p2 * cosh)
        left = energy - one
        # coshΔ - 1 without cancellation
        above = 2 * torch.sinh(0.5 * gap).square() + _SOFTER * cut
        phi = way(Parallel(above), limits.first_angle(p1, p2, cosh, left))
        k = _root((p1 - p2).square() + 4 * p1 * p2 * torch.cos(0.5 * phi).square())
        if limits.single:
            return Clusters((p1, p2), (phi,), (gap,), (one, k))
        p3 = way(self.size, limits.third_size(left))
        onset = 0.5 * torch.sqrt(2 * limits.cut(p3, (k - p3).abs().clamp_min(limits.pt_min)))
        angle = way(FallingFrom(_ANGLE, onset), limits.third_angle(k, p3, left), signed=True)
        p4 = _root((k - p3).square() + 4 * k * p3 * torch.sin(0.5 * angle).square())
        cosine = ((k.square() - p3.square() - p4.square()) / (2 * p3 * p4)).clamp(-1, 1)
        onset = torch.sqrt(2 * (limits.cut(p3, p4) + 1 - cosine))
        # phase space has 1/λ^½ at the end
        law = FallingToRoot(_SECOND_GAP, onset)
        other = way(law, limits.second_gap(cosine, p3, p4, left), signed=True)
        two = torch.sqrt(p3.square() + p4.square() + 2 * p3 * p4 * torch.cosh(other))
        return Clusters((p1, p2, p3), (phi, angle), (gap, other), (one, two))


def _root(square: Tensor) -> Tensor:
    return torch.sqrt(square.clamp_min(_SMALLEST))


def _between(value: Tensor, limits: tuple[Tensor, Tensor]) -> Tensor:
    return torch.minimum(torch.maximum(value, limits[0]), limits[1])
