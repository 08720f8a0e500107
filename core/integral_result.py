"""The result of `crosshook.integrate`, put together from the sums of its points."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crosshook.core.report.shown import Shown
from crosshook.core.results import as_json
from crosshook.core.sampling.invalid import invalid_notes
from crosshook.core.sampling.replicas import error_of_error
from crosshook.core.summarise import integration_result

if TYPE_CHECKING:
    import numpy as np

    from crosshook.core.integrate import Weighted
    from crosshook.core.report.sections import Headline, Table
    from crosshook.core.results import AgreementResult, ChannelResult, WeightSpectrum
    from crosshook.core.sampling.latents import Latents
    from crosshook.core.sampling.trained import TrainedSampler
    from crosshook.core.statistics import Efficiency
    from crosshook.core.training_result import TrainingResult


@dataclass(frozen=True)
class Evaluations:
    """Points at which the integrand was evaluated, by stage.

    Attributes:
        training: to train the sampler, choices between samplers included.
        integration: for the integral.
    """

    training: int
    integration: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.training + self.integration


@dataclass(frozen=True, repr=False)
class Integral(Shown):
    """What `crosshook.integrate` found. Units are those of the function.

    Attributes:
        value: the integral.
        error: its standard error.
        error_uncertainty: relative standard error of `error` where it comes from replicas; 0
            where every point counts by itself.
        latents: what the integral was done with.
        channels: each channel's share, points, part of the integral, error, largest weight, zeros.
        chi_squared: of independent blocks about their mean; 0 where blocks are nets.
        degrees_of_freedom: of it.
        evaluations: calls of the function.
        training: history of the training.
        efficiencies: unweighting efficiencies by rule, with bootstrap errors.
        mean_over_max: ⟨|w|⟩/max|w| with channels drawn in proportion to their maxima.
        relative_deviation: standard deviation of the weights over their mean.
        kish: (Σw)²/(N Σw²) of the points as drawn.
        nonzero: share of points with weight ≠ 0.
        negative_share: Σ|w<0| / Σ|w|.
        invalid: points with NaN or infinite weight, which were left out.
        running: points so far, integral and error, block by block.
        spectrum: distribution of the weights.
        agreement: whether blocks, training and channels agree, and how heavy the tail is.
        warnings: reasons not to trust the result; empty if none were found.
        seconds: wall time.
        sampler: draws points and gives their density without calling the function.
    """

    value: float
    error: float
    error_uncertainty: float
    latents: Latents
    channels: tuple[ChannelResult, ...]
    chi_squared: float
    degrees_of_freedom: int
    evaluations: Evaluations
    training: TrainingResult
    efficiencies: tuple[Efficiency, ...]
    mean_over_max: float
    relative_deviation: float
    kish: float
    nonzero: float
    negative_share: float
    invalid: int
    running: tuple[tuple[int, float, float], ...]
    spectrum: WeightSpectrum = field(repr=False)
    agreement: AgreementResult | None = field(repr=False)
    warnings: tuple[str, ...]
    seconds: float
    sampler: TrainedSampler = field(repr=False, compare=False)

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.data_shown import integral_headline

        return integral_headline(self)

    def tables(self) -> tuple[Table, ...]:
        """Rows that are shown with them."""
        from crosshook.core.report.data_shown import integral_table

        return integral_table(self)

    @property
    def efficiency(self) -> Efficiency:
        """ε(0.1 %): unweighting efficiency by the rule `excess-share`."""
        return next(e for e in self.efficiencies if e.rule == "excess-share")

    def __str__(self) -> str:
        """Value and error."""
        return f"{self.value:.8g} ± {self.error:.2g}"

    def as_json(self) -> dict[str, object]:
        """Everything but the sampler as values JSON can hold; NaN and infinity become null."""
        return {
            f.name: as_json(getattr(self, f.name))
            for f in dataclasses.fields(self)
            if f.name != "sampler"
        }


def integral_of(
    weighted: Weighted,
    training: TrainingResult,
    sampler: TrainedSampler,
    rng: np.random.Generator,
    seconds: float,
) -> Integral:
    """The result of a finished integration.

    Args:
        weighted: its points.
        training: what went before.
        sampler: frozen.
        rng: for bootstrap errors.
        seconds: wall time of everything.
    """
    found = integration_result(
        weighted, sampler.channels, sampler.shares, rng, seconds, training.iterations
    )
    random = weighted.latents == "random"
    return Integral(
        value=found.cross_section,
        error=found.error,
        error_uncertainty=0.0 if random else error_of_error(weighted.blocks),
        latents=weighted.latents,
        channels=found.channels,
        chi_squared=found.chi_squared,
        degrees_of_freedom=found.degrees_of_freedom,
        evaluations=Evaluations(training.evaluations, found.evaluations),
        training=training,
        efficiencies=found.efficiencies,
        mean_over_max=found.mean_over_max,
        relative_deviation=found.relative_deviation,
        kish=found.kish,
        nonzero=found.cut_efficiency,
        negative_share=found.negative_share,
        invalid=found.invalid,
        running=found.running,
        spectrum=found.spectrum,
        agreement=found.agreement,
        warnings=(
            *invalid_notes(weighted.sums, weighted.invalid),
            *(found.agreement.notes if found.agreement is not None else ()),
        ),
        seconds=seconds,
        sampler=sampler,
    )
