"""Branching: what chains of two-body decays and of two-body splittings have in common.

Both are trees whose leaves are the final legs, and both draw the invariant masses parents first, so
that each has exact limits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import torch

from crosshook.core.phase_space.propagator import FlatPropagator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from crosshook.core.phase_space.propagator import Propagator

_SMALLEST = 1e-24
"""Floor of an invariant relative to that of the whole event: no pair is exactly massless."""


@dataclass(frozen=True)
class Leg:
    """A final-state particle.

    Attributes:
        number: among the final legs, counted from 0.
        mass: in GeV.
    """

    number: int
    mass: float = 0.0

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Itself."""
        return (self,)


@dataclass(frozen=True)
class Branching:
    """A system of particles that goes to two others.

    Attributes:
        first: one of them.
        second: the other one.
        propagator: map of its invariant mass squared; without effect for the whole event, whose
            mass is given.
    """

    first: Leg | Self
    second: Leg | Self
    propagator: Propagator = field(default_factory=FlatPropagator)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Its final legs, the first child's first."""
        return self.first.legs + self.second.legs

    @property
    def mass(self) -> float:
        """The smallest invariant mass in GeV."""
        return self.first.mass + self.second.mass

    def chain(self) -> Iterator[Self]:
        """Itself and all branchings below, parents before children."""
        yield self
        for child in (self.first, self.second):
            if isinstance(child, Branching):
                yield from child.chain()

    def check_numbers(self) -> None:
        """Refuses a whole event whose legs are not numbered from 0.

        Raises:
            ValueError: if a number is missing, or there twice.
        """
        numbers = sorted(leg.number for leg in self.legs)
        if numbers != list(range(len(numbers))):
            message = f"legs {numbers}: must be numbered from 0 without gaps"
            raise ValueError(message)

    def known_masses(self, s: Tensor) -> dict[Leg | Self, Tensor]:
        """The masses of a whole event that are known from the start, in GeV.

        Args:
            s: its mass squared in GeV², `(n,)`.

        Returns:
            `(1,)` for the legs, `(n,)` for the event.
        """
        known: dict[Leg | Self, Tensor] = {leg: s.new_full((1,), leg.mass) for leg in self.legs}
        return known | {self: torch.sqrt(s)}

    def limits(self, masses: dict[Leg | Self, Tensor]) -> Iterator[tuple[Self, Tensor, Tensor]]:
        """Every branching below with the limits of its invariant in GeV², the lower one `(1,)`.

        The first child leaves room for the smallest mass its sibling can have, the second for the
        mass the first has. The caller adds each mass before it asks for the next.
        """
        for parent in self.chain():
            first, second = parent.first, parent.second
            if isinstance(first, Branching):
                room = masses[parent] - second.mass
                yield first, room.new_full((1,), first.mass**2), room.square()
            if isinstance(second, Branching):
                room = masses[parent] - masses[first]
                yield second, room.new_full((1,), second.mass**2), room.square()


def mass_of(square: Tensor, s: Tensor) -> Tensor:
    """The mass in GeV of an invariant in an event of the invariant s, `(n,)` each in GeV²."""
    return torch.sqrt(torch.maximum(square, _SMALLEST * s))
