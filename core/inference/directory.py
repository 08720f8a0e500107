"""The directory of an inference: the only place that knows the names of its files.

run.yaml                 the run file as given, settings applied
likelihoods.safetensors  log p(x|θ) of every event on the grid, with errors
report.json              results; report.html is drawn from it
cache/                   integrals and trained components, by checksum of all they depend on
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.output_directory import OutputDirectory
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.inference.likelihood import EventLikelihoods


class InferenceDirectory(OutputDirectory):
    """One inference's directory."""

    @property
    def likelihoods(self) -> Path:
        """Of every event."""
        return self.path / "likelihoods.safetensors"

    def check_free(self, overwrite: bool) -> None:
        """Refuses what may not be replaced.

        Raises:
            OutputError: if something is there that is no inference, or one and not `overwrite`.
        """
        if self.is_free():
            return
        if self.path.is_dir() and {"cache"} == {entry.name for entry in self.path.iterdir()}:
            return  # left of an inference that did not come to its end
        is_one = self.run_file.is_file() and self.likelihoods.is_file()
        self.check_kind(is_one, "an inference", overwrite)

    def write_likelihoods(self, events: EventLikelihoods) -> None:
        """Writes log p of every event, with the axes of the grid."""
        from safetensors.torch import save

        tensors = {
            "log_p": events.nominal,
            "relative_error": events.relative_error,
            "effective": events.effective,
            **{f"axis.{axis.name}": axis.values for axis in events.grid.axes},
        }
        write_whole(
            self.likelihoods, save({k: t.contiguous().clone() for k, t in tensors.items()})
        )
