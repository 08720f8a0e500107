"""Results of a generation: of crosshook's own, in one stage or two, and of a program. Plain values.

Cross sections are in pb; efficiencies follow `crosshook.core.statistics`.
"""

from __future__ import annotations

from dataclasses import dataclass

from crosshook.core.histograms import Histogram  # noqa: TC001 - read by get_type_hints


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
