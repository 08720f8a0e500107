"""The directory of an unfolding: the only place that knows the names of its files.

run.yaml          the run file as given, flags and settings applied
unfold.json       the same with every default filled in
fits/             while it is on its way: state.json, how it was started; fits, also begun ones
events.parquet    the weighted truth events; events.root likewise, if asked for
posterior.parquet truth drawn for each measured event, if asked for
metadata.yaml     what rows, columns and weights mean, and checksums
report.json       results; report.html is drawn from it
plots/            pictures of histograms, if asked for afterwards
"""

from __future__ import annotations

import hashlib
import json
import shutil
from shlex import quote
from typing import TYPE_CHECKING, cast

import yaml

from crosshook.core.errors import InputError, OutputError
from crosshook.core.output_directory import OutputDirectory, yaml_text
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHUNK = 1 << 20


class UnfoldDirectory(OutputDirectory):
    """One unfolding's directory."""

    @property
    def resolved(self) -> Path:
        """With every default; what an unfolding is known by."""
        return self.path / "unfold.json"

    @property
    def fits(self) -> Path:
        """Finished fits of an unfolding on its way."""
        return self.path / "fits"

    @property
    def state(self) -> Path:
        """How it was started; there until it is finished."""
        return self.fits / "state.json"

    @property
    def nominal(self) -> Path:
        """Result of the nominal fit."""
        return self.fits / "nominal.safetensors"

    def begun(self, key: str) -> Path:
        """Model of a nominal fit on its way, which is known by a key."""
        return self.fits / f"begun-{key[:16]}"

    def events(self, extension: str = "parquet") -> Path:
        """The weighted truth events."""
        return self.path / f"events.{extension}"

    @property
    def posterior(self) -> Path:
        """Truth drawn for each measured event."""
        return self.path / "posterior.parquet"

    @property
    def metadata(self) -> Path:
        """What is in the events' file."""
        return self.path / "metadata.yaml"

    @property
    def plots(self) -> Path:
        """Pictures."""
        return self.path / "plots"

    def check_free(self, overwrite: bool) -> None:
        """Refuses what may not be replaced.

        Raises:
            OutputError: if something is there that is no unfolding, or one and not `overwrite`.
        """
        if self.is_free():
            return
        if self.state.is_file() and self.resolved.is_file() and not overwrite:
            message = (
                f"{self.path}: holds an unfinished unfolding already; go on with `crosshook unfold "
                f"--resume {quote(str(self.path))}`, or use --overwrite or another --output"
            )
            raise OutputError(message)
        self.check_kind(self.resolved.is_file(), "an unfolding", overwrite)

    def start(
        self, given: Mapping[str, object], document: Mapping[str, object], folder: Path
    ) -> None:
        """Makes the directory, in place of one that is there, and notes what is to be done.

        Args:
            given: the run file as given.
            document: with every default.
            folder: that relative paths in it are taken from.

        Raises:
            OutputError: if it cannot be made.
        """
        try:
            if self.path.exists():
                shutil.rmtree(self.path)
            self.fits.mkdir(parents=True)
        except OSError as error:
            message = f"{self.path}: cannot be written: {error.strerror}"
            raise OutputError(message) from error
        self.write_json(self.resolved, document)
        self.write_run_file(given)
        self.write_json(self.state, {"folder": str(folder.absolute())})

    def finish(self) -> None:
        """Removes what a finished unfolding needs no more."""
        self.state.unlink(missing_ok=True)
        shutil.rmtree(self.fits, ignore_errors=True)

    def read_state(self) -> tuple[dict[str, object], str]:
        """The run file of an unfolding on its way, and the folder its paths are taken from.

        Raises:
            InputError: if there is none.
        """
        if not self.state.is_file():
            finished = self.metadata.is_file()
            what = "nothing to resume: it is finished" if finished else "no unfolding to resume"
            message = f"{self.path}: {what}"
            raise InputError(message)
        given = _read_yaml(self.run_file)
        return given, str(json.loads(self.state.read_text("utf-8"))["folder"])

    def read_metadata(self) -> dict[str, object]:
        """The metadata of a finished unfolding.

        Raises:
            InputError: if it is none.
        """
        if not self.metadata.is_file():
            message = f"{self.path}: no finished unfolding: {self.metadata.name} is missing"
            raise InputError(message)
        return _read_yaml(self.metadata)

    def read_report(self) -> dict[str, object]:
        """The results of a finished unfolding.

        Raises:
            InputError: if they are missing or damaged.
        """
        try:
            return cast("dict[str, object]", json.loads(self.report.read_text("utf-8")))
        except (OSError, ValueError) as error:
            message = f"{self.report}: cannot be read: {error}"
            raise InputError(message) from error

    def write_metadata(self, document: Mapping[str, object]) -> None:
        """Writes what is in the events' file."""
        write_whole(self.metadata, yaml_text(document))


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _read_yaml(path: Path) -> dict[str, object]:
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        message = f"{path}: cannot be read: {' '.join(str(error).split())}"
        raise InputError(message) from error
    if not isinstance(found, dict):
        message = f"{path}: holds no mapping"
        raise InputError(message)
    return cast("dict[str, object]", found)
