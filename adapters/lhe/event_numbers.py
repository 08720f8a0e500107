"""Converts the numbers of one event, and finds out what is wrong where that fails."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from crosshook.adapters.lhe.numbers import real
from crosshook.core.errors import InputError
from crosshook.core.events.layout import PARTICLE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crosshook.core.events.layout import FloatArray

    Where = Callable[[], str]

EVENT_NUMBERS: Final = 6
PARTICLE_NUMBERS: Final = 13
LIMIT: Final = 1 << 23
"""Bytes of numbers and comments that are looked at line by line; 40,000 particles make as many."""
WHOLE: Final = [
    (name, 2.0 ** (31 if np.dtype(kind).itemsize == 4 else 53))
    for name, kind in PARTICLE_COLUMNS.items()
    if np.issubdtype(kind, np.integer)
]
"""Columns of whole numbers, the first ones of a line, and what they must stay below."""
LIMITS: Final = np.array([limit for _, limit in WHOLE])


class Numbers(NamedTuple):
    """The numbers of one event of m particles.

    Attributes:
        event: the event line, `(6,)`.
        particles: the particle lines, `(m, 13)`.
        extra: text kept with the event.
    """

    event: FloatArray
    particles: FloatArray
    extra: bytes


def read_numbers(text: bytes, extra: bytes, where: Where) -> Numbers:
    """The numbers of an event.

    Where there are as many as the event announces, lines do not matter. If not, lines are looked at
    one by one: further numbers of a line are kept as a comment, and so are comments between lines.

    Args:
        text: as `Body.numbers`.
        extra: as `Body.extra`.
        where: the place of the event.

    Raises:
        InputError: with numbers missing, unreadable or not finite.
    """
    values = _plain(text)
    if values is None:
        end = extra.find(b"<")
        if len(text) + (end if end >= 0 else len(extra)) > LIMIT:
            message = (
                f"{where()}: more than {LIMIT >> 20} MB before its first block cannot be read"
            )
            raise InputError(message)
        tokens = text.split()
        if not _complete(tokens):
            tokens, extra = _read_lines(text + extra, where)
        values = np.array([real(token, where()) for token in tokens])
        if not np.isfinite(values).all():
            value = next(v for v in values.tolist() if not isfinite(v))
            message = f"{where()}: {value} is not a finite number"
            raise InputError(message)
    particles = values[EVENT_NUMBERS:].reshape(-1, PARTICLE_NUMBERS)
    process_id = float(values[1])
    if not process_id.is_integer() or abs(process_id) >= 2.0**53:
        message = f"{where()}: process_id is {process_id}, not a whole number"
        raise InputError(message)
    whole = particles[:, : len(WHOLE)]
    wrong = (whole != np.trunc(whole)) | (whole < -LIMITS) | (whole >= LIMITS)
    if wrong.any():
        row, i = np.argwhere(wrong)[0].tolist()
        name, limit = WHOLE[i]
        message = f"{where()}: {name} is {whole[row, i]}, not a whole number below {limit:.0f}"
        raise InputError(message)
    return Numbers(values[:EVENT_NUMBERS], particles, extra)


def _plain(text: bytes) -> FloatArray | None:
    """The numbers if they are as many as the event announces, in C's notation; else None."""
    try:
        values: FloatArray = np.fromstring(text, sep=" ")
    except ValueError:
        return None
    if len(values) < EVENT_NUMBERS or not np.isfinite(values).all():
        return None
    count = values[0]
    fits = count == np.trunc(count) and len(values) == EVENT_NUMBERS + PARTICLE_NUMBERS * count
    return values if fits else None


def _complete(tokens: Sequence[bytes]) -> bool:
    """Whether there are as many as the first one announces."""
    if not tokens or not tokens[0].isdigit() or len(tokens[0]) > len(str(len(tokens))):
        return False
    return len(tokens) == EVENT_NUMBERS + PARTICLE_NUMBERS * int(tokens[0])


def _read_lines(text: bytes, where: Where) -> tuple[list[bytes], bytes]:
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
            message = f"{where()}: {announced} particles announced, more found"
            raise InputError(message)
        if not tokens:
            announced = _announced(fields[0], where)
        if len(fields) < expected:
            message = f"{where()}: {what} has {len(fields)} numbers, {expected} expected"
            raise InputError(message)
        if len(fields) > expected:
            kept.append(b"# " + what.encode() + b": " + b" ".join(fields[expected:]) + b"\n")
        particles += bool(tokens)
        tokens += fields[:expected]
    if not tokens:
        message = f"{where()}: the event is empty"
        raise InputError(message)
    if particles != announced:
        message = f"{where()}: {announced} particles announced, {particles} found"
        raise InputError(message)
    return tokens, whole_lines(b"".join(kept))


def _announced(token: bytes, where: Where) -> int:
    if not token.isdigit() or len(token) > PARTICLE_NUMBERS:
        message = (
            f"{where()}: {token[:80].decode(errors='replace')!r} is not a number of particles"
        )
        raise InputError(message)
    return int(token)


def whole_lines(extra: bytes) -> bytes:
    """Kept lines with a newline at the end; nothing if they are blank."""
    if not extra or extra.isspace():
        return b""
    stripped = extra.rstrip(b" \t")
    return stripped if stripped.endswith(b"\n") else stripped + b"\n"
