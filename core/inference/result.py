"""What an inference leaves in report.json: plain values, every one defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.report.shown import Shown
from crosshook.core.transfer.evaluation import TransferEvaluation  # noqa: TC001 - get_type_hints

if TYPE_CHECKING:
    from crosshook.core.report.sections import Headline, Table

FORMAT = "crosshook-inference/1"


@dataclass(frozen=True)
class IntervalResult:
    """A confidence interval.

    Attributes:
        level: of confidence.
        method: `wilks` or `neyman`.
        segments: lower and upper end of each part; parts across the end of a circle go beyond
            it.
    """

    level: float
    method: str
    segments: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ParameterResult:
    """What is known of one parameter, the others profiled.

    Attributes:
        name: of the parameter.
        nuisance: it was not asked for.
        low: lowest value of its axis.
        high: highest.
        period: or None.
        best: where the likelihood is largest.
        at_edge: the largest likelihood is at an end of the axis.
        truth: value the events were simulated with, or None.
        intervals: at every level.
        values: of the parameter, for the curves.
        statistic: −2 Δlog L there.
        integral_error: its standard error from the integrals of events.
        cross_section_error: likewise from σ_fid.
        members: the statistic of every network of an ensemble; empty if there is one only.
        ensemble_deviation: standard deviation of `best` among them; 0 if there is one only.
    """

    name: str
    nuisance: bool
    low: float
    high: float
    period: float | None
    best: float
    at_edge: bool
    truth: float | None
    intervals: tuple[IntervalResult, ...]
    values: tuple[float, ...]
    statistic: tuple[float, ...]
    integral_error: tuple[float, ...]
    cross_section_error: tuple[float, ...]
    members: tuple[tuple[float, ...], ...]
    ensemble_deviation: float


@dataclass(frozen=True)
class WorstEvent:
    """An event whose integral is among the least certain.

    Attributes:
        number: of the event, from 0.
        relative_error: of its density, the largest of all parameter points.
        effective: smallest effective share of its points.
        log_p: at the best fit.
        values: of its dense columns.
    """

    number: int
    relative_error: float
    effective: float
    log_p: float
    values: dict[str, float]


@dataclass(frozen=True)
class IntegralsResult:
    """The integrals of the events.

    Attributes:
        points: of an event.
        effective: mean effective share of points over events and parameter points.
        smallest: smallest of all.
        uniform: mean effective share of uniform points, for comparison; NaN if not measured.
        edges: bin edges of the effective share.
        counts: events by their mean over parameter points.
        relative_error: root mean square of the relative errors.
        milliseconds: processor time of an event, all parameter points together; NaN if the
            integrals were there already.
        worst: events with the largest errors.
    """

    points: int
    effective: float
    smallest: float
    uniform: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    relative_error: float
    milliseconds: float
    worst: tuple[WorstEvent, ...]


@dataclass(frozen=True)
class CrossSectionResult:
    """σ_fid of one process along one parameter, the others at their best.

    Attributes:
        process: its name.
        parameter: name.
        values: of the parameter.
        cross_section: in pb.
        error: standard error in pb.
    """

    process: str
    parameter: str
    values: tuple[float, ...]
    cross_section: tuple[float, ...]
    error: tuple[float, ...]


@dataclass(frozen=True)
class ToyResult:
    """Pseudo-experiments at one true value.

    Attributes:
        parameter: name.
        truth: value.
        experiments: data sets.
        events: of each.
        coverage: for each level, share of Wilks' intervals that hold the truth, with its error.
        critical: for each level, the statistic not exceeded by this share.
        bias: mean distance of the estimate from the truth.
        bias_error: its standard error.
        width: mean half width of the 68.3 % interval.
        pull_mean: of distance over half width.
        pull_deviation: likewise.
        ranks: data sets in ten equal bins of Φ(± √statistic), even if Wilks' intervals are right.
    """

    parameter: str
    truth: float
    experiments: int
    events: float
    coverage: tuple[tuple[float, float], ...]
    critical: tuple[float, ...]
    bias: float
    bias_error: float
    width: float
    pull_mean: float
    pull_deviation: float
    ranks: tuple[int, ...]


@dataclass(frozen=True)
class JudgedDetector:
    """A transfer function, judged on events it has not seen.

    Attributes:
        process: whose events.
        name: of the component, with the number of the network.
        judgement: ranks of reconstructed values and of T, and the acceptance.
        own_events: they are of its own making, as nothing else simulates the detector.
    """

    process: str
    name: str
    judgement: TransferEvaluation
    own_events: bool = False


@dataclass(frozen=True, repr=False)
class InferenceReport(Shown):
    """An inference.

    Attributes:
        format: of this document.
        title: of the processes.
        method: `mem`, or that of an estimator.
        data: where the events come from.
        events: how many.
        detectors: transfer functions by process.
        judged: how good each is.
        ensemble: networks of each.
        levels: of confidence.
        parameters: results.
        integrals: of the events; None for estimators.
        cross_sections: along the parameters.
        toys: pseudo-experiments.
        notes: what a reader must know.
        seconds: wall time.
        processor_seconds: processor time.
        seed: of all random streams.
        created: when, ISO 8601.
        versions: of crosshook and the libraries.
        configuration: the resolved run file.
    """

    format: str
    title: str
    method: str
    data: str
    events: int
    detectors: dict[str, str]
    judged: tuple[JudgedDetector, ...]
    ensemble: int
    levels: tuple[float, ...]
    parameters: tuple[ParameterResult, ...]
    integrals: IntegralsResult | None
    cross_sections: tuple[CrossSectionResult, ...]
    toys: tuple[ToyResult, ...]
    notes: tuple[str, ...]
    seconds: float
    processor_seconds: float
    seed: int
    created: str
    versions: dict[str, str]
    configuration: dict[str, object]

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.inference import headline

        return headline(self)

    def tables(self) -> tuple[Table, ...]:
        """Rows that are shown with them."""
        from crosshook.core.report.inference import intervals_table

        return (intervals_table(self),)
