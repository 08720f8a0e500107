"""How good a surrogate is on points it has not seen: deviations, second-stage efficiency, pulls."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import torch

from crosshook.core.errors import InputError
from crosshook.core.statistics import maximum_weight
from crosshook.core.surrogates.calibration import coverage, pull_width

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate
    from crosshook.core.surrogates.training_set import AmplitudeTable

SHARE = 1e-3
"""Excess above either maximum, of the sum of weights."""
WITHIN = (0.6744897501960817, 1.0, 1.959963984540054, 2.5758293035489004, 4.0)
"""Widths coverage is counted in: 50, 68.27, 95, 99 and 99.994 % of a Gaussian."""
GROUPS = 20
"""Of the jackknife."""
RANGES = 10
"""Ranges of the predicted error with as many points each."""
SPECTRUM = np.linspace(-7.0, 1.0, 65)
"""Edges of bins in log10 |Δ|."""
BATCH, REPEATS = 2000, 15
"""Points in a call whose time is taken, and how often: the fastest counts."""


@runtime_checkable
class Extrapolating(Protocol):
    """A surrogate that knows how far points are from its training."""

    def distance(self, momenta: Tensor, process: Tensor) -> Tensor:
        """Distance of points, `(n,)`: above 1 farther than every point of the training."""
        ...


@dataclass(frozen=True)
class Deviations:
    """|Δ| = | predicted/true - 1 | of |M|² at some points.

    Attributes:
        median: half of the points deviate by less.
        q90: 90 % do.
        q99: 99 % do.
        largest: all do.
    """

    median: float
    q90: float
    q99: float
    largest: float


@dataclass(frozen=True)
class ErrorRange:
    """Points whose predicted errors are near each other.

    Attributes:
        predicted: median of σ there.
        width: of the pulls; see `pull_width`.
        rms: root mean square of the pulls.
    """

    predicted: float
    width: float
    rms: float


@dataclass(frozen=True)
class Evaluation:
    """A surrogate on a table.

    Attributes:
        n: points with |M|² ≠ 0, which is what is judged.
        zeros: points with |M|² = 0.
        deviations: of all points alike.
        weighted: likewise with points in proportion to their weights in pb.
        efficiency: ε₂, the share that the second of two unweighting stages keeps.
        efficiency_error: of ε₂, by jackknife.
        kish: Kish's fraction of the events kept, 1 if all have one weight.
        microseconds: a point, in batches of 2000 on one thread.
        pull_width: half the central interval with 68.27 % of the pulls; None without errors.
        pull_rms: root mean square of the pulls, which the tails lead; None without errors.
        coverage: width in σ, expected and found share of points within.
        ranges: pulls by predicted error, rising.
        extrapolated: share of points farther than the training; None if it is not known.
        extrapolated_median: median |Δ| of these; None if there are none.
        negative: share of points with |M|² < 0.
        wrong_sign: share of points whose predicted sign is wrong.
        spectrum_edges: of bins in log10 |Δ|.
        spectrum: points in each bin; those beyond are in the outermost.
    """

    n: int
    zeros: int
    deviations: Deviations
    weighted: Deviations
    efficiency: float
    efficiency_error: float
    kish: float
    microseconds: float
    pull_width: float | None
    pull_rms: float | None
    coverage: tuple[tuple[float, float, float], ...]
    ranges: tuple[ErrorRange, ...]
    extrapolated: float | None
    extrapolated_median: float | None
    negative: float
    wrong_sign: float
    spectrum_edges: tuple[float, ...]
    spectrum: tuple[int, ...]


def evaluate_surrogate(surrogate: AmplitudeSurrogate, table: AmplitudeTable) -> Evaluation:
    """Judges a surrogate on points its training has not seen.

    Args:
        surrogate: trained.
        table: the points.

    Raises:
        InputError: if there is no point with |M|² ≠ 0.
    """
    fine = table.amplitude != 0
    zeros = int((~fine).sum())
    table = table.select(torch.nonzero(fine)[:, 0])
    if not len(table):
        message = "evaluation: there is no point with |M|² ≠ 0"
        raise InputError(message)
    found = surrogate.predict(table.momenta, table.process, table.alpha_s)
    residual = found.log_abs - table.amplitude.abs().log()
    size = torch.expm1(residual).abs()
    weight = (table.amplitude * table.weight).abs()
    efficiency, kish = second_stage(weight, residual)
    groups = torch.arange(len(table), device=weight.device) % GROUPS
    without = [
        second_stage(weight[groups != g], residual[groups != g])[0]
        for g in range(min(GROUPS, len(table)))
        if len(table) > GROUPS
    ]
    error = float(np.std(without)) * (GROUPS - 1) ** 0.5 if without else 0.0
    pull = None if found.log_std is None else residual / found.log_std.exp()
    far = None
    if isinstance(surrogate, Extrapolating):
        far = surrogate.distance(table.momenta, table.process) > 1
    return Evaluation(
        n=len(table),
        zeros=zeros,
        deviations=_deviations(size, torch.ones_like(size)),
        weighted=_deviations(size, weight),
        efficiency=efficiency,
        efficiency_error=error,
        kish=kish,
        microseconds=microseconds(surrogate, table),
        pull_width=None if pull is None else pull_width(pull),
        pull_rms=None if pull is None else _rms(pull),
        coverage=() if pull is None else _coverage(pull),
        ranges=() if pull is None or found.log_std is None else _ranges(pull, found.log_std),
        extrapolated=None if far is None else float(far.double().mean()),
        extrapolated_median=None if far is None or not far.any() else float(size[far].median()),
        negative=float((table.amplitude < 0).double().mean()),
        wrong_sign=float((found.sign != table.amplitude.sign()).double().mean()),
        spectrum_edges=tuple(SPECTRUM.tolist()),
        spectrum=_spectrum(size),
    )


def second_stage(weight: Tensor, residual: Tensor) -> tuple[float, float]:
    """ε₂ and Kish's fraction of two unweighting stages (2109.11964), in expectation.

    A point is accepted with p₁ = min(1, s/s_max) and carries z₁ = max(1, s/s_max); then with
    min(1, z₁x/x_max), x = w/s. Either maximum lets 10⁻³ of the sum of weights lie above it.

    Args:
        weight: |w|, `(n,)`.
        residual: log s/w, `(n,)`.
    """
    w = weight.detach().cpu().double().numpy()
    x = np.exp(-residual.detach().cpu().double().numpy())
    s = w / x
    s_max = maximum_weight(s, "excess-share", SHARE)
    first = np.minimum(1.0, s / s_max)
    carried = np.maximum(1.0, s / s_max) * x
    x_max = maximum_weight(carried, "excess-share", SHARE, counts=first)
    second = np.minimum(1.0, carried / x_max)
    final = np.maximum(1.0, carried / x_max)
    kept = first * second
    kish = (kept * final).sum() ** 2 / (kept.sum() * (kept * final**2).sum())
    return float(kept.sum() / first.sum()), float(kish)


def microseconds(surrogate: AmplitudeSurrogate, table: AmplitudeTable) -> float:
    """Processor time of a predicted point in microseconds, one thread, the fastest of some calls."""
    rows = slice(0, min(BATCH, len(table)))
    columns = (table.momenta[rows], table.process[rows], table.alpha_s[rows])
    threads = torch.get_num_threads()
    fastest = float("inf")
    torch.set_num_threads(1)
    try:
        surrogate.predict(*columns)
        for _ in range(REPEATS):
            start = time.process_time()
            surrogate.predict(*columns)
            fastest = min(fastest, time.process_time() - start)
    finally:
        torch.set_num_threads(threads)
    return fastest / len(columns[0]) * 1e6


def _deviations(size: Tensor, weight: Tensor) -> Deviations:
    values, order = size.sort()
    part = weight[order].cumsum(dim=0)
    places = torch.tensor([0.5, 0.9, 0.99], dtype=part.dtype, device=part.device) * part[-1]
    rows = torch.searchsorted(part, places).clamp(max=len(values) - 1)
    median, q90, q99 = values[rows].tolist()
    return Deviations(median, q90, q99, float(values[-1]))


def _rms(pull: Tensor) -> float:
    return float(pull.square().mean().sqrt())


def _coverage(pull: Tensor) -> tuple[tuple[float, float, float], ...]:
    widths = torch.tensor(WITHIN, dtype=torch.float64)
    expected = torch.erf(widths / 2**0.5).tolist()
    return tuple((w, e, coverage(pull, w)) for w, e in zip(WITHIN, expected, strict=True))


def _ranges(pull: Tensor, log_std: Tensor) -> tuple[ErrorRange, ...]:
    parts = torch.tensor_split(torch.argsort(log_std), min(RANGES, len(pull)))
    return tuple(
        ErrorRange(float(log_std[rows].median().exp()), pull_width(pull[rows]), _rms(pull[rows]))
        for rows in parts
    )


def _spectrum(size: Tensor) -> tuple[int, ...]:
    logs = size.clamp(min=1e-300).log10().cpu().numpy()
    counts, _ = np.histogram(np.clip(logs, SPECTRUM[0], SPECTRUM[-1]), SPECTRUM)
    return tuple(int(count) for count in counts)
