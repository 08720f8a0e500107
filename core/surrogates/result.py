"""What a training of a surrogate leaves in report.json: plain values, every one defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.report.shown import Shown
from crosshook.core.surrogates.evaluation import Evaluation  # noqa: TC001 - read by get_type_hints

if TYPE_CHECKING:
    from crosshook.core.report.sections import Headline

FORMAT = "crosshook-surrogate/1"


@dataclass(frozen=True, repr=False)
class SurrogateReport(Shown):
    """A trained surrogate.

    Attributes:
        format: of this document.
        title: of the model.
        process: for people.
        pdg: of the legs of each subprocess, incoming first.
        component: that learned.
        options: it was built with.
        source: where the points come from.
        points: used by the training, with those it calibrates itself on.
        losses: by step, or stretch of steps.
        notes: what a reader must know.
        evaluation: on the points held out.
        point_seconds: wall time of gathering the points.
        training_seconds: wall time of the training.
        training_processor_seconds: processor time of the training.
        seed: of all random streams.
        created: when, ISO 8601.
        versions: of crosshook and the libraries.
        configuration: the resolved run file.
    """

    format: str
    title: str
    process: str
    pdg: tuple[tuple[int, ...], ...]
    component: str
    options: dict[str, object]
    source: str
    points: int
    losses: tuple[float, ...]
    notes: tuple[str, ...]
    evaluation: Evaluation
    point_seconds: float
    training_seconds: float
    training_processor_seconds: float
    seed: int
    created: str
    versions: dict[str, str]
    configuration: dict[str, object]

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.trained_surrogate import headline

        return headline(self)
