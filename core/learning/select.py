"""The choice after a training: untrained, warm start, learned or a mixture, channel by channel.

It is made on fresh points, which no step has seen. They are drawn from a mixture of all parts, and
every candidate is judged by its weights |a|/q with points reweighted to its own density q. Errors
are those of the grouped jackknife: each figure again without every 20th point, 20 times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.sampling.parts import NAMES

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.learning.settings import Objective

SHARE = 1e-3
"""Of the integral that may lie above the maximum weight."""

GUARD = 0.002
"""Share of the identity beside a learned mapping: it bounds the weights where a flow has forgotten
part of the space, and wastes no more points than that."""

Mixture = tuple[float, float, float]

MIXTURES: tuple[Mixture, ...] = (
    (1.0 - GUARD, 0.0, GUARD),
    (0.0, 1.0, 0.0),
    (0.0, 0.0, 1.0),
    (0.95 - GUARD, 0.05, GUARD),
    (0.95, 0.0, 0.05),
    (0.9, 0.05, 0.05),
    (0.8 - GUARD, 0.2, GUARD),
    (0.8, 0.0, 0.2),
    (0.6 - GUARD, 0.4, GUARD),
    (0.6, 0.0, 0.4),
    (0.3 - GUARD, 0.7, GUARD),
    (0.3, 0.0, 0.7),
    (0.0, 0.5, 0.5),
)
"""Shares of the parts that are tried, the simplest first; the first three are the parts alone."""

FEW, MORE_GUARD = 500, 0.05
"""A group of channels with fewer fresh points than this keeps at least so much of the identity: so few
points cannot tell what a learned mapping has forgotten."""

GROUPS = 20
"""Of the jackknife."""

GAIN = 0.01
"""What a candidate must be better by, relatively, than one listed before it: mixtures cost time."""


@dataclass(frozen=True)
class Judged:
    """A candidate on the fresh points, the same mixture in every channel or the chosen ones.

    Attributes:
        name: of the part, or `chosen`.
        weights: `before` or `after` the training of the channel weights.
        relative_deviation: Σ_c s_c / Σ_c A_c with the best shares of channels.
        deviation_error: its standard error.
        efficiency: ε(0.1 %), Σ_c A_c / Σ_c M_c.
        efficiency_error: its standard error.
    """

    name: str
    weights: str
    relative_deviation: float
    deviation_error: float
    efficiency: float
    efficiency_error: float


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes:
        shares: of the parts, `(k, 3)`.
        deviations: s_c of each channel, `(k,)`.
        learned_weights: True if the trained channel weights are kept.
        judged: the plain candidates and the chosen one.
        points: fresh points the choice was made on.
    """

    shares: Tensor
    deviations: Tensor
    learned_weights: bool
    judged: tuple[Judged, ...]
    points: int


@dataclass(frozen=True)
class Fresh:
    """Fresh points. n points, k channels.

    Attributes:
        channel: `(n,)`.
        log_q: log density of the three parts, `(n, 3)`.
        log_rho: log density of the mixture they come from, `(n,)`.
        log_targets: log|a| before and after the training of the channel weights, `(n,)` each.
    """

    channel: Tensor
    log_q: Tensor
    log_rho: Tensor
    log_targets: tuple[Tensor, ...]


@dataclass(frozen=True)
class _Channel:
    """One candidate in one channel: integral, deviation, maximum weight."""

    size: float
    deviation: float
    largest: float


def _judge(log_target: Tensor, log_q: Tensor, log_rho: Tensor) -> _Channel:
    """Integral, deviation and maximum of |a|/q under q, from points of ρ."""
    n = log_target.shape[0]
    if n == 0:
        return _Channel(0.0, 0.0, 0.0)
    # Both are normalised by what the same points say of ∫q = 1: the noise of ρ cancels where |a| ∝ q,
    # and a channel that fits well is not taken for one without any deviation.
    carried, measure = torch.exp(log_target - log_rho), torch.exp(log_q - log_rho)
    total = float(measure.sum())
    size = float(carried.sum()) / total if total > 0 else 0.0
    if size == 0:
        return _Channel(0.0, 0.0, 0.0)
    second = torch.exp(2 * log_target - log_q - log_rho)
    variance = float((second - 2 * size * carried + size**2 * measure).sum()) / total
    return _Channel(size, max(variance, 0.0) ** 0.5, _largest(log_target, log_q, log_rho))


def _largest(log_target: Tensor, log_q: Tensor, log_rho: Tensor) -> float:
    """M with ∫ (|a| - M q)₊ = SHARE · ∫ |a|, from points of ρ."""
    w, order = torch.sort(torch.exp(log_target - log_q), descending=True)
    carried = torch.exp(log_target - log_rho)[order]
    measure = torch.exp(log_q - log_rho)[order]
    usable = carried > 0
    w, carried, measure = w[usable], carried[usable], measure[usable]
    # Above the i-th weight: Σ_{j<i} (carried_j - w_i measure_j), growing with i.
    above = torch.cumsum(carried, 0) - carried
    count = torch.cumsum(measure, 0) - measure
    allowed = SHARE * float(carried.sum())
    i = int(torch.searchsorted((above - w * count).contiguous(), allowed, right=True))
    inside, weighed = float(carried[:i].sum()), float(measure[:i].sum())
    # Without a point to spare below the largest weight, it is the maximum.
    return max((inside - allowed) / weighed, 0.0) if weighed > 0 else float(w[0])


def choose(
    fresh: Fresh, k: int, objective: Objective, groups: tuple[int, ...] | None = None
) -> Choice:
    """Chooses mixtures by an objective.

    Args:
        fresh: the points.
        k: number of channels.
        objective: what counts.
        groups: the group of each channel, whose members share a mapping and so a mixture; None for
            one each.
    """
    best: tuple[float, int, list[int], list[_Channel]] | None = None
    judged: list[Judged] = []
    for version, log_target in enumerate(fresh.log_targets):
        table = [_table(fresh, log_target, c) for c in range(k)]
        label = ("before", "after")[version] if len(fresh.log_targets) > 1 else ""
        judged += [
            _judged(NAMES[part], label, fresh, log_target, [MIXTURES[part]] * k)
            for part in range(len(NAMES))
        ]
        counts = torch.bincount(fresh.channel, minlength=k).tolist()
        picks = _picks(table, counts, objective, groups or tuple(range(k)))
        chosen = [row[i] for row, i in zip(table, picks, strict=True)]
        score = _score(chosen, objective)
        if best is None or score < best[0] * (1 - GAIN):
            best = (score, version, picks, chosen)
    assert best is not None
    _, version, picks, chosen = best
    device = fresh.log_q.device
    label = ("before", "after")[version] if len(fresh.log_targets) > 1 else ""
    mixtures = [MIXTURES[i] for i in picks]
    return Choice(
        torch.tensor(mixtures, dtype=torch.float64, device=device),
        torch.tensor([c.deviation for c in chosen], dtype=torch.float64, device="cpu"),
        version == 1,
        (*judged, _judged("chosen", label, fresh, fresh.log_targets[version], mixtures)),
        int(fresh.channel.shape[0]),
    )


def _table(fresh: Fresh, log_target: Tensor, channel: int) -> list[_Channel]:
    rows = fresh.channel == channel
    target, log_q, log_rho = log_target[rows], fresh.log_q[rows], fresh.log_rho[rows]
    table = []
    for mixture in MIXTURES:
        shares = torch.tensor(mixture, dtype=log_q.dtype, device=log_q.device)
        mixed = torch.logsumexp(log_q + torch.log(shares), dim=1)
        table.append(_judge(target, mixed, log_rho))
    return table


def _measure(channel: _Channel, objective: Objective) -> float:
    return channel.deviation if objective == "variance" else channel.largest


def _picks(
    table: list[list[_Channel]],
    points: list[int],
    objective: Objective,
    groups: tuple[int, ...],
) -> list[int]:
    """For each channel the number of its mixture, by what counts for its group as a whole."""
    chosen = {}
    for group in set(groups):
        members = [c for c, own in enumerate(groups) if own == group]
        figures = [_score([table[c][i] for c in members], objective) for i in range(len(MIXTURES))]
        chosen[group] = _pick(figures, sum(points[c] for c in members))
    return [chosen[group] for group in groups]


def _pick(figures: list[float], points: int) -> int:
    """The first mixture that no later one beats by more than the gain asked for."""
    least = MORE_GUARD if points < FEW else 0.0
    allowed = [i for i, mixture in enumerate(MIXTURES) if mixture[2] >= least]
    chosen = allowed[0]
    for i in allowed:
        if figures[i] < figures[chosen] * (1 - GAIN):
            chosen = i
    return chosen


def _score(channels: list[_Channel], objective: Objective) -> float:
    return sum(_measure(c, objective) for c in channels)


def _judged(
    name: str, weights: str, fresh: Fresh, log_target: Tensor, mixtures: list[Mixture]
) -> Judged:
    """A candidate with a mixture for each channel, and the errors of its figures."""
    shares = torch.tensor(mixtures, dtype=fresh.log_q.dtype, device=fresh.log_q.device)
    log_q = torch.logsumexp(fresh.log_q + torch.log(shares)[fresh.channel], dim=1)
    columns = (fresh.channel, log_target, log_q, fresh.log_rho)
    deviation, efficiency = _figures(columns, len(mixtures))
    group = torch.arange(log_target.shape[0], device=log_target.device) % GROUPS
    without = [
        _figures(tuple(column[group != g] for column in columns), len(mixtures))
        for g in range(GROUPS)
    ]
    spread = torch.tensor(without, dtype=torch.float64, device="cpu").std(dim=0, correction=0)
    errors = (math.sqrt(GROUPS - 1) * spread).tolist()
    return Judged(name, weights, deviation, errors[0], efficiency, errors[1])


def _figures(columns: tuple[Tensor, ...], k: int) -> tuple[float, float]:
    """Σ_c s_c / Σ_c A_c and Σ_c A_c / Σ_c M_c; 0 where there is nothing.

    Args:
        columns: channel, log|a|, log q and log ρ of points.
        k: number of channels.
    """
    channel, *logs = columns
    channels = [_judge(*(column[channel == c] for column in logs)) for c in range(k)]
    size = sum(c.size for c in channels)
    largest = sum(c.largest for c in channels)
    deviation = sum(c.deviation for c in channels) / size if size else 0.0
    return deviation, size / largest if largest else 0.0
