"""The run directory: the only place that knows the names of its files.

run.yaml          the run file as given, settings applied
resolved.json     the same with every default filled in
models/           trained components, models/NAME/, and composition.json: how they go together
checkpoints/      while a run is on its way: run.json, which run it is; training/, see
                  crosshook.core.learning.checkpoint; drawing/, points that a surrogate is
                  trained on; STAGE.json, results of finished stages
parts/            blocks of events until the files are put together
generator/        working folder of a program that generates events, with its logs
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
from contextlib import contextmanager
from shlex import quote
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import InputError, OutputError
from crosshook.core.json_text import parse_json
from crosshook.core.output_directory import OutputDirectory
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO


class RunDirectory(OutputDirectory):
    """One run's directory."""

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
        if self.is_free():
            return True
        if self.resolved.is_file() and self.started.is_file() and not overwrite:
            message = (
                f"{self.path}: holds an unfinished run already; go on with `crosshook run "
                f"--resume {quote(str(self.path))}`, or use --overwrite or another --output"
            )
            raise OutputError(message)
        is_one = self.resolved.is_file()
        stopped = is_one and not self.report.is_file()
        self.check_kind(is_one, "an unfinished run" if stopped else "a run", overwrite)
        if self.started.is_file():
            with self.alone():  # a run that is being computed is not to be replaced either
                pass
        return False

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """A directory with a finished run.

        Raises:
            InputError: if it is none.
        """
        run = cls(path)
        if run.generator.is_dir() and run.report.is_file():
            message = (
                f"{path}: its events are those of a program, and no trained sampler is there; "
                "for more of them run its run.yaml again with another --seed and --output"
            )
            raise InputError(message)
        for needed in (run.resolved, run.report, run.state):
            if not needed.is_file():
                message = f"{path}: no finished run with events: {needed.name} is missing"
                raise InputError(message)
        return run

    @classmethod
    def unfinished(cls, path: Path) -> RunDirectory:
        """A directory with a run that was stopped on its way.

        Raises:
            InputError: if it is none.
        """
        run = cls(path)
        if run.started.is_file() and run.resolved.is_file():
            return run
        if run.report.is_file():
            message = f"{path}: nothing to resume: the run is finished"
        elif run.resolved.is_file():
            message = f"{path}: nothing to resume: {run.started.relative_to(path)} is missing"
        else:
            message = f"{path}: no run here: {run.resolved.name} is missing"
        raise InputError(message)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While a process works on the run, no other may; a process that is killed lets go.

        Raises:
            OutputError: if another one does.
        """
        with self.started.open("rb") as stream:
            if not _locked(stream):
                message = f"{self.path}: another process is working on this run"
                raise OutputError(message)
            yield

    @property
    def checkpoints(self) -> Path:
        """What a run on its way needs to go on."""
        return self.path / "checkpoints"

    @property
    def started(self) -> Path:
        """Which run is on its way, and what computes it."""
        return self.checkpoints / "run.json"

    @property
    def training(self) -> Path:
        """Checkpoints of the training."""
        return self.checkpoints / "training"

    @property
    def drawing(self) -> Path:
        """Blocks of points that an amplitude surrogate is trained on."""
        return self.checkpoints / "drawing"

    def stage(self, name: str) -> Path:
        """Results of a finished stage of a run on its way."""
        return self.checkpoints / f"{name}.json"

    @property
    def resolved(self) -> Path:
        """The resolved run file."""
        return self.path / "resolved.json"

    @property
    def state(self) -> Path:
        """Shares and sums for further generation."""
        return self.path / "state.json"

    @property
    def parts(self) -> Path:
        """Blocks of events."""
        return self.path / "parts"

    @property
    def generator(self) -> Path:
        """Working folder of a program that generates events."""
        return self.path / "generator"

    def generator_log(self, number: int | None = None) -> Path:
        """What the program printed for a batch, or before the first one."""
        return self.generator / ("prepare.log" if number is None else f"batch-{number:03}.log")

    def part(self, number: int) -> Path:
        """Kept events of a batch of the program's."""
        return self.parts / f"batch-{number:03}.lhe.gz"

    def tally(self, number: int) -> Path:
        """What was counted of that batch."""
        return self.parts / f"batch-{number:03}.npz"

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

    def keep_run_file(
        self, resolved: Mapping[str, object], document: Mapping[str, object]
    ) -> None:
        """Writes down the run file, resolved and as given."""
        self.write_json(self.resolved, resolved)
        self.write_run_file(document)

    def write_text(self, path: Path, text: str) -> None:
        """Writes a file complete or not at all.

        Raises:
            OutputError: if it cannot be written.
        """
        write_whole(path, text)

    def read_json(self, path: Path) -> dict[str, object]:
        """Reads one of the directory's JSON files.

        Raises:
            InputError: if it is missing or damaged.
        """
        try:
            return cast("dict[str, object]", parse_json(path.read_text("utf-8")))
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
        name = str(path.relative_to(self.path))
        checksum, size = self.checksum(name), path.stat().st_size
        self._append(self.manifest, json.dumps({"name": name, "bytes": size, "sha256": checksum}))
        return name, size, checksum

    def checksum(self, name: str) -> str:
        """SHA-256 of an output.

        Raises:
            InputError: if it cannot be read, or lies outside of the directory.
        """
        path = self.path / name
        if not path.resolve().is_relative_to(self.path.resolve()):
            message = f"{self.manifest}: {name!r} lies outside of the run directory"
            raise InputError(message)
        try:
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            message = f"{path}: {error.strerror}"
            raise InputError(message) from error

    def clear_parts(self) -> None:
        """Removes the blocks of events once the files are complete."""
        shutil.rmtree(self.parts, ignore_errors=True)

    def clear_drawing(self) -> None:
        """Removes the points of a surrogate once it is trained."""
        shutil.rmtree(self.drawing, ignore_errors=True)

    def clear_training(self) -> None:
        """Removes the checkpoints of the training once its models are saved."""
        shutil.rmtree(self.training, ignore_errors=True)

    def clear_checkpoints(self) -> None:
        """Removes all that a finished run needs no more; the run is finished with it."""
        self.started.unlink(missing_ok=True)
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        self.clear_parts()

    def clear_outputs(self) -> None:
        """Removes event files and what is half-written, before they are written again."""
        for pattern in ("events.*", ".events.*", "*.part", ".*.part"):
            for path in self.path.glob(pattern):
                path.unlink(missing_ok=True)

    def keep_registered(self, names: Collection[str]) -> None:
        """Strikes everything else from the manifest, before it is written again."""
        if self.manifest.is_file():
            lines = self.manifest.read_text("utf-8").splitlines()
            entries = {line: _name_of(line) for line in lines}
            kept = [line for line, name in entries.items() if name in names]
            self.write_text(self.manifest, "".join(line + "\n" for line in kept))


def _locked(stream: BinaryIO) -> bool:
    """Whether this process could lock a file; True as well where there are no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _name_of(line: str) -> str:
    """The name in a line of the manifest; empty for half a line."""
    try:
        return str(json.loads(line)["name"])
    except (ValueError, KeyError, TypeError):
        return ""
