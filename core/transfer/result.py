"""What a training of a transfer function leaves in report.json: plain values, every one defined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crosshook.core.report.shown import Shown
from crosshook.core.transfer.evaluation import TransferEvaluation  # noqa: TC001 - get_type_hints

if TYPE_CHECKING:
    from crosshook.core.report.sections import Headline

FORMAT = "crosshook-transfer/1"


@dataclass(frozen=True, repr=False)
class TransferReport(Shown):
    """A trained transfer function.

    Attributes:
        format: of this document.
        component: that learned.
        options: it was built with.
        source: where the events come from.
        truth: names of the true columns and sets.
        reco: names of the reconstructed ones.
        events: used by the training, with those that choose its weights.
        accepted: of these.
        losses: by stretches of steps.
        notes: what a reader must know.
        evaluation: on the events held out.
        training_seconds: wall time of the training.
        training_processor_seconds: processor time of the training.
        seed: of all random streams.
        created: when, ISO 8601.
        versions: of crosshook and the libraries.
        configuration: the resolved run file.
    """

    format: str
    component: str
    options: dict[str, object]
    source: str
    truth: tuple[str, ...]
    reco: tuple[str, ...]
    events: int
    accepted: int
    losses: tuple[float, ...]
    notes: tuple[str, ...]
    evaluation: TransferEvaluation
    training_seconds: float
    training_processor_seconds: float
    seed: int
    created: str
    versions: dict[str, str]
    configuration: dict[str, object]

    def headline(self) -> Headline:
        """What it is and the numbers that matter, as they are shown."""
        from crosshook.core.report.transfer import headline

        return headline(self)
