"""What a training's checkpoints say of the training: its run file, where it began, what computed.

run.yaml      the run file of the training, settings applied
begun.json    the folder its relative paths are taken from, and what computed
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import yaml

from crosshook.core.errors import InputError
from crosshook.core.provenance import versions
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN_FILE, BEGUN = "run.yaml", "begun.json"


@dataclass(frozen=True)
class BegunTraining:
    """A training that may be stopped.

    Attributes:
        path: of its checkpoints; made when it begins.
    """

    path: Path

    def begin(self, document: Mapping[str, object], folder: Path) -> None:
        """Forgets what was there, and writes down which training this is.

        Args:
            document: the run file, resolved.
            folder: relative paths in it are taken from there.

        Raises:
            OutputError: if it cannot be written.
        """
        self.end()
        begun = {"folder": str(folder.resolve()), "versions": versions()}
        write_whole(self.path / BEGUN, json.dumps(begun, indent=1))
        write_whole(self.path / RUN_FILE, yaml.safe_dump(dict(document), sort_keys=False))

    def changes(self) -> tuple[str, ...]:
        """What is not as it was when it began, in sentences.

        Raises:
            InputError: if what was written down is damaged.
        """
        before, now = cast("dict[str, str]", self._begun()["versions"]), versions()
        return tuple(
            f"{name} was {before.get(name, 'unknown')} when the training began and is "
            f"{now.get(name, 'unknown')} now: results may differ in the last digits"
            for name in sorted(before.keys() | now.keys())
            if before.get(name) != now.get(name)
        )

    def run_file(self) -> tuple[Path, Path]:
        """The run file, and the folder its relative paths are taken from.

        Raises:
            InputError: if there is no training to go on with.
        """
        path = self.path / RUN_FILE
        if not path.is_file():
            message = f"{self.path.parent}: no unfinished training here"
            raise InputError(message)
        return path, Path(str(self._begun()["folder"]))

    def end(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _begun(self) -> dict[str, object]:
        path = self.path / BEGUN
        try:
            found = json.loads(path.read_text("utf-8"))
            return {"folder": str(found["folder"]), "versions": dict(found["versions"])}
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"{path}: damaged: {error}"
            raise InputError(message) from error


def identity(document: Mapping[str, object]) -> str:
    """The checksum of a run file, resolved."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
