"""Checkpoints of a training: all that is needed to go on with the same bits.

`checkpoint.json` names the files that belong together, with their checksums, and holds what JSON
can hold; the others are safetensors. What no longer changes, as the points of a round, is a file
of its own that is written once. `checkpoint.json` is replaced last: whenever the process is
killed, the checkpoint it names is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import InputError, OutputError, brief
from crosshook.core.interfaces.training import Stateful
from crosshook.core.learning.progressed import under

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import torch
    from torch import Tensor

    from crosshook.core.learning.learner import Learner
    from crosshook.core.sampling.source import SamplerSource

    Tensors = dict[str, Tensor]

FORMAT = "crosshook-checkpoint/1"
DOCUMENT, ENDING = "checkpoint.json", ".safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as it was read, on the CPU.

    Attributes:
        fixed: tensors of each file that is written once.
        tensors: the others.
        values: what JSON can hold.
    """

    fixed: dict[str, Tensors]
    tensors: Tensors
    values: dict[str, object]


@dataclass
class CheckpointFolder:
    """The folder of a training's checkpoints; it holds one at a time.

    Attributes:
        path: of the folder; made when the first one is written.
        run: says which run the checkpoints belong to.
    """

    path: Path
    run: str
    _number: int = 0
    _checksums: dict[str, str] = field(default_factory=dict)

    def write(
        self,
        fixed: Mapping[str, Callable[[], Tensors]],
        tensors: Tensors,
        values: Mapping[str, object],
    ) -> None:
        """Replaces the checkpoint.

        Args:
            fixed: what does not change any more, by name; asked for only if it is not there yet.
            tensors: the rest.
            values: what JSON can hold.

        Raises:
            OutputError: if it cannot be written; the one before stays.
        """
        self._number += 1
        changing = f"state-{self._number:04d}"
        checksums = {name: self._checksums.get(name, "") for name in fixed}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for name, known in checksums.items():
                checksums[name] = known or self._save(name, fixed[name]())
            checksums[changing] = self._save(changing, tensors)
            document = {
                "format": FORMAT,
                "run": self.run,
                "number": self._number,
                "checksums": checksums,
                "values": dict(values),
            }
            self._replace(DOCUMENT, json.dumps(document).encode())
            self._checksums = checksums
            for path in self.path.glob(f"*{ENDING}"):
                if path.name.removesuffix(ENDING) not in checksums:
                    path.unlink()
        except OSError as error:
            message = f"{self.path}: checkpoint cannot be written: {error.strerror}"
            raise OutputError(message) from error

    def read(self) -> Checkpoint | None:
        """The checkpoint, or None if there is none yet.

        Raises:
            InputError: if it is damaged or belongs to another run.
        """
        path = self.path / DOCUMENT
        if not path.is_file():
            return None
        try:
            document = json.loads(path.read_text("utf-8"))
            checksums = cast("dict[str, str]", document["checksums"])
            number, run = int(document["number"]), document["run"]
            values = cast("dict[str, object]", document["values"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"{path}: no checkpoint: {brief(error)}"
            raise InputError(message) from error
        if document.get("format") != FORMAT:
            message = f"{path}: format is {document.get('format')!r}; this version reads {FORMAT}"
            raise InputError(message)
        if run != self.run:
            message = f"{path}: belongs to a run with another configuration"
            raise InputError(message)
        tensors = {name: self._load(name, known) for name, known in checksums.items()}
        self._number, self._checksums = number, checksums
        return Checkpoint(tensors, tensors.pop(f"state-{number:04d}"), values)

    def _save(self, name: str, tensors: Tensors) -> str:
        """Writes a file; gives its checksum."""
        from safetensors.torch import save

        data = save(
            {key: tensor.detach().cpu().clone().contiguous() for key, tensor in tensors.items()}
        )
        self._replace(name + ENDING, data)
        return hashlib.sha256(data).hexdigest()

    def _replace(self, name: str, data: bytes) -> None:
        part = self.path / f"{name}.part"
        try:
            with part.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(self.path / name)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise

    def _load(self, name: str, checksum: str) -> Tensors:
        from safetensors.torch import load

        path = self.path / (name + ENDING)
        try:
            data = path.read_bytes()
        except OSError as error:
            message = f"{path}: {error.strerror}"
            raise InputError(message) from error
        if hashlib.sha256(data).hexdigest() != checksum:
            message = f"{path}: does not match its checksum"
            raise InputError(message)
        # Copies lie in memory as tensors do that were computed: matrix products can depend on it.
        return {key: tensor.clone() for key, tensor in load(data).items()}


@dataclass
class TrainingKeeper:
    """Keeps a training in a folder and takes it back: its components, its learner and its source.

    Attributes:
        folder: of the checkpoints.
        source: what the points come from.
        found: where the training goes on, or None if it begins.
    """

    folder: CheckpointFolder
    source: SamplerSource
    found: Checkpoint | None = field(init=False)

    def __post_init__(self) -> None:
        self.found = self.folder.read()

    def keep(
        self, components: Mapping[str, object], learner: Learner, notes: tuple[str, ...]
    ) -> None:
        """Writes a checkpoint.

        Args:
            components: by name; all that are in training or were trained before.
            learner: trains them.
            notes: for the report so far.
        """
        tensors, values = learner.state()
        kept = {f"learner/{key}": tensor for key, tensor in tensors.items()}
        states: dict[str, object] = {}
        for name, component in components.items():
            if isinstance(component, Stateful):
                own, states[name] = component.state()
                kept |= {f"component/{name}/{key}": tensor for key, tensor in own.items()}
        self.folder.write(
            learner.fixed(),
            kept,
            {
                "learner": values,
                "components": states,
                "source": self.source.state(),
                "notes": list(notes),
            },
        )

    def restore_components(self, components: Mapping[str, object], device: torch.device) -> None:
        """Gives components the state they had; they must do so before a learner takes them.

        Raises:
            InputError: if the checkpoint does not fit them.
        """
        assert self.found is not None
        states = cast("dict[str, dict[str, object]]", self.found.values["components"])
        for name, component in components.items():
            if isinstance(component, Stateful):
                try:
                    own = under(self.found.tensors, f"component/{name}/")
                    component.load_state(_on(device, own), states[name])
                except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
                    raise self._unfit(error) from error

    def restore(self, learner: Learner, device: torch.device) -> tuple[str, ...]:
        """Gives learner and source the state they had.

        Returns:
            The notes so far.

        Raises:
            InputError: if the checkpoint does not fit them.
        """
        assert self.found is not None
        values = self.found.values
        fixed = {name: _on(device, tensors) for name, tensors in self.found.fixed.items()}
        try:
            learner.load_state(
                fixed,
                _on(device, under(self.found.tensors, "learner/")),
                cast("dict[str, object]", values["learner"]),
            )
            self.source.load_state(cast("dict[str, object]", values["source"]))
        except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
            raise self._unfit(error) from error
        self.found = None  # the points are the learner's now
        return tuple(cast("list[str]", values["notes"]))

    def _unfit(self, error: Exception) -> InputError:
        return InputError(f"{self.folder.path}: the checkpoint does not fit: {brief(error)}")


def _on(device: torch.device, tensors: Tensors) -> Tensors:
    return {name: tensor.to(device) for name, tensor in tensors.items()}
