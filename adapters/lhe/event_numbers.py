"""Converts the numbers of many events at once, and finds out what is wrong where that fails.

Events are joined with a NaN after each, which no event may hold: where the NaNs fall says how many
numbers each event has, without looking at them one by one.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from crosshook.adapters.lhe.event_reading import whole_lines
from crosshook.adapters.lhe.numbers import real
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crosshook.core.events.layout import FloatArray, IntArray

EVENT_NUMBERS: Final = 6
PARTICLE_NUMBERS: Final = 13
SEPARATOR: Final = b" nan "


class UnreadableEvent(Exception):
    """An event of a batch that cannot be read; those before it can.

    Attributes:
        row: of the event in the batch.
    """

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row


class Numbers(NamedTuple):
    """The numbers of n events.

    Attributes:
        counts: particles of each event, `(n,)`.
        events: the event lines, `(n, 6)`.
        particles: the particle lines, `(counts.sum(), 13)`.
    """

    counts: IntArray
    events: FloatArray
    particles: FloatArray


def convert(texts: list[bytes], extras: list[bytes], where: Callable[[int], str]) -> Numbers:
    """The numbers of several events.

    Args:
        texts: of each event, as `Body.numbers`.
        extras: of each event, as `Body.extra`. Where a line has more numbers than it should, they
            are kept here as a comment.
        where: the place of an event, by its row.

    Raises:
        UnreadableEvent: at the first event with numbers missing or unreadable.
    """
    found = _at_once(texts)
    if found is None:
        found = _at_once([_one_by_one(row, texts, extras, where) for row in range(len(texts))])
    if found is None:  # every event was just read, and written again by repr
        message = "numbers of events cannot be converted"
        raise InputError(message)
    return found


def _at_once(texts: Sequence[bytes]) -> Numbers | None:
    """The numbers if every event has as many as it announces; None if anything is odd."""
    try:
        values = np.fromstring(SEPARATOR.join([*texts, b""]), sep=" ")
    except ValueError:
        return None
    ends = np.flatnonzero(np.isnan(values))
    if len(ends) != len(texts) or np.isinf(values).any():
        return None
    starts = np.concatenate([[0], ends[:-1] + 1])
    if (ends == starts).any():
        return None
    counts = values[starts].astype(np.int64)
    sizes = EVENT_NUMBERS + PARTICLE_NUMBERS * counts
    if (counts != values[starts]).any() or (counts < 0).any() or (ends - starts != sizes).any():
        return None
    line = starts[:, None] + np.arange(EVENT_NUMBERS)
    of_particles = np.ones(len(values), np.bool_)
    of_particles[line] = False
    of_particles[ends] = False
    particles = values[of_particles].reshape(-1, PARTICLE_NUMBERS)
    return Numbers(counts, values[line], particles)


def _one_by_one(
    row: int, texts: list[bytes], extras: list[bytes], where: Callable[[int], str]
) -> bytes:
    """One event's numbers in plain notation; its extra text is replaced where that is needed."""
    try:
        tokens, extras[row] = _read_lines(texts[row] + extras[row], where(row))
        values = [real(token, where(row)) for token in tokens]
    except InputError as error:
        raise UnreadableEvent(row, str(error)) from error
    for value in values:
        if not isfinite(value):
            raise UnreadableEvent(row, f"{where(row)}: {value} is not a finite number")
    return b" ".join(repr(value).encode() for value in values)


def _read_lines(text: bytes, where: str) -> tuple[list[bytes], bytes]:
    """Numbers line by line, and all other text."""
    tokens: list[bytes] = []
    kept: list[bytes] = []
    particles = announced = 0
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.lstrip().startswith(b"<"):
            kept += lines[number:]
            break
        numbers, mark, comment = line.partition(b"#")
        fields = numbers.split()
        if mark:
            kept.append(mark + comment)
        if not fields:
            continue
        what = f"particle {particles + 1}" if tokens else "the event line"
        expected = PARTICLE_NUMBERS if tokens else EVENT_NUMBERS
        if tokens and particles == announced:
            message = f"{where}: {announced} particles announced, more found"
            raise InputError(message)
        if not tokens:
            announced = _announced(fields[0], where)
        if len(fields) < expected:
            message = f"{where}: {what} has {len(fields)} numbers, {expected} expected"
            raise InputError(message)
        if len(fields) > expected:
            kept.append(b"# " + what.encode() + b": " + b" ".join(fields[expected:]) + b"\n")
        particles += bool(tokens)
        tokens += fields[:expected]
    if not tokens:
        message = f"{where}: the event is empty"
        raise InputError(message)
    if particles != announced:
        message = f"{where}: {announced} particles announced, {particles} found"
        raise InputError(message)
    return tokens, whole_lines(b"".join(kept))


def _announced(token: bytes, where: str) -> int:
    if not token.isdigit():
        message = f"{where}: {token.decode(errors='replace')!r} is not a number of particles"
        raise InputError(message)
    return int(token)
