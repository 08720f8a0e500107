"""Results of a run: what report.json holds and the summary prints. Plain values, every one defined.

Cross sections are in pb; efficiencies follow `crosshook.core.statistics`.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.generation_result import (  # noqa: TC001 - read by get_type_hints
    GenerationResult,
    ProgramResult,
)
from crosshook.core.histograms import Histogram  # noqa: TC001 - read by get_type_hints
from crosshook.core.report.shown import Shown
from crosshook.core.statistics import Efficiency  # noqa: TC001 - read by get_type_hints
from crosshook.core.training_result import (  # noqa: TC001 - read by get_type_hints
    TrainingResult,
)

if TYPE_CHECKING:
    from crosshook.core.report.sections import Headline, Table


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
