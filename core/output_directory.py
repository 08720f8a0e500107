"""What every directory of results has in common: run file, report, and when it may be replaced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from crosshook.core.errors import OutputError
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class OutputDirectory:
    """A directory of results.

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
    def report(self) -> Path:
        """The results."""
        return self.path / "report.json"

    @property
    def page(self) -> Path:
        """The report for people."""
        return self.path / "report.html"

    def is_free(self) -> bool:
        """Whether nothing is there yet.

        Raises:
            OutputError: if that cannot be known.
        """
        try:
            return not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir()))
        except OSError as error:
            message = f"{self.path}: cannot be written: {error.strerror}"
            raise OutputError(message) from error

    def check_kind(self, is_one: bool, kind: str, overwrite: bool) -> None:
        """Refuses what may not be replaced.

        Args:
            is_one: what is there is of the kind.
            kind: with its article, e.g. `a surrogate`.
            overwrite: one of the kind may be replaced.

        Raises:
            OutputError: if what is there is of another kind, or may not be replaced.
        """
        if not is_one:
            message = f"{self.path}: exists and is not {kind}; choose another place"
            raise OutputError(message)
        if not overwrite:
            message = f"{self.path}: holds {kind} already; use --overwrite or another --output"
            raise OutputError(message)

    def write_run_file(self, document: Mapping[str, object]) -> None:
        """Writes the run file complete or not at all."""
        write_whole(self.run_file, yaml_text(document))

    @staticmethod
    def write_json(path: Path, document: object, *, finite: bool = True) -> None:
        """Writes one of the documents complete or not at all.

        Args:
            path: of the document.
            document: plain values.
            finite: NaN and infinity are mistakes; JSON proper has none.

        Raises:
            OutputError: if it cannot be written.
        """
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=not finite)
        write_whole(path, text + "\n")


def yaml_text(document: Mapping[str, object]) -> str:
    """A document as YAML, its keys in their order."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=100)
