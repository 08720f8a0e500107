"""TwoBodyChannel: which map the invariant and which the angle of a 2 -> 2 process goes through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crosshook.core.phase_space.angle import FlatAngle

if TYPE_CHECKING:
    from crosshook.core.phase_space.angle import AngleMap
    from crosshook.core.phase_space.interval_map import IntervalMap


@dataclass(frozen=True)
class TwoBodyChannel:
    """One channel of a hadronic 2 -> 2 process.

    Attributes:
        name: shown in reports.
        invariant: map of ŝ in GeV²; all channels of a process cover the same range.
        angle: map of cosθ* of leg 3.
    """

    name: str
    invariant: IntervalMap
    angle: AngleMap = field(default_factory=FlatAngle)
