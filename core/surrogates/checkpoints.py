"""Trainings of surrogates that were stopped: what they had, in `checkpoints/` of their directory.

run.yaml      see crosshook.core.learning.begun, as for begun.json
drawing/      the trained sampler and blocks of points, while workers draw them
points/       the points, and the state of the component's training; see
              crosshook.core.learning.checkpoint

All of it goes when the training has ended.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from crosshook.core.learning.begun import BegunTraining, identity
from crosshook.core.learning.checkpoint import CheckpointFolder
from crosshook.core.learning.progressed import under
from crosshook.core.surrogates.points import Points
from crosshook.core.surrogates.training_set import AmplitudeTable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

DRAWING, STATE = "drawing", "points"
POINTS, TRAINING = "table", "training/"


class SurrogateCheckpoints:
    """Keeps a training, and is the `TrainingStore` of its component."""

    def __init__(self, path: Path) -> None:
        """Names the folder; nothing is read or made yet."""
        self._path, self._begun = path, BegunTraining(path)
        self._folder: CheckpointFolder | None = None
        self._points: Points | None = None
        self._described: dict[str, object] = {}
        self._found: tuple[dict[str, Tensor], dict[str, object]] | None = None

    def begin(self, document: Mapping[str, object], folder: Path) -> None:
        """See `BegunTraining.begin`."""
        self._begun.begin(document, folder)
        self._folder = CheckpointFolder(self._path / STATE, identity(document))

    def go_on(self, document: Mapping[str, object]) -> tuple[str, ...]:
        """Reads what a training that was stopped has left.

        Args:
            document: the run file, resolved.

        Returns:
            What is not as it was when it began, in sentences.

        Raises:
            InputError: if it is damaged.
        """
        self._folder = CheckpointFolder(self._path / STATE, identity(document))
        kept = self._folder.read()
        if kept is not None:
            self._described = cast("dict[str, object]", kept.values["points"])
            self._points = _points(kept.fixed[POINTS], self._described)
            if kept.values["training"] is not None:
                values = cast("dict[str, object]", kept.values["training"])
                self._found = under(kept.tensors, TRAINING), values
        return self._begun.changes()

    def run_file(self) -> tuple[Path, Path]:
        """See `BegunTraining.run_file`."""
        return self._begun.run_file()

    @property
    def drawing(self) -> Path:
        """For what workers write; goes with the points being kept."""
        return self._path / DRAWING

    @property
    def points(self) -> Points | None:
        """The points, if they were gathered."""
        return self._points

    def keep_points(self, points: Points) -> Points:
        """Writes the points, and gives them as they will be read.

        Raises:
            OutputError: if it cannot.
        """
        columns = {name: c.cpu().contiguous() for name, c in points.table.columns().items()}
        points = replace(points, table=replace(points.table, **columns))  # type: ignore[arg-type]
        self._points = points
        self._described = {
            "process": points.process,
            "source": points.source,
            "files": [list(file) for file in points.files],
            "pdg": [list(pdg) for pdg in points.table.pdg],
            "qcd_order": list(points.table.qcd_order),
            "n_incoming": points.table.n_incoming,
        }
        self._write({}, None)
        shutil.rmtree(self.drawing, ignore_errors=True)
        return points

    def load(self) -> tuple[dict[str, Tensor], dict[str, object]] | None:
        """See `TrainingStore.load`."""
        return self._found

    def save(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """See `TrainingStore.save`.

        Raises:
            OutputError: if it cannot be written.
        """
        self._write({TRAINING + name: tensor for name, tensor in tensors.items()}, values)

    def _write(self, tensors: dict[str, Tensor], values: dict[str, object] | None) -> None:
        assert self._folder is not None
        assert self._points is not None
        fixed = {POINTS: self._points.table.columns}
        self._folder.write(fixed, tensors, {"points": self._described, "training": values})

    def end(self) -> None:
        """Removes everything."""
        self._begun.end()


def _points(columns: dict[str, Tensor], described: dict[str, object]) -> Points:
    pdg = cast("list[list[int]]", described["pdg"])
    table = AmplitudeTable(
        **columns,
        pdg=tuple(tuple(legs) for legs in pdg),
        qcd_order=tuple(cast("list[int]", described["qcd_order"])),
        n_incoming=cast("int", described["n_incoming"]),
    )
    files = cast("list[tuple[str, str]]", described["files"])
    return Points(
        table,
        str(described["process"]),
        str(described["source"]),
        tuple((name, digest) for name, digest in files),
    )
