"""Reads events out of a buffer of text into columns, compiled: the fast half of the reader.

Only what is plain is read here. Anything else, right or wrong, is left to
`crosshook.adapters.lhe.event_reading`, which reads the same from the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numba import njit

from crosshook.adapters.lhe.number_scan import (
    HASH,
    LESS,
    U,
    is_space,
    scan_real,
    scan_whole,
    skip_space,
)
from crosshook.adapters.lhe.scan_state import (
    LACKING,
    N_ATTRIBUTES,
    N_BEFORE,
    N_EVENTS,
    N_EXTRA,
    N_PARTICLES,
    Outcome,
)
from crosshook.adapters.lhe.weight_scan import (
    EQUALS,
    GREATER,
    QUOTES,
    begins,
    scan_listed,
    scan_rwgt,
    scan_tag_end,
)

if TYPE_CHECKING:
    from crosshook.adapters.lhe.number_scan import Text
    from crosshook.adapters.lhe.scan_state import Columns, Known

FULL, ODD, ROOM, TEXT = (int(o) for o in Outcome)
EVENT = np.frombuffer(b"<event", np.uint8)
EVENT_END = np.frombuffer(b"</event>", np.uint8)
ROOT_END = np.frombuffer(b"</LesHouchesEvents", np.uint8)
RWGT = np.frombuffer(b"<rwgt", np.uint8)
WEIGHTS = np.frombuffer(b"<weights", np.uint8)
TRIALS = np.frombuffer(b"trials", np.uint8)
MUR2 = np.frombuffer(b"mur2", np.uint8)
MUF2 = np.frombuffer(b"muf2", np.uint8)
SLASH, NEWLINE, BLANK, TAB, RETURN = (ord(c) for c in "/\n \t\r")
E_, R_, W_ = (ord(c) for c in "erw")
INT32: Final = 2**31
PARTICLE_INTEGERS: Final = 5
PARTICLE_REALS: Final = 7
MOMENTUM_PLACES: Final = np.array([1, 2, 3, 0])
"""Where the numbers px, py, pz, E of a line belong."""


@njit(cache=True, nogil=True, error_model="numpy")
def _copy(text: Text, start: int, end: int, target: Text, at: int) -> int:
    """Copies a piece of text; the place after it, or -1 if it does not fit."""
    n = end - start
    if at + n > len(target):
        return -1
    target[at : at + n] = text[start:end]
    return at + n


@njit(cache=True, nogil=True, error_model="numpy")
def _opens_event(text: Text, i: int) -> bool:
    """Whether `<event>` or `<event ...>` is there; `<eventgroup>` is another tag."""
    if not begins(text, i, EVENT):
        return False
    return text[U(i + len(EVENT))] in (GREATER, BLANK, TAB, RETURN, NEWLINE)


@njit(cache=True, nogil=True, error_model="numpy")
def _is_name(c: int) -> bool:
    """Whether a byte may be part of an attribute's name: letters, digits, `_`, `:`, `.`, `-`."""
    return 97 <= c <= 122 or 65 <= c <= 90 or 45 <= c <= 46 or 48 <= c <= 58 or c == 95


@njit(cache=True, nogil=True, error_model="numpy")
def _is_word(text: Text, start: int, end: int, word: Text) -> bool:
    return end - start == len(word) and begins(text, start, word)


@njit(cache=True, nogil=True, error_model="numpy")
def _scan_tag(
    text: Text, start: int, known: Known, columns: Columns, row: int, at: int
) -> tuple[int, int, int]:
    """The attributes of an event's tag.

    Returns:
        The place after the tag, or -1; the end of the raw attributes; whether they did not fit.
    """
    begin_at = at
    optional = columns.optional[row]
    optional[:] = 0.0
    has_trials = False
    i = skip_space(text, start)
    while text[U(i)] != GREATER:
        name = i
        while _is_name(text[U(i)]):
            i += 1
        name_end = i
        i = skip_space(text, i)
        if name_end == name or text[U(i)] != EQUALS:
            return -1, at, 0
        i = skip_space(text, i + 1)
        quote = text[U(i)]
        if quote != QUOTES[0] and quote != QUOTES[1]:
            return -1, at, 0
        value = i
        i += 1
        while text[U(i)] != quote:
            if text[U(i)] == GREATER or text[U(i)] == LESS:
                return -1, at, 0
            i += 1
        i += 1
        which = -1
        if _is_word(text, name, name_end, TRIALS):
            which = 0
        elif _is_word(text, name, name_end, MUR2):
            which = 1
        elif _is_word(text, name, name_end, MUF2):
            which = 2
        if which >= 0 and known.attributes[which] >= 0:
            end, number = _scan_value(text, value + 1, i - 1)
            if end < 0:
                return -1, at, 0
            optional[known.attributes[which]] = number
            has_trials |= which == 0
        else:
            if which == 0:
                return -1, at, 0
            # Name, `=` and value, with a blank before all but the first.
            if at + (i - value) + (name_end - name) + 2 > len(columns.attributes):
                return -1, at, 1
            if at > begin_at:
                columns.attributes[at] = BLANK
                at += 1
            at = _copy(text, name, name_end, columns.attributes, at)
            columns.attributes[at] = EQUALS
            at = _copy(text, value, i, columns.attributes, at + 1)
        if text[U(i)] != GREATER and not is_space(text[U(i)]):
            return -1, at, 0
        i = skip_space(text, i)
    if known.attributes[0] >= 0 and not has_trials:
        return -1, at, 0
    return i + 1, at, 0


@njit(cache=True, nogil=True, error_model="numpy")
def _scan_value(text: Text, start: int, end: int) -> tuple[int, float]:
    """A number that fills the place between two quotes but for white space; -1 if there is none."""
    # A number ends before white space, not before a quote: it is read from a copy.
    if end - start > 60:
        return -1, 0.0
    own = np.full(64, BLANK, np.uint8)
    own[: end - start] = text[start:end]
    own[63] = LESS
    i, number = scan_real(own, skip_space(own, 0))
    if i < 0 or skip_space(own, i) != 63:
        return -1, 0.0
    return i, number


@njit(cache=True, nogil=True, error_model="numpy")
def _scan_particles(text: Text, i: int, columns: Columns, first: int, count: int) -> int:
    """13 numbers for each particle; the place after them, or -1."""
    for p in range(first, first + count):
        i, whole = scan_whole(text, skip_space(text, i))
        if i < 0:
            return -1
        columns.pdg_id[p] = whole
        for k in range(PARTICLE_INTEGERS):
            i, whole = scan_whole(text, skip_space(text, i))
            if i < 0 or whole < -INT32 or whole >= INT32:
                return -1
            columns.integers[p, k] = whole
        for k in range(PARTICLE_REALS):
            i, real = scan_real(text, skip_space(text, i))
            if i < 0:
                return -1
            if k < 4:
                columns.momenta[p, MOMENTUM_PLACES[k]] = real
            else:
                columns.reals[p, k - 4] = real
    return i


@njit(cache=True, nogil=True, error_model="numpy")
def _strip(columns: Columns, start: int, at: int) -> int:
    """The end of the extra text without blanks there."""
    while at > start and (columns.extra[at - 1] == BLANK or columns.extra[at - 1] == TAB):
        at -= 1
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def _scan_rest(
    text: Text, start: int, known: Known, columns: Columns, row: int, begin_at: int
) -> tuple[int, int, int]:
    """Weights, and the raw text around them, up to the event's end tag.

    Returns:
        The place after the event, or -1; the end of the extra text; whether it did not fit.
    """
    at = begin_at
    piece = i = start
    rwgt = listed = False
    while True:
        while text[U(i)] != LESS:
            i += 1
        c = text[U(i + 1)]
        if c == SLASH and begins(text, i, EVENT_END):
            break
        if c == E_ and _opens_event(text, i):
            return -1, at, 0
        after = i + 1
        taken = False
        if c == R_ and begins(text, i, RWGT):
            inside = scan_tag_end(text, i + len(RWGT))
            if rwgt or inside < 0:
                return -1, at, 0
            after = scan_rwgt(text, inside, known, columns, row)
            rwgt = taken = True
        elif c == W_ and begins(text, i, WEIGHTS):
            inside = scan_tag_end(text, i + len(WEIGHTS))
            if listed or inside < 0:
                return -1, at, 0
            after = scan_listed(text, inside, known, columns, row)
            listed = taken = True
        if after < 0:
            return -1, at, 0
        if taken:
            at = _copy(text, piece, i, columns.extra, at)
            if at < 0:
                return -1, 0, 1
            at = _strip(columns, begin_at, at)
            while text[U(after)] in (BLANK, TAB, RETURN, NEWLINE):
                after += 1
            piece = after
        i = after
    at = _copy(text, piece, i, columns.extra, at)
    if at < 0 or at == len(columns.extra):
        return -1, 0, 1
    blank = True
    for k in range(begin_at, at):
        if not is_space(columns.extra[k]):
            blank = False
            break
    if blank:
        return i + len(EVENT_END), begin_at, 0
    at = _strip(columns, begin_at, at)
    if columns.extra[at - 1] != NEWLINE:
        columns.extra[at] = NEWLINE
        at += 1
    return i + len(EVENT_END), at, 0


@njit(cache=True, nogil=True, error_model="numpy")
def scan_events(
    text: Text, start: int, stop: int, known: Known, columns: Columns, wanted: int
) -> tuple[int, int]:
    """Reads events one after another.

    Args:
        text: the buffer.
        start: where to begin, outside of an event.
        stop: after the last `</event>` of the buffer.
        known: what the file's events carry.
        columns: filled from the place where they are filled up to.
        wanted: number of events they shall hold in the end.

    Returns:
        Why it stopped, and the place after the last event that was read.
    """
    filled = columns.filled
    done = start
    while filled[N_EVENTS] < wanted:
        row = filled[N_EVENTS]
        if row == len(columns.counts):
            return ROOM, done
        i = done
        plain = True
        while i < stop and not _opens_event(text, i):
            if not is_space(text[U(i)]):
                plain = False
                if begins(text, i, ROOT_END):
                    return ODD, done
            i += 1
        if i >= stop:
            return TEXT, done
        before = filled[N_BEFORE]
        if not plain:
            before = _copy(text, done, i, columns.before, before)
            if before < 0:
                return ROOM, done
        i, attributes, short = _scan_tag(
            text, i + len(EVENT), known, columns, row, filled[N_ATTRIBUTES]
        )
        if i < 0:
            return ROOM if short else ODD, done
        i, count = scan_whole(text, skip_space(text, i))
        # A particle has 13 numbers of at least one digit, and white space between them.
        if i < 0 or count < 0 or 26 * count > stop - i:
            return ODD, done
        i, columns.process_id[row] = scan_whole(text, skip_space(text, i))
        if i < 0:
            return ODD, done
        for k in range(4):
            i, columns.numbers[row, k] = scan_real(text, skip_space(text, i))
            if i < 0:
                return ODD, done
        first = filled[N_PARTICLES]
        if first + count > len(columns.pdg_id):
            return ROOM, done
        i = _scan_particles(text, i, columns, first, count)
        if i < 0:
            return ODD, done
        i = skip_space(text, i)
        if text[U(i)] != LESS and text[U(i)] != HASH:
            return ODD, done
        columns.weights[row] = 0.0
        columns.present[row] = False
        i, extra, short = _scan_rest(text, i, known, columns, row, filled[N_EXTRA])
        if i < 0:
            return ROOM if short else ODD, done
        if not columns.present[row].all():
            filled[LACKING] = 1
        columns.counts[row] = count
        columns.ends[row, 0] = attributes
        columns.ends[row, 1] = extra
        columns.ends[row, 2] = before
        filled[N_EVENTS] = row + 1
        filled[N_PARTICLES] = first + count
        filled[N_ATTRIBUTES] = attributes
        filled[N_EXTRA] = extra
        filled[N_BEFORE] = before
        done = i
    return FULL, done
