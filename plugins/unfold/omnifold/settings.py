"""Options of `omnifold` as they are handed from one part to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Network = Literal["auto", "dense", "sets", "trees"]
Missed = Literal["expectation", "previous"]


@dataclass(frozen=True)
class Settings:
    """Options; meaning and defaults are in schemas/v1/components/omnifold.json."""

    network: Network
    iterations: int
    ensemble: int
    hidden: int
    depth: int
    knots: int
    epochs: float
    later_epochs: float
    batch: int
    learning_rate: float
    validation: float
    patience: int
    clip: float
    missed: Missed
    trees: int
    leaves: int
