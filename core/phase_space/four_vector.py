"""Four-momenta as four tensors of components, so that arithmetic runs along contiguous memory.

Momenta put together from them are `(n, j, 4)` as everywhere, but lie in memory as structures of
arrays, which is what libraries of amplitudes ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_SMALLEST = 1e-30
"""Floor of squares under which they are rounding: keeps gradients of their roots finite."""


class FourVector(NamedTuple):
    """Components in GeV, `(n,)` each."""

    energy: Tensor
    x: Tensor
    y: Tensor
    z: Tensor

    def plus(self, other: FourVector) -> FourVector:
        """The sum of both."""
        return FourVector(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def square(self) -> Tensor:
        """Mass squared in GeV², `(n,)`."""
        across = torch.addcmul(self.x.square(), self.y, self.y)
        return (self.energy - self.z) * (self.energy + self.z) - across

    def minus(self, square: Tensor) -> Tensor:
        """E - p_z without cancellation, `(n,)`, of a momentum with this mass squared."""
        across = torch.addcmul(torch.addcmul(square, self.x, self.x), self.y, self.y)
        total = self.energy + self.z
        forward = self.z > 0
        return torch.where(
            forward, across / torch.where(forward, total, self.energy), self.energy - self.z
        )


class Axis(NamedTuple):
    """A direction: cosθ, sinθ, cosφ, sinφ, `(n,)` each."""

    cosine: Tensor
    sine: Tensor
    cosine_azimuth: Tensor
    sine_azimuth: Tensor

    @classmethod
    def along(cls, x: Tensor, y: Tensor, z: Tensor) -> Axis:
        """That of a vector `(n,)`; φ = 0 along z."""
        across = torch.addcmul(x.square(), y, y)
        aside = across > _SMALLEST
        perp = torch.sqrt(across.clamp_min(_SMALLEST))
        length = torch.sqrt((across + z.square()).clamp_min(_SMALLEST))
        return cls(
            z / length,
            perp / length,
            torch.where(aside, x / perp, torch.ones_like(x)),
            torch.where(aside, y / perp, torch.zeros_like(y)),
        )

    def rotate(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """R_z(φ) R_y(θ): takes the z axis to this direction."""
        tilted = torch.addcmul(self.cosine * x, self.sine, z)
        return (
            torch.addcmul(self.cosine_azimuth * tilted, self.sine_azimuth, y, value=-1),
            torch.addcmul(self.sine_azimuth * tilted, self.cosine_azimuth, y),
            torch.addcmul(self.cosine * z, self.sine, x, value=-1),
        )

    def rotate_back(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The inverse of `rotate`."""
        turned = torch.addcmul(self.cosine_azimuth * x, self.sine_azimuth, y)
        return (
            torch.addcmul(self.cosine * turned, self.sine, z, value=-1),
            torch.addcmul(self.cosine_azimuth * y, self.sine_azimuth, x, value=-1),
            torch.addcmul(self.cosine * z, self.sine, turned),
        )


def leg(momenta: Tensor, number: int) -> FourVector:
    """One leg of momenta `(n, j, 4)`."""
    return FourVector(*momenta[:, number].unbind(-1))


def together(legs: Sequence[FourVector]) -> Tensor:
    """Momenta `(n, j, 4)`, in memory by component, leg, point."""
    rows = [part for component in zip(*legs, strict=True) for part in component]
    return torch.stack(rows).view(4, len(legs), -1).permute(2, 1, 0)


def rows_of(momenta: Tensor, rows: Tensor) -> Tensor:
    """The momenta of these points, laid out as `together` does."""
    return momenta.permute(2, 1, 0).index_select(2, rows).permute(2, 1, 0)


def into_rest_frame(p: FourVector, frame: FourVector, mass: Tensor) -> FourVector:
    """p in the rest frame of a system of this momentum and mass, without rotation."""
    along = _product(p, frame)
    energy = torch.addcmul(-along, p.energy, frame.energy) / mass
    factor = (p.energy + energy) / (frame.energy + mass)
    return FourVector(
        energy,
        *(torch.addcmul(a, factor, b, value=-1) for a, b in zip(p[1:], frame[1:], strict=True)),
    )


def out_of_rest_frame(
    vector: tuple[Tensor, Tensor, Tensor],
    energies: tuple[Tensor, Tensor],
    frame: FourVector,
    mass: Tensor,
) -> tuple[FourVector, FourVector]:
    """Two parts that are back to back in the rest frame of a system, boosted out of it.

    Args:
        vector: momentum of the first, components `(n,)` in GeV.
        energies: of both.
        frame: momentum of the system.
        mass: its mass, `(n,)`.
    """
    x, y, z = vector
    along = torch.addcmul(torch.addcmul(x * frame.x, y, frame.y), z, frame.z)
    scale = frame.energy + mass
    found = []
    for still, sign in zip(energies, (1.0, -1.0), strict=True):
        energy = torch.addcmul(sign * along, still, frame.energy) / mass
        factor = (still + energy) / scale
        space = (
            torch.addcmul(sign * a, factor, b) for a, b in zip(vector, frame[1:], strict=True)
        )
        found.append(FourVector(energy, *space))
    return found[0], found[1]


def _product(p: FourVector, q: FourVector) -> Tensor:
    """Scalar product of the momenta in space, `(n,)`."""
    return torch.addcmul(torch.addcmul(p.x * q.x, p.y, q.y), p.z, q.z)
