"""The directory of an inference: the only place that knows the names of its files.

run.yaml                 the run file as given, settings applied
likelihoods.safetensors  log p(x|θ) of every event on the grid, with errors
report.json              results; report.html is drawn from it
cache/                   integrals and trained components, by checksum of all they depend on
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from crosshook.core.errors import OutputError
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crosshook.core.inference.likelihood import EventLikelihoods


class InferenceDirectory:
    """One inference's directory.

    Attributes:
        path: of the directory.
    """

    def __init__(self, path: Path) -> None:
        """Names a directory; nothing is read or made yet."""
        self.path = path

    @property
    def run_file(self) -> Path:
        """As given, settings applied."""
        return self.path / "run.yaml"

    @property
    def likelihoods(self) -> Path:
        """Of every event."""
        return self.path / "likelihoods.safetensors"

    @property
    def report(self) -> Path:
        """The results."""
        return self.path / "report.json"

    @property
    def page(self) -> Path:
        """The report for people."""
        return self.path / "report.html"

    def check_free(self, overwrite: bool) -> None:
        """Refuses what may not be replaced.

        Raises:
            OutputError: if something is there that is no inference, or one and not `overwrite`.
        """
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        if self.path.is_dir() and {"cache"} == {entry.name for entry in self.path.iterdir()}:
            return  # left of an inference that did not come to its end
        if not self.run_file.is_file() or not self.likelihoods.is_file():
            message = f"{self.path}: exists and is no inference's directory; choose another place"
            raise OutputError(message)
        if not overwrite:
            message = (
                f"{self.path}: holds an inference already; use --overwrite or another --output"
            )
            raise OutputError(message)

    def write_yaml(self, document: Mapping[str, object]) -> None:
        """Writes the run file."""
        write_whole(self.run_file, yaml.safe_dump(dict(document), sort_keys=False))

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

    def write_report(self, document: object) -> None:
        """Writes the results."""
        write_whole(
            self.report, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        )
