"""What every stage of a run works with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosshook.core.component import Slot
    from crosshook.core.config import RunConfig
    from crosshook.core.execute import Executor
    from crosshook.core.process.scattering import ScatteringProcess
    from crosshook.core.registry import Registry
    from crosshook.core.run import Reporter
    from crosshook.core.run_directory import RunDirectory
    from crosshook.core.sampling.sampler import Sampler
    from crosshook.core.stage_records import StageRecords
    from crosshook.core.train import TrainingPlan


@dataclass(frozen=True)
class StagedRun:
    """A run whose stages follow each other.

    Attributes:
        config: the run.
        registry: of the plugins it uses.
        process: its process.
        sampler: untrained.
        plan: of the training.
        outputs: endings of the event files with their components.
        directory: of the run.
        records: of the stages that are finished.
        executor: runs blocks.
        reporter: shows progress.
    """

    config: RunConfig
    registry: Registry
    process: ScatteringProcess
    sampler: Sampler
    plan: TrainingPlan
    outputs: tuple[tuple[str, Slot], ...]
    directory: RunDirectory
    records: StageRecords
    executor: Executor
    reporter: Reporter

    def note(self, line: str) -> None:
        """Appends a line to the log."""
        self.directory.note(f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}")
