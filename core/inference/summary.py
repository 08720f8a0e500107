"""Curves, intervals and pseudo-experiments as plain values for the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.core.inference.profile import (
    FINE,
    Profile,
    profile,
    refined,
    segments,
    threshold,
)
from crosshook.core.inference.result import (
    CrossSectionResult,
    IntegralsResult,
    IntervalResult,
    ParameterResult,
    ToyResult,
    WorstEvent,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from crosshook.core.inference.grid import Axis, ParameterGrid
    from crosshook.core.inference.likelihood import EventLikelihoods, LogLikelihood
    from crosshook.core.inference.prepared import PreparedProcess
    from crosshook.core.inference.pseudo_experiments import PseudoExperiments
    from crosshook.core.interfaces.features import Features

DRAWN = 400
"""Points of a curve, about."""
WORST = 10
"""Events that are listed."""
BINS = 20
"""Of the effective share."""
RANKS = 10
"""Bins of the ranks."""


def parameter_result(
    found: LogLikelihood,
    name: str,
    levels: Sequence[float],
    truth: float | None,
    toys: Sequence[ToyResult],
) -> ParameterResult:
    """One parameter with its intervals.

    Args:
        found: log L on the grid.
        name: of the axis.
        levels: of confidence.
        truth: true value of simulated events.
        toys: pseudo-experiments of this parameter, for Neyman's intervals; may be none.
    """
    grid = found.grid
    profiled = profile(found.nominal, grid, name)
    axis = profiled.axis
    intervals = [
        IntervalResult(level, "wilks", segments(profiled, threshold(level))) for level in levels
    ]
    if toys:
        for i, level in enumerate(levels):
            limit = _critical(profiled, [(t.truth, t.critical[i]) for t in toys])
            intervals.append(IntervalResult(level, "neyman", segments(profiled, limit)))
    members = []
    if len(found.members) > 1:
        members = [profile(each, grid, name) for each in found.members]
    stride = max(1, len(profiled.values) // DRAWN)
    best = torch.tensor([m.best for m in members], dtype=torch.float64, device="cpu")
    if axis.period is not None:
        away = torch.remainder(best - profiled.best + axis.period / 2, axis.period)
        best = away - axis.period / 2
    ends = (float(axis.values[0]), float(axis.values[-1]))
    return ParameterResult(
        name,
        axis.nuisance,
        ends[0],
        ends[0] + axis.period if axis.closed and axis.period is not None else ends[1],
        axis.period,
        profiled.best,
        not axis.closed and profiled.best in ends,
        truth,
        tuple(intervals),
        tuple(profiled.values[::stride].tolist()),
        tuple(profiled.statistic[::stride].tolist()),
        _along(found.integral_error, found, axis, stride),
        _along(found.cross_section_error, found, axis, stride),
        tuple(tuple(m.statistic[::stride].tolist()) for m in members),
        float(best.std()) if len(members) > 1 else 0.0,
    )


def _along(error: Tensor, found: LogLikelihood, axis: Axis, stride: int) -> tuple[float, ...]:
    """Error of −2 Δlog L on the line through the best grid point."""
    line = _line(2 * error, found.grid, axis.name, found.best)
    fine = refined(line, FINE, closed=axis.closed).clamp(min=0.0)
    return tuple(fine[::stride].tolist())


def _line(values: Tensor, grid: ParameterGrid, name: str, through: int) -> Tensor:
    """Values `(..., t)` along an axis, the others as at a point of the grid."""
    places = torch.unravel_index(torch.tensor(through), grid.shape)
    shaped = values.reshape(*values.shape[:-1], *grid.shape)
    lead = values.dim() - 1
    for position in reversed(range(len(grid.axes))):
        if grid.axes[position].name != name:
            shaped = shaped.select(lead + position, int(places[position]))
    return shaped


def _critical(profiled: Profile, known: Sequence[tuple[float, float]]) -> Tensor:
    """Critical values along the axis, linear between those that are known."""
    import numpy as np

    at = np.array([truth for truth, _ in known])
    value = np.array([critical for _, critical in known])
    order = np.argsort(at)
    period = profiled.axis.period if profiled.axis.closed else None
    found = np.interp(profiled.values.numpy(), at[order], value[order], period=period)
    return torch.from_numpy(found)


def toy_result(found: PseudoExperiments, levels: Sequence[float]) -> ToyResult:
    """Pseudo-experiments in a few numbers."""
    signed = torch.sign(found.best) * found.statistic.clamp(min=0.0).sqrt()
    ranks = torch.special.ndtr(signed)
    counts = torch.histc(ranks, RANKS, 0.0, 1.0)
    pulls = found.pulls[torch.isfinite(found.pulls)]
    bias, error = found.bias
    return ToyResult(
        found.name,
        found.truth,
        len(found.statistic),
        found.events,
        tuple(found.coverage(level) for level in levels),
        tuple(found.critical(level) for level in levels),
        bias,
        error,
        float(found.width.mean()),
        float(pulls.mean()),
        float(pulls.std()),
        tuple(int(count) for count in counts),
    )


def integrals_result(
    events: EventLikelihoods,
    reco: Features,
    best: int,
    points: int,
    milliseconds: float,
    uniform: float,
) -> IntegralsResult:
    """How good the integrals of the events are.

    Args:
        events: their likelihoods.
        reco: the events.
        best: the grid point of the maximum.
        points: of an event.
        milliseconds: of an event.
        uniform: mean effective share of uniform points.
    """
    share = events.effective.mean(dim=1)
    edges = torch.linspace(0.0, 1.0, BINS + 1, device="cpu")
    counts = torch.histc(share, BINS, 0.0, 1.0)
    errors = events.relative_error.max(dim=1).values
    worst = torch.argsort(errors, descending=True)[:WORST].tolist()
    return IntegralsResult(
        points,
        float(share.mean()),
        float(events.effective.min()),
        uniform,
        tuple(round(float(edge), 6) for edge in edges),
        tuple(int(count) for count in counts),
        float(events.relative_error.square().mean().sqrt()),
        milliseconds,
        tuple(
            WorstEvent(
                row,
                float(errors[row]),
                float(events.effective[row].min()),
                _finite(float(events.nominal[row, best])),
                {
                    name: float(value)
                    for name, value in zip(reco.names, reco.dense[row], strict=True)
                },
            )
            for row in worst
        ),
    )


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def cross_section_results(
    processes: Sequence[PreparedProcess], found: LogLikelihood
) -> tuple[CrossSectionResult, ...]:
    """σ_fid of each process along each of its parameters."""
    grid, results = found.grid, []
    for process in processes:
        names = {parameter.name for parameter in process.model.parameters}
        value = process.fiducial.value[0][process.index]
        error = process.fiducial.error[process.index]
        for axis in grid.axes:
            if axis.name in names:
                results.append(
                    CrossSectionResult(
                        process.settings.name,
                        axis.name,
                        tuple(axis.values.tolist()),
                        tuple(_line(value, grid, axis.name, found.best).tolist()),
                        tuple(_line(error, grid, axis.name, found.best).tolist()),
                    )
                )
    return tuple(results)


def true_values(found: LogLikelihood, given: Mapping[str, float]) -> dict[str, float]:
    """Values of all axes for pseudo-experiments: as given, else of the best grid point."""
    point = found.grid.points[found.best]
    return {
        axis.name: given.get(axis.name, float(value))
        for axis, value in zip(found.grid.axes, point, strict=True)
    }
