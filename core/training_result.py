"""Results of a training of the sampling components. Plain values; cross sections are in pb."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True)
class IterationResult:
    """One iteration of a training.

    Attributes:
        evaluations: points.
        estimate: cross section in pb.
        error: its standard error.
        channel_estimates: part of each channel in pb.
        channel_errors: their standard errors.
    """

    evaluations: int
    estimate: float
    error: float
    channel_estimates: tuple[float, ...]
    channel_errors: tuple[float, ...]


@dataclass(frozen=True)
class CandidateResult:
    """A way to sample, judged on fresh points after a training.

    Attributes:
        name: `untrained`, `warm start`, `learned`, or `chosen`: the best in each channel.
        weights: `before` or `after` the training of the channel weights; empty if they do not
            learn.
        relative_deviation: standard deviation of the weights over their mean, with the best
            shares of channels.
        efficiency: unweighting efficiency ε(0.1 %).
        component: the channel mapping behind the name, e.g. `flow`; empty for `untrained` and
            `chosen`.
        deviation_error: standard error of the relative deviation; NaN if not known.
        efficiency_error: standard error of the efficiency; NaN if not known.
    """

    name: str
    weights: str
    relative_deviation: float
    efficiency: float
    component: str = ""
    deviation_error: float = math.nan
    efficiency_error: float = math.nan


@dataclass(frozen=True)
class ChannelChoice:
    """What the points of a channel are drawn from after the choice: shares that sum to 1.

    Attributes:
        channel: its name.
        learned: share of the mapping that was learned.
        warm_start: share of its warm start.
        untrained: share of uniform points.
    """

    channel: str
    learned: float
    warm_start: float
    untrained: float


@dataclass(frozen=True)
class TrainingResult:
    """A training of the sampling components.

    Attributes:
        evaluations: points spent.
        iterations: history.
        chi_squared: of the iterations about their mean.
        degrees_of_freedom: of it.
        skipped: True if nothing was trained; the note says why.
        notes: what components had to say.
        seconds: wall time.
        losses: the training loss by step of each component that has one, by interface.
        candidates: what the choice after the training was between, and what was chosen.
        candidate_points: fresh points the candidates were judged on.
        choices: what was chosen in each channel; empty without a choice.
    """

    evaluations: int
    iterations: tuple[IterationResult, ...]
    chi_squared: float
    degrees_of_freedom: int
    skipped: bool
    notes: tuple[str, ...]
    seconds: float
    losses: dict[str, tuple[float, ...]] = field(default_factory=dict)
    candidates: tuple[CandidateResult, ...] = ()
    candidate_points: int = 0
    choices: tuple[ChannelChoice, ...] = ()
