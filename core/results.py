"""Results of a run: what report.json holds and the summary prints. Plain values, every one defined.

Cross sections are in pb; efficiencies follow `crosshook.core.statistics`.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crosshook.core.histograms import Histogram  # noqa: TC001 - read by get_type_hints
from crosshook.core.report.shown import Shown
from crosshook.core.statistics import Efficiency  # noqa: TC001 - read by get_type_hints

if TYPE_CHECKING:
    from crosshook.core.report.sections import Headline, Table


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


@dataclass(frozen=True)
class ChannelResult:
    """One channel in the integration.

    Attributes:
        name: of the channel.
        share: p_c, the probability a point is drawn in it.
        points: drawn.
        estimate: its part of the cross section in pb.
        error: standard error.
        largest: max |v| in pb.
        zeros: points outside cuts or phase space.
    """

    name: str
    share: float
    points: int
    estimate: float
    error: float
    largest: float
    zeros: int


@dataclass(frozen=True)
class ProcessResult:
    """One process id in the cross section.

    Attributes:
        process_id: LPRUP.
        label: flavours.
        cross_section: in pb.
        error: standard error.
    """

    process_id: int
    label: str
    cross_section: float
    error: float


@dataclass(frozen=True)
class WeightSpectrum:
    """Distribution of weights over their mean, in bins of log10.

    Attributes:
        edges: of log10(|w|/⟨|w|⟩).
        channels: for each channel the number of points in each bin.
        zeros: points with weight 0.
    """

    edges: tuple[float, ...]
    channels: tuple[tuple[int, ...], ...]
    zeros: int


@dataclass(frozen=True)
class AgreementResult:
    """Whether an integration agrees with itself; see `crosshook.core.agreement`.

    Attributes:
        blocks_probability: chance of a larger χ² of the blocks.
        training_probability: chance of the training's estimates being further off.
        channel_pulls: for each channel what its points find beyond what all points say of it, in
            standard errors.
        channels_probability: chance of a larger one among them.
        tail_shape: Pareto shape k̂ of the largest weights as drawn.
        largest_share: share of Σ|w| the ten largest weights carry.
        largest_square_share: their share of Σw².
        notes: what chance does not explain.
    """

    blocks_probability: float
    training_probability: float
    channel_pulls: tuple[float, ...]
    channels_probability: float
    tail_shape: float
    largest_share: float
    largest_square_share: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class IntegrationResult:
    """The integration with the frozen sampler.

    Attributes:
        cross_section: in pb.
        error: standard error.
        evaluations: points.
        chi_squared: of the blocks about their mean.
        degrees_of_freedom: of it.
        channels: channel by channel.
        cut_efficiency: share of points with weight ≠ 0, invalid ones left aside.
        invalid: points with NaN or infinite weight.
        negative_share: Σ|w<0| / Σ|w|.
        efficiencies: unweighting efficiencies by rule.
        mean_over_max: ⟨|w|⟩/max|w| with channels drawn in proportion to their maxima.
        kish: Kish's fraction of the points as drawn.
        relative_deviation: standard deviation of the weights over their mean, as drawn.
        histograms: of observables.
        spectrum: of weights.
        seconds: wall time.
        running: how the estimate converges: points so far, cross section and error in pb.
        latents: how the random numbers of a block hang together.
        agreement: whether blocks, training and channels agree, None if it was not looked at.
    """

    cross_section: float
    error: float
    evaluations: int
    chi_squared: float
    degrees_of_freedom: int
    channels: tuple[ChannelResult, ...]
    cut_efficiency: float
    invalid: int
    negative_share: float
    efficiencies: tuple[Efficiency, ...]
    mean_over_max: float
    kish: float
    relative_deviation: float
    histograms: tuple[Histogram, ...]
    spectrum: WeightSpectrum
    seconds: float
    running: tuple[tuple[int, float, float], ...] = ()
    latents: str = "random"
    agreement: AgreementResult | None = None


@dataclass(frozen=True)
class VariationResult:
    """The cross section under one variation.

    Attributes:
        id: of the weight.
        group: of the weight.
        text: of the weight.
        cross_section: in pb.
    """

    id: str
    group: str
    text: str
    cross_section: float


@dataclass(frozen=True)
class FileResult:
    """A file of the run directory.

    Attributes:
        name: relative to it.
        bytes: size.
        sha256: checksum.
    """

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class SurrogateResult:
    """The training of the amplitude surrogate of a run.

    Attributes:
        component: of the amplitude_surrogate hook.
        evaluations: of |M|² it was trained on; 0 if it was not trained in this run.
        losses: the training loss by step.
        notes: what the component had to say.
        seconds: wall time.
    """

    component: str
    evaluations: int
    losses: tuple[float, ...]
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class TwoStageResult:
    """Unweighting in two stages, as it went; see `TwoStageExpectation` for what was promised.

    Attributes:
        two_stages: False if the pilot promised no gain and all exact weights were computed.
        rule: how the maxima were chosen.
        pilot: N, points of the pilot, which all efficiencies depend on.
        exact: exact weights computed in the generation.
        first: ε1, exact weights per point drawn.
        second: ε2, events kept per exact weight.
        kish: α, Kish's fraction of the events.
        single: ε_full, what a single stage by the same rule would keep of the pilot's points.
        single_kish: α_full, Kish's fraction of those.
        inside: share of points inside the cuts.
        point_seconds: of a point before any weight, mapping, phase space, cuts, densities; seconds
            of a processor, medians over blocks.
        surrogate_seconds: of a point's estimate.
        exact_seconds: of an exact weight.
        gain: f_eff, the time a single stage would take over that of two for as many effective
            events, with the times measured.
        expected_gain: the same as the pilot promised it.
        ceiling: f_eff of a surrogate without error that takes as long.
    """

    two_stages: bool
    rule: str
    pilot: int
    exact: int
    first: float
    second: float
    kish: float
    single: float
    single_kish: float
    inside: float
    point_seconds: float
    surrogate_seconds: float
    exact_seconds: float
    gain: float
    expected_gain: float
    ceiling: float


@dataclass(frozen=True)
class GenerationResult:
    """The unweighted events.

    Attributes:
        events: written.
        surplus: kept and cut off at the end.
        evaluations: points drawn, the pilot not counted.
        pilot: points of the pilot.
        efficiency: kept events per point drawn.
        rule: what the unweighter said of its maxima.
        overweights: events with more than the common weight.
        overweight_share: Σ(w - common weight)₊ / Σw over the events.
        kish: Kish's fraction of the events.
        cross_section: all stages after the training combined by numbers of points, in pb; the
            mean weight of the events.
        error: its standard error.
        processes: process by process.
        variations: cross sections under the variations.
        histograms: of the events, in pb.
        files: written.
        seconds: wall time.
        notes: what went wrong without stopping the run.
        bias: the expression b of `generate.bias`, `""` without one; efficiency and overweights are
            then those of |w|·b.
        surrogate: the training of the amplitude surrogate, None without one.
        stages: how unweighting in two stages went, None without a surrogate.
    """

    events: int
    surplus: int
    evaluations: int
    pilot: int
    efficiency: float
    rule: tuple[str, ...]
    overweights: int
    overweight_share: float
    kish: float
    cross_section: float
    error: float
    processes: tuple[ProcessResult, ...]
    variations: tuple[VariationResult, ...]
    histograms: tuple[Histogram, ...]
    files: tuple[FileResult, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    bias: str = ""
    surrogate: SurrogateResult | None = None
    stages: TwoStageResult | None = None


@dataclass(frozen=True)
class ProgramBatch:
    """One batch of the events of a program.

    Attributes:
        number: from 0.
        asked: events asked for.
        seed: the program's.
        events: read.
        points: they stand for.
        kept: by the unweighter.
        cross_section: of the batch in pb.
        error: its standard error.
        rule: how it was found; see `crosshook.core.cross_section`.
        seconds: wall time.
    """

    number: int
    asked: int
    seed: int
    events: int
    points: float
    kept: int
    cross_section: float
    error: float
    rule: str
    seconds: float


@dataclass(frozen=True)
class ProgramResult:
    """A program whose events were unweighted.

    Attributes:
        component: of the generator hook.
        program: name and version as it says itself, or `""`.
        cross_section: the program's own in pb; NaN if it does not say.
        error: its standard error; NaN if it does not say.
        facts: what else its log says.
        batches: of its events.
    """

    component: str
    program: str
    cross_section: float
    error: float
    facts: dict[str, str]
    batches: tuple[ProgramBatch, ...]


@dataclass(frozen=True)
class MemoryResult:
    """Most memory that processes of a run have had, in bytes; since the run was last resumed.

    Attributes:
        manager: the process that was called.
        worker: the largest of those that computed for it, 0 if there were none.
    """

    manager: int
    worker: int


@dataclass(frozen=True, repr=False)
class RunResult(Shown):
    """A whole run.

    Attributes:
        format: `crosshook-report/1`.
        process: name of the process.
        beams: PDG ids of the beams.
        energy: collision energy in GeV.
        parton_density: name of the set, or `""` without one.
        seed: of the run.
        created: UTC time, ISO 8601.
        versions: of crosshook, Python and the libraries that matter.
        configuration: the resolved run file.
        training: of the sampler.
        integration: with the frozen sampler.
        generation: of events, or None.
        seconds: wall time of the whole run; in report.json without the drawing of the report.
        notes: what a reader must know before using the numbers.
        generator: the program the events are from, None if they are crosshook's own; the
            integration is then made of its weighted events.
        memory: most that its processes have had; None if not known.
    """

    format: str
    process: str
    beams: tuple[int, int]
    energy: float
    parton_density: str
    seed: int
    created: str
    versions: dict[str, str]
    configuration: dict[str, object]
    training: TrainingResult
    integration: IntegrationResult
    generation: GenerationResult | None
    seconds: float
    notes: tuple[str, ...] = ()
    generator: ProgramResult | None = None
    memory: MemoryResult | None = None

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.run import headline

        return headline(self)

    def tables(self) -> tuple[Table, ...]:
        """Rows that are shown with them."""
        from crosshook.core.report.data_shown import efficiencies_table

        return (efficiencies_table(self.integration.efficiencies),)


def as_json(value: object) -> object:
    """A result as values JSON can hold; NaN and infinity become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
