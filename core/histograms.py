"""Weighted histograms of observables: filled block by block, summed, with errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.config import HistogramSpec
from crosshook.core.events.particle_names import particle_name
from crosshook.core.process.expression import Expression
from crosshook.core.sampling.replicas import replica_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from crosshook.core.process.points import Points
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.sampling.sampler import Sample
    from crosshook.core.sampling.sums import Sums

    Floats = NDArray[np.float64]


ROUNDING = 1e-9
"""A spread this small, relative to the value, is that of rounding."""


@dataclass(frozen=True)
class HistogramSums:
    """Sums of weights in bins, for every channel: Σ v and Σ v², `(k, bins + 2)`.

    The first and last bin are underflow and overflow; NaN observables count as overflow.
    """

    totals: Floats
    squares: Floats

    def __add__(self, other: HistogramSums) -> HistogramSums:
        return HistogramSums(self.totals + other.totals, self.squares + other.squares)


@dataclass(frozen=True)
class Histogram:
    """A finished histogram.

    Attributes:
        name: key in the report.
        observable: the expression.
        label: axis label.
        unit: unit of the axis.
        edges: `(bins + 1,)`.
        values: cross section in each bin in pb, `(bins,)`.
        errors: standard errors in pb, `(bins,)`.
        underflow: cross section below the axis in pb.
        overflow: cross section above the axis in pb.
    """

    name: str
    observable: str
    label: str
    unit: str
    edges: tuple[float, ...]
    values: tuple[float, ...]
    errors: tuple[float, ...]
    underflow: float
    overflow: float


def bin_numbers(value: Tensor, spec: HistogramSpec) -> Tensor:
    """Bin of each value, 0 for underflow, bins + 1 for overflow."""
    scaled = (value - spec.low) / (spec.high - spec.low) * spec.bins
    index = torch.nan_to_num(scaled.floor(), nan=spec.bins, posinf=spec.bins, neginf=-1.0)
    return index.clamp(-1, spec.bins).to(torch.int64) + 1


def fill_sample(spec: HistogramSpec, sample: Sample, process: ScatteringProcess) -> HistogramSums:
    """Sums of one block of weighted points."""
    assert sample.evaluated is not None
    rows = sample.evaluated.rows
    weight = sample.weight[rows].detach()
    weight = torch.where(torch.isfinite(weight), weight, torch.zeros_like(weight))
    value = observable(spec, sample.evaluated.points, process)
    k, width = len(process.channels), spec.bins + 2
    place = sample.channel[rows] * width + bin_numbers(value, spec)
    empty = torch.zeros(k * width, dtype=weight.dtype, device=weight.device)
    return HistogramSums(
        empty.index_add(0, place, weight).reshape(k, width).cpu().numpy(),
        empty.index_add(0, place, weight**2).reshape(k, width).cpu().numpy(),
    )


def observable(spec: HistogramSpec, points: Points, process: ScatteringProcess) -> Tensor:
    """The observable of each point, `(n,)`."""
    final = points.momenta[:, process.phase_space.n_incoming :].detach()
    return expression(spec, process)(final)


def expression(spec: HistogramSpec, process: ScatteringProcess) -> Expression:
    """A histogram's observable, checked against the process's final state.

    Raises:
        ConfigurationError: if it is no quantity of that final state.
    """
    where = f"integrate.histograms.{spec.name}.observable"
    return Expression.quantity(spec.observable, process.final_pdg, where)


def finish(spec: HistogramSpec, filled: HistogramSums, sums: Sums) -> Histogram:
    """Cross sections and errors of the bins of a stage."""
    n = np.maximum(sums.valid, 1)[:, None]
    values = (filled.totals / n).sum(axis=0)
    variance = (filled.squares / n - (filled.totals / n) ** 2) / np.maximum(n - 1, 1)
    return finished(spec, values, np.maximum(variance, 0.0).sum(axis=0))


def finish_replicas(
    spec: HistogramSpec, filled: Sequence[HistogramSums], sums: Sequence[Sums]
) -> Histogram:
    """The same with errors from the spread of blocks, whose points are not independent."""
    totals, counts = np.stack([f.totals for f in filled]), np.stack([s.valid for s in sums])
    values = totals.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)[:, None]
    errors = replica_errors(totals, counts)
    return finished(spec, values.sum(axis=0), (errors**2).sum(axis=0))


def finished(spec: HistogramSpec, values: Floats, variances: Floats) -> Histogram:
    """The histogram of given bins, underflow first and overflow last, `(bins + 2,)` each."""
    errors = np.sqrt(np.maximum(variances, 0.0))
    return Histogram(
        spec.name,
        spec.observable,
        spec.label,
        spec.unit,
        tuple(float(e) for e in np.linspace(spec.low, spec.high, spec.bins + 1)),
        tuple(float(v) for v in values[1:-1]),
        tuple(float(e) for e in errors[1:-1]),
        float(values[0]),
        float(values[-1]),
    )


def standard_set(
    process: ScatteringProcess, sample: Sample, bins: int = 40
) -> list[HistogramSpec]:
    """Histograms made when the run file asks for none: p_T and y of the legs, and the mass.

    Args:
        process: the process.
        sample: a survey that fixes the ranges.
        bins: bins of each.
    """
    if not process.final_pdg:  # a function of the unit cube without momenta
        return []
    names = [particle_name(pdg, latex=True) for pdg in process.final_pdg]
    specs = []
    for i, name in enumerate(names):
        if len(names) != 2 or i == 0:  # two legs are back to back
            specs.append((f"pt_{i}", f"pt[{i}]", f"$p_T({name})$", "GeV"))
        specs.append((f"y_{i}", f"y[{i}]", f"$y({name})$", ""))
    if len(names) == 2:
        difference = f"$y({names[0]}) - y({names[1]})$"
        specs.append(("delta_y", "y[0] - y[1]", difference, ""))
    specs.append(("m", "m", f"$m({' '.join(names)})$", "GeV"))
    assert sample.evaluated is not None
    weight = sample.weight[sample.evaluated.rows].detach().abs()
    weight = torch.where(torch.isfinite(weight), weight, torch.zeros_like(weight))
    made = []
    for key, text, label, unit in specs:
        draft = HistogramSpec(key, text, bins, 0.0, 1.0, label, unit)
        value = observable(draft, sample.evaluated.points, process)
        low, high = axis_range(value, weight, bins)
        made.append(HistogramSpec(key, text, bins, low, high, label, unit))
    return made


def axis_range(value: Tensor, weight: Tensor, bins: int) -> tuple[float, float]:
    """Rounded limits that hold 99 % of the weight of some values, for an axis of so many bins."""
    if value.numel() == 0 or not bool((weight > 0).any()):
        return 0.0, 1.0
    order = torch.argsort(value)
    cumulative = torch.cumsum(weight[order], 0) / weight.sum()
    ends = torch.searchsorted(
        cumulative, torch.tensor([0.002, 0.992], dtype=weight.dtype, device=weight.device)
    ).clamp(max=value.numel() - 1)
    low, high = (float(v) for v in value[order][ends])
    if high - low <= ROUNDING * max(abs(low), abs(high)):  # a constant, e.g. m of fixed beams
        # In the middle of a bin: rounding must not spread it over two.
        first = low - (bins // 2 + 0.5) / bins
        return first, first + 1.0
    if low < 0 < high:  # a signed quantity gets a symmetric axis
        low, high = -max(-low, high), max(-low, high)
    step = 10.0 ** np.floor(np.log10((high - low) / 2))
    low, high = float(np.floor(low / step) * step), float(np.ceil(high / step) * step)
    # A quantity that is never negative and begins near 0 begins at 0.
    return (0.0 if 0 < low < 0.2 * high else low), high
