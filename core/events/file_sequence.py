"""Several event files read one after another as one stream, where what they say of their runs fits.

Files fit if they have the same beams, parton densities, IDWTUP, processes and further weights, and
cross sections within their errors: samples of one process, which differ in their seeds. Everything
else is for `crosshook.core.convert`, which knows how to merge weights.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from crosshook.core.errors import InputError
from crosshook.core.interfaces.event_format import STANDARD_INPUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import EventStream, SkippedEvent

    Open = Callable[[Path, list[SkippedEvent]], EventStream]

SAME: Final = {
    "beams": "beams",
    "energies": "beam energies",
    "pdf_groups": "groups of parton densities",
    "pdf_sets": "sets of parton densities",
    "weighting": "IDWTUP",
    "weight_ids": "further weights",
}
AGREEMENT: Final = 5.0
"""Standard errors that cross sections of one process may be apart."""


class EventFiles:
    """The events of one or several files, in the order of the files.

    Attributes:
        info: the run; of several files the first one's, whose cross section is an estimate of the
            same as theirs.
        skipped: what was left out so far, where skipping was asked for.
    """

    def __init__(self, paths: Sequence[Path], opening: Open) -> None:
        """Opens the first file and looks at the heads of the others.

        Args:
            paths: at least one file.
            opening: opens one of them; what its stream skips goes into the given list.

        Raises:
            InputError: if one cannot be read, or they do not fit together.
        """
        if not paths:
            message = "no event files were given"
            raise InputError(message)
        if len(paths) > 1 and STANDARD_INPUT in paths:
            message = "standard input (-) can be read alone only, not among other files"
            raise InputError(message)
        self.skipped: list[SkippedEvent] = []
        self._paths = list(paths)
        self._open = opening
        self._stream = opening(self._paths[0], self.skipped)
        first = self._stream.info
        try:
            for path in self._paths[1:]:
                with opening(path, []) as other:
                    check_fit(self._paths[0], first, path, other.info)
        except BaseException:
            self._stream.__exit__(None, None, None)
            raise
        self._first: RunInfo | None = None if len(self._paths) == 1 else first

    @property
    def info(self) -> RunInfo:
        """The run; see the class."""
        return self._stream.info if self._first is None else self._first

    def __iter__(self) -> Iterator[EventBatch]:
        """Batches of the first file, the second file, and so on.

        Raises:
            InputError: at the first event that cannot be read, unless such events are skipped, or
                if a later file brings columns the first one does not have.
        """
        if self._first is None:
            yield from self._stream
            return
        columns: set[str] | None = None
        for number, path in enumerate(self._paths):
            if number:
                self._stream.__exit__(None, None, None)
                self._stream = self._open(path, self.skipped)
            for batch in self._stream:
                columns = columns or set(batch.event)
                if set(batch.event) != columns:
                    odd = ", ".join(sorted(columns ^ set(batch.event)))
                    message = f"{path}: not all of the files have the event columns {odd}"
                    raise InputError(message)
                self._first = _grown(self._first, batch.info, path)
                yield replace(batch, info=replace(self._first, weights=batch.info.weights))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.__exit__(kind, error, trace)


def check_fit(first: Path, one: RunInfo, path: Path, other: RunInfo) -> None:
    """Whether a file's events can follow another one's.

    Raises:
        InputError: that names what differs.
    """
    for name, words in SAME.items():
        if getattr(one, name) != getattr(other, name):
            wanted, found = getattr(one, name), getattr(other, name)
            raise _difference(first, path, words, wanted, found)
    ids = [[p.process_id for p in info.processes] for info in (one, other)]
    if ids[0] != ids[1]:
        raise _difference(first, path, "processes", ids[0], ids[1])
    for a, b in zip(one.processes, other.processes, strict=True):
        error = math.hypot(a.error, b.error)
        if abs(a.cross_section - b.cross_section) > AGREEMENT * error:
            words = f"cross sections of process {a.process_id} in pb"
            sides = [f"{p.cross_section} ± {p.error}" for p in (a, b)]
            raise _difference(first, path, words, sides[0], sides[1])


def _difference(first: Path, path: Path, words: str, wanted: object, found: object) -> InputError:
    message = (
        f"{path}: does not continue {first}: {words} {found}, not {wanted}; "
        "`crosshook convert` merges different samples"
    )
    return InputError(message)


def _grown(info: RunInfo, other: RunInfo, path: Path) -> RunInfo:
    """The run with further weights that only later events have."""
    n = min(len(info.weights), len(other.weights))
    if info.weight_ids[:n] != other.weight_ids[:n]:
        message = (
            f"{path}: further weights {other.weight_ids} of its events do not continue "
            f"{info.weight_ids} of the files before"
        )
        raise InputError(message)
    return info if n == len(other.weights) else replace(info, weights=other.weights)
