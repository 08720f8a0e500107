"""What an unfolding leaves in report.json: plain values, every one defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.report.shown import Shown
from crosshook.core.unfolding.diagnostics_result import (
    Diagnostics,  # noqa: TC001 - read by get_type_hints
)

if TYPE_CHECKING:
    from crosshook.core.report.sections import Headline, Table

FORMAT = "crosshook-unfold/1"


@dataclass(frozen=True, repr=False)
class UnfoldedHistogram(Shown):
    """A distribution of unfolded events; sums of weights in bins.

    Errors are NaN, and covariances empty, where no replica tells. Sums below and above the axis
    are not part of any bin.

    Attributes:
        name: key in reports and exports.
        observable: a truth column, or an expression in them.
        label: of the axis.
        unit: of the axis.
        edges: `(bins + 1,)`.
        values: nominal, `(bins,)`.
        below: sum of weights below the axis.
        above: sum of weights above it.
        data_errors: from the statistics of the measured events.
        simulation_errors: from the statistics of the simulated events.
        network_errors: from the networks' seeds.
        systematic_errors: of the systematic variations together.
        total_errors: all together.
        covariance: of all together, `(bins, bins)`.
        prior: the simulation, scaled to the unfolded sum; empty where rows are not its events.
        prior_errors: from the number of simulated events.
    """

    name: str
    observable: str
    label: str
    unit: str
    edges: tuple[float, ...]
    values: tuple[float, ...]
    below: float
    above: float
    data_errors: tuple[float, ...]
    simulation_errors: tuple[float, ...]
    network_errors: tuple[float, ...]
    systematic_errors: tuple[float, ...]
    total_errors: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    prior: tuple[float, ...]
    prior_errors: tuple[float, ...]

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.data_shown import histogram_headline

        return histogram_headline(self)

    def tables(self) -> tuple[Table, ...]:
        """Rows that are shown with them."""
        from crosshook.core.report.data_shown import histogram_table

        return (histogram_table(self),)


@dataclass(frozen=True)
class EventCounts:
    """Events that went in, as numbers and as sums of weights.

    Attributes:
        simulated: rows.
        with_truth: rows with truth.
        with_reco: rows with reconstruction.
        with_both: rows with both.
        simulated_truth: sum of weights with truth.
        simulated_both: sum of weights with both.
        simulated_fakes: sum of weights of fakes.
        measured: rows.
        measured_sum: sum of weights.
        background: rows.
        background_sum: sum of weights.
    """

    simulated: int
    with_truth: int
    with_reco: int
    with_both: int
    simulated_truth: float
    simulated_both: float
    simulated_fakes: float
    measured: int
    measured_sum: float
    background: int
    background_sum: float


@dataclass(frozen=True, repr=False)
class UnfoldReport(Shown):
    """An unfolding.

    Attributes:
        format: of this document.
        title: of the measurement.
        method: name of the component.
        options: it was built with.
        truth: names of the truth columns and sets that are unfolded.
        reco: names of the reco columns and sets used.
        counts: of events.
        total: sum of the nominal weights: true events in the fiducial region.
        total_error: its standard error; NaN where no replica tells.
        iterations: kept.
        losses: of the nominal fit.
        families: weight families with their numbers of columns.
        histograms: of the run file, or one of each observable.
        diagnostics: whether to trust it.
        notes: what a reader must know.
        fit_seconds: wall time of the nominal fit; 0 if it was there already.
        fit_processor_seconds: processor time of it.
        replica_seconds: wall time of the replicas.
        seed: of all random streams.
        created: when, ISO 8601.
        versions: of crosshook and the libraries.
        files: written event files: name and SHA-256.
        configuration: the resolved run file.
    """

    format: str
    title: str
    method: str
    options: dict[str, object]
    truth: tuple[str, ...]
    reco: tuple[str, ...]
    counts: EventCounts
    total: float
    total_error: float
    iterations: int
    losses: tuple[float, ...]
    families: dict[str, int]
    histograms: tuple[UnfoldedHistogram, ...]
    diagnostics: Diagnostics
    notes: tuple[str, ...]
    fit_seconds: float
    fit_processor_seconds: float
    replica_seconds: float
    seed: int
    created: str
    versions: dict[str, str]
    files: dict[str, str]
    configuration: dict[str, object]

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.unfolded import headline

        return headline(self)
