"""The learning rate of a step: a short rise, then a fall over all steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosshook.core.learning.settings import LearningSettings

WARM_UP = 20
"""Steps over which the learning rate rises."""
FALL = 4.6
"""Of the logarithm of the rate over all steps of the exponential schedule: to a hundredth."""


def learning_rate(settings: LearningSettings, step: int, total: int) -> float:
    """The learning rate of a step.

    Args:
        settings: highest rate and schedule.
        step: from 0.
        total: steps planned.
    """
    rising = min(1.0, (step + 1) / WARM_UP)
    falling = {
        "cosine": 0.5 * (1 + math.cos(math.pi * min(step / total, 1.0))),
        "exponential": math.exp(-FALL * step / total),
        "constant": 1.0,
    }[settings.schedule]
    return settings.learning_rate * rising * falling
