"""The run directory: the only place that knows the names of its files.

run.yaml          the run file as given, settings applied
resolved.json     the same with every default filled in
models/           trained components, models/NAME/, and composition.json: how they go together
parts/            blocks of events until the files are put together
events.*          the events
report.json       results; report.html is drawn from it
state.json        what `crosshook generate DIR` needs besides the models
manifest.jsonl    one line a finished output: name, size, checksum
log.txt           one line a stage
"""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import InputError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 20


class RunDirectory:
    """One run's directory.

    Attributes:
        path: of the directory.
    """

    def __init__(self, path: Path) -> None:
        """Names a directory; nothing is read or made yet."""
        self.path = path

    @classmethod
    def create(cls, path: Path, overwrite: bool = False) -> RunDirectory:
        """Makes the directory.

        Args:
            path: where.
            overwrite: replace a run directory that is there already.

        Raises:
            OutputError: if it is there and not to be replaced, is no run directory, or cannot be
                made.
        """
        run = cls(path)
        try:
            if not run.check_free(overwrite):
                shutil.rmtree(path)
            run.parts.mkdir(parents=True)
        except OSError as error:
            message = f"{path}: cannot be written: {error.strerror}"
            raise OutputError(message) from error
        return run

    def check_free(self, overwrite: bool = False) -> bool:
        """Whether nothing is there yet, so that nothing need be removed.

        Args:
            overwrite: a run directory may be there.

        Raises:
            OutputError: if something is there that may not be replaced.
        """
        try:
            if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
                return True
        except OSError as error:
            message = f"{self.path}: cannot be written: {error.strerror}"
            raise OutputError(message) from error
        if not self.resolved.is_file():
            message = f"{self.path}: exists and is no run directory; choose another place"
            raise OutputError(message)
        if not overwrite:
            kind = "a run" if self.report.is_file() else "an unfinished run"
            message = f"{self.path}: holds {kind} already; use --overwrite or another --output"
            raise OutputError(message)
        return False

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """A directory with a finished run.

        Raises:
            InputError: if it is none.
        """
        run = cls(path)
        for needed in (run.resolved, run.report, run.state):
            if not needed.is_file():
                message = f"{path}: no finished run with events: {needed.name} is missing"
                raise InputError(message)
        return run

    @property
    def resolved(self) -> Path:
        """The resolved run file."""
        return self.path / "resolved.json"

    @property
    def run_file(self) -> Path:
        """The run file as given."""
        return self.path / "run.yaml"

    @property
    def report(self) -> Path:
        """The results."""
        return self.path / "report.json"

    @property
    def page(self) -> Path:
        """The report as a page."""
        return self.path / "report.html"

    @property
    def state(self) -> Path:
        """Shares and sums for further generation."""
        return self.path / "state.json"

    @property
    def parts(self) -> Path:
        """Blocks of events."""
        return self.path / "parts"

    @property
    def log(self) -> Path:
        """One line a stage."""
        return self.path / "log.txt"

    @property
    def manifest(self) -> Path:
        """One line a finished output."""
        return self.path / "manifest.jsonl"

    @property
    def composition(self) -> Path:
        """How trained components make up what points are drawn from."""
        return self.path / "models" / "composition.json"

    def model(self, slot: str) -> Path:
        """Directory of a trained component."""
        return self.path / "models" / slot

    def trained(self) -> list[str]:
        """Slots with a trained component."""
        folder = self.path / "models"
        return sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []

    def events(self, extension: str) -> Path:
        """An event file by its ending, without dot."""
        return self.path / f"events.{extension}"

    def write_text(self, path: Path, text: str) -> None:
        """Writes a file complete or not at all.

        Raises:
            OutputError: if it cannot be written.
        """
        temporary = path.with_name(f"{path.name}.part")
        try:
            temporary.write_text(text, "utf-8")
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            message = f"{path}: cannot be written: {error.strerror}"
            raise OutputError(message) from error

    def write_json(self, path: Path, value: object) -> None:
        """Writes JSON complete or not at all."""
        self.write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    def read_json(self, path: Path) -> dict[str, object]:
        """Reads one of the directory's JSON files.

        Raises:
            InputError: if it is missing or damaged.
        """
        try:
            return cast("dict[str, object]", json.loads(path.read_text("utf-8")))
        except OSError as error:
            message = f"{path}: {error.strerror}"
            raise InputError(message) from error
        except ValueError as error:
            message = f"{path}: not JSON: {error}"
            raise InputError(message) from error

    def note(self, line: str) -> None:
        """Appends a line to the log."""
        self._append(self.log, line)

    def _append(self, path: Path, line: str) -> None:
        try:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            message = f"{path}: cannot be written: {error.strerror}"
            raise OutputError(message) from error

    def register(self, path: Path) -> tuple[str, int, str]:
        """Adds a finished output to the manifest.

        Returns:
            Its name, size in bytes and SHA-256.
        """
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        name = str(path.relative_to(self.path))
        entry = {"name": name, "bytes": path.stat().st_size, "sha256": digest.hexdigest()}
        self._append(self.manifest, json.dumps(entry))
        return name, path.stat().st_size, digest.hexdigest()

    def clear_parts(self) -> None:
        """Removes the blocks of events once the files are complete."""
        shutil.rmtree(self.parts, ignore_errors=True)
