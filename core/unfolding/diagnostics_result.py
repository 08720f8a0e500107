"""What is known about an unfolding beyond its spectra: plain values, every one defined.

Δ is the distance of `crosshook.core.unfolding.spectra`, of normalised spectra, in 10⁻³; its noise
is what statistics make of it on average, its limit the mean + 2 standard deviations. NaN where
something is not known.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LevelSpectra:
    """One observable at both levels, sums of weights in bins.

    Attributes:
        name: of the column.
        unit: of the axis.
        edges: `(bins + 1,)`.
        prior: truth of the simulation, scaled to the unfolded sum.
        unfolded: nominal truth.
        statistical: standard errors from measured and simulated events.
        network: standard errors from the networks' seeds.
        total: standard errors, systematic variations included.
        correlation: of the total errors, `(bins, bins)`; empty where no replica tells.
        measured: less background.
        measured_error: standard errors.
        folded: the unfolded sample at detector level; empty where its rows are not the
            simulation's.
        folded_error: standard errors from the number of simulated events.
        simulated: the simulation at detector level, scaled to the measured sum.
        response: P(reco bin | truth bin), `(bins, bins)`.
    """

    name: str
    unit: str
    edges: tuple[float, ...]
    prior: tuple[float, ...]
    unfolded: tuple[float, ...]
    statistical: tuple[float, ...]
    network: tuple[float, ...]
    total: tuple[float, ...]
    correlation: tuple[tuple[float, ...], ...]
    measured: tuple[float, ...]
    measured_error: tuple[float, ...]
    folded: tuple[float, ...]
    folded_error: tuple[float, ...]
    simulated: tuple[float, ...]
    response: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Trend:
    """One observable iteration by iteration, the prior as number 0.

    Attributes:
        name: of the observable.
        detector: Δ between folded and measured; empty where it cannot be folded.
        detector_noise: what chance makes of it.
        detector_limit: above this, chance does not explain it.
        change: Δ to the iteration before, from number 1 on.
        remaining: Δ to the last iteration.
        noise: Δ that statistics make of the truth spectrum of each iteration.
    """

    name: str
    detector: tuple[float, ...]
    detector_noise: tuple[float, ...]
    detector_limit: tuple[float, ...]
    change: tuple[float, ...]
    remaining: tuple[float, ...]
    noise: tuple[float, ...]


@dataclass(frozen=True)
class Stopping:
    """When the iterations have settled.

    Attributes:
        iterations: that were made.
        trends: one an observable.
        floor: where the noise comes from: `replicas` or `events`.
        recommended: first iteration from which all observables agree with the last within noise;
            None if the last still moves.
        reason: in words.
    """

    iterations: int
    trends: tuple[Trend, ...]
    floor: str
    recommended: int | None
    reason: str


@dataclass(frozen=True)
class ShiftedObservable:
    """One observable of a stress test.

    Attributes:
        name: of the column.
        before: Δ between the prior and the shifted truth.
        after: Δ between what is unfolded and the shifted truth.
        noise: Δ that statistics make of the measurement.
        mean_bias: mean of what is unfolded less the true one.
        mean_error: statistical standard error of the measurement's mean.
    """

    name: str
    before: float
    after: float
    noise: float
    mean_bias: float
    mean_error: float


@dataclass(frozen=True)
class ShiftTest:
    """The simulation with another truth, unfolded as if it were the data.

    Attributes:
        name: of the shift.
        observables: how each comes out.
        normalisation_bias: unfolded over true sum of weights, less 1.
    """

    name: str
    observables: tuple[ShiftedObservable, ...]
    normalisation_bias: float


@dataclass(frozen=True)
class HarmTest:
    """An observable in which simulation and data may agree, so that its truth should stay.

    Attributes:
        name: of the column.
        detector: Δ between simulated and measured spectra.
        detector_limit: above this they disagree.
        truth: Δ between prior and unfolded truth.
        truth_limit: above this the change is more than noise.
        agrees: at detector level.
        harmed: agrees, and yet was changed.
    """

    name: str
    detector: float
    detector_limit: float
    truth: float
    truth_limit: float
    agrees: bool
    harmed: bool


@dataclass(frozen=True)
class WeightHealth:
    """Weights of the nominal result, and their ratios to the simulation's.

    Attributes:
        rows: of truth.
        effective: (Σw)²/Σw².
        prior_effective: the same of the simulation.
        largest_share: of Σw on the ten largest weights.
        tail_shape: Pareto shape k̂ of the weights.
        negative: rows with weights below 0.
        lowest_ratio: 0.1 % quantile of the ratios over their mean; NaN if rows are not the
            simulation's.
        highest_ratio: 99.9 % quantile.
        at_ceiling: rows that share the largest ratio, more than one where ratios are clipped; 0
            where most ratios are shared, as in cells.
    """

    rows: int
    effective: float
    prior_effective: float
    largest_share: float
    tail_shape: float
    negative: int
    lowest_ratio: float
    highest_ratio: float
    at_ceiling: int


@dataclass(frozen=True)
class DetectorClosure:
    """Whether the unfolded sample has the measured number of events at detector level.

    Attributes:
        measured: sum of weights, less background.
        measured_error: its standard error.
        folded: of the unfolded sample; NaN where its rows are not the simulation's.
        difference: folded over measured, less 1.
    """

    measured: float
    measured_error: float
    folded: float
    difference: float


@dataclass(frozen=True)
class VarianceSplit:
    """Analysis of variance of the mean of an observable, in resamples crossed with seeds.

    Variances, in squares of the observable's unit; unbiased, so that small ones may be below 0.
    NaN where one seed does not tell.

    Attributes:
        name: of the observable.
        family: that was analysed, e.g. `bootstrap_data`.
        resamples: of the events.
        seeds: of the networks.
        statistical: what the events make.
        statistical_error: its standard error.
        seed: what the seed alone makes.
        interaction: what the seed makes of other events.
        network_error: standard error of seed and interaction together.
    """

    name: str
    family: str
    resamples: int
    seeds: int
    statistical: float
    statistical_error: float
    seed: float
    interaction: float
    network_error: float


@dataclass(frozen=True)
class Diagnostics:
    """Everything known about an unfolding.

    Attributes:
        unfolded_sum: sum of the nominal weights: true events in the fiducial region.
        spectra: one an observable.
        stopping: when the iterations have settled; None without iterations.
        shifts: stress tests.
        harms: do-no-harm tests.
        weights: how healthy they are.
        closure: of the normalisation.
        splits: analyses of variance, one an observable and family of resamples.
        fits: families with their numbers of columns.
        notes: what the component says.
        warnings: why not to trust the result; none if nothing was found.
    """

    unfolded_sum: float
    spectra: tuple[LevelSpectra, ...]
    stopping: Stopping | None
    shifts: tuple[ShiftTest, ...]
    harms: tuple[HarmTest, ...]
    weights: WeightHealth
    closure: DetectorClosure
    splits: tuple[VarianceSplit, ...]
    fits: dict[str, int]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
