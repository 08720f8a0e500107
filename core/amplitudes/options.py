"""ProcessOptions: what the run file says alike of every kind of amplitude source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.phase_space.described import SpaceMaker

Plain = dict[str, object]
"""A mapping of a run file, already validated by its schema."""


@dataclass(frozen=True)
class ProcessOptions:
    """Options of a process besides its subprocesses, as its schema validated them.

    Attributes:
        masses: of the legs in GeV; empty if left out.
        channels: of the phase space, by their propagators.
        fall: power of ŝ out of hadrons.
        initial: what collides, or a decay.
        resonances: intermediate particles to write.
        reference: stored |M|² to compare with.
        alpha_qed: written with the events.
        name: for people; empty if left out.
        invariance: relative change of |M|² allowed under a boost; at least rounding.
        maker: of the phase space, if not crosshook's own maps.
    """

    masses: Sequence[float]
    channels: Sequence[Plain]
    fall: float
    initial: str
    resonances: Sequence[Plain]
    reference: Sequence[Plain]
    alpha_qed: float
    name: str
    invariance: float = 0.0
    maker: SpaceMaker | None = None
