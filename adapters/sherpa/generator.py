"""Drives Sherpa 3: one job integrates, then every batch is a job with a seed of its own.

All jobs share a folder, so that each after the first finds Sherpa's Results.zip and Process/.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import yaml

from crosshook.adapters.sherpa.installation import find_binary, surroundings
from crosshook.adapters.sherpa.log import explained, read_log
from crosshook.core.errors import ConfigurationError, InputError, OutputError
from crosshook.core.interfaces.generator import Generator, Job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.generator import EventRequest, Reading

CARD: Final = "Sherpa.yaml"
VERSION_SECONDS: Final = 60.0


class Sherpa(Generator):
    """Sherpa with a card."""

    def __init__(
        self,
        card: Path,
        binary: str,
        mode: str,
        files: tuple[Path, ...],
        environment: Mapping[str, str],
    ) -> None:
        """Names what is to be run; nothing is looked for yet.

        Args:
            card: Sherpa's run card.
            binary: name on the PATH, or path.
            mode: Sherpa's EVENT_GENERATION_MODE.
            files: that the card names, put beside it.
            environment: variables for Sherpa.
        """
        self._card, self._name, self._mode = card.absolute(), binary, mode
        self._files = tuple(f.absolute() for f in files)
        self._given = dict(environment)

    def check(self) -> None:
        """Card, files and program are there, and the program starts."""
        self._content()
        for path in self._files:
            if not path.exists():
                message = f"generator.options.files: {path}: there is no such file"
                raise ConfigurationError(message)
        binary = find_binary(self._name)
        try:
            told = subprocess.run(
                [str(binary), "--version"],
                env=surroundings(binary, self._given),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=VERSION_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"{binary}: cannot be run: {error}"
            raise ConfigurationError(message) from error
        if told.returncode:
            said = f"{told.stdout}\n{told.stderr}".strip()
            reason = explained(said, surroundings(binary, self._given))
            message = f"{binary} --version fails: {reason or ' '.join(said.split())[-300:]}"
            raise ConfigurationError(message)

    def prepare(self, folder: Path, seed: int) -> Job:
        """Puts the card into the folder; the job integrates and makes no events."""
        try:
            shutil.copyfile(self._card, folder / CARD)
            for path in self._files:
                target = folder / path.name
                if path.is_dir():
                    shutil.copytree(path, target, dirs_exist_ok=True)
                else:
                    shutil.copyfile(path, target)
        except OSError as error:
            message = f"{folder}: cannot be written: {error.strerror or error}"
            raise OutputError(message) from error
        return self._job(0, seed)

    def batch(self, request: EventRequest) -> Job:
        """Sherpa with so many events; it names the file itself."""
        name = f"batch-{request.number:03}"
        job = self._job(request.events, request.seed, f"EVENT_OUTPUT: LHEF[{name}]")
        return Job(job.command, Path(f"{name}.lhe"), job.environment)

    def _job(self, events: int, seed: int, *settings: str) -> Job:
        binary = find_binary(self._name)
        command = (
            str(binary),
            CARD,
            *("--events", str(events), "--random-seed", str(seed)),
            f"EVENT_GENERATION_MODE: {self._mode}",
            *settings,
        )
        return Job(command, None, surroundings(binary, self._given))

    def reading(self, log: str) -> Reading:
        """σ by process, and Sherpa's expectations of its efficiency."""
        return read_log(log, self._processes())

    def explain(self, log: str) -> str:
        """Missing libraries and PDF sets."""
        return explained(log, surroundings(find_binary(self._name), self._given))

    def _processes(self) -> str:
        """The card's processes, as it writes them."""
        listed = self._content().get("PROCESSES", [])
        if not isinstance(listed, list):
            return ""
        return ", ".join(str(key) for item in listed if isinstance(item, dict) for key in item)

    def _content(self) -> dict[str, object]:
        """The card.

        Raises:
            InputError: if it cannot be read or is no card.
        """
        try:
            found = yaml.safe_load(self._card.read_text("utf-8"))
        except OSError as error:
            message = f"{self._card}: {error.strerror}"
            raise InputError(message) from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            message = f"{self._card}: no YAML: {' '.join(str(error).split())}"
            raise InputError(message) from error
        if not isinstance(found, dict):
            message = f"{self._card}: a card of Sherpa 3 is a mapping of settings in YAML"
            raise InputError(message)
        return cast("dict[str, object]", found)


def make(
    context: BuildContext,
    *,
    card: str,
    binary: str,
    mode: str,
    files: list[str],
    environment: dict[str, str],
) -> Sherpa:
    """The component's factory."""
    return Sherpa(Path(card), binary, mode, tuple(map(Path, files)), environment)
