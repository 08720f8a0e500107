"""The directory of a trained surrogate: the only place that knows the names of its files.

run.yaml          the run file as given, settings applied
model/            the trained component, with model_card.json
report.json       results; report.html is drawn from it
checkpoints/      while a training is on its way, see crosshook.core.surrogates.checkpoints
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.trained_directory import TrainedDirectory

if TYPE_CHECKING:
    from pathlib import Path


class SurrogateDirectory(TrainedDirectory):
    """One surrogate's directory."""

    kind = "surrogate"

    @property
    def card(self) -> Path:
        """What the model is, for those who find it."""
        return self.model / "model_card.json"

    def is_one(self) -> bool:
        """See `TrainedDirectory.is_one`."""
        return self.run_file.is_file() and not (self.path / "resolved.json").exists()


def model_folder(path: Path) -> Path:
    """See `TrainedDirectory.model_folder`."""
    return SurrogateDirectory(path).model_folder()
