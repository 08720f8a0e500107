"""Reads events out of a buffer of text into columns, compiled: the fast half of the reader.

Only what is plain is read here. Anything else, right or wrong, is left to
`crosshook.adapters.lhe.event_reading`, which reads the same from the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numba import njit

from crosshook.adapters.lhe.number_scan import (
    BLANK,
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
from crosshook.adapters.lhe.tag_scan import copy_text, scan_tag
from crosshook.adapters.lhe.weight_scan import (
    GREATER,
    begins,
    scan_listed,
    scan_rwgt,
    scan_tag_end,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crosshook.adapters.lhe.number_scan import Text
    from crosshook.adapters.lhe.scan_state import Columns, Known
    from crosshook.core.events.layout import BoolArray, FloatArray, IntArray

FULL, ODD, ROOM, TEXT = (int(o) for o in Outcome)
EVENT = np.frombuffer(b"<event", np.uint8)
EVENT_END = np.frombuffer(b"</event>", np.uint8)
ROOT_END = np.frombuffer(b"</LesHouchesEvents", np.uint8)
RWGT = np.frombuffer(b"<rwgt", np.uint8)
WEIGHTS = np.frombuffer(b"<weights", np.uint8)
SLASH, NEWLINE, TAB, RETURN = (ord(c) for c in "/\n\t\r")
E_, R_, W_ = (ord(c) for c in "erw")
INT32: Final = 2**31
PARTICLE_INTEGERS: Final = 5


@njit(cache=True, nogil=True, error_model="numpy")
def _opens_event(text: Text, i: int) -> bool:
    """Whether `<event>` or `<event ...>` is there; `<eventgroup>` is another tag."""
    if not begins(text, i, EVENT):
        return False
    return text[U(i + len(EVENT))] in (GREATER, BLANK, TAB, RETURN, NEWLINE)


@njit(cache=True, nogil=True, error_model="numpy")
def _scan_particles(
    text: Text,
    i: int,
    first: int,
    count: int,
    pdg_id: IntArray,
    integers: NDArray[np.int32],
    momenta: FloatArray,
    reals: FloatArray,
) -> int:
    """13 numbers for each particle; the place after them, or -1."""
    for p in range(first, first + count):
        i, whole = scan_whole(text, skip_space(text, i))
        if i < 0:
            return -1
        pdg_id[U(p)] = whole
        for k in range(PARTICLE_INTEGERS):
            i, whole = scan_whole(text, skip_space(text, i))
            if i < 0 or whole < -INT32 or whole >= INT32:
                return -1
            integers[U(p), U(k)] = whole
        for k in range(4):
            i, real = scan_real(text, skip_space(text, i))
            if i < 0:
                return -1
            momenta[U(p), U((k + 1) & 3)] = real  # px, py, pz, E become E, px, py, pz
        for k in range(3):
            i, real = scan_real(text, skip_space(text, i))
            if i < 0:
                return -1
            reals[U(p), U(k)] = real
    return i


@njit(cache=True, nogil=True, error_model="numpy")
def _strip(extra: Text, start: int, at: int) -> int:
    """The end of the extra text without blanks there."""
    while at > start and extra[at - 1] in (BLANK, TAB):
        at -= 1
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def _scan_rest(
    text: Text,
    start: int,
    extra: Text,
    begin_at: int,
    ids: Text,
    id_ends: IntArray,
    id_columns: IntArray,
    table: IntArray,
    listed_columns: IntArray,
    exact: bool,
    weights: FloatArray,
    present: BoolArray,
    row: int,
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
            after = scan_rwgt(text, inside, ids, id_ends, id_columns, table, weights, present, row)
            rwgt = taken = True
        elif c == W_ and begins(text, i, WEIGHTS):
            inside = scan_tag_end(text, i + len(WEIGHTS))
            if listed or inside < 0:
                return -1, at, 0
            after = scan_listed(text, inside, listed_columns, exact, weights, present, row)
            listed = taken = True
        if after < 0:
            return -1, at, 0
        if taken:
            at = copy_text(text, piece, i, extra, at)
            if at < 0:
                return -1, 0, 1
            at = _strip(extra, begin_at, at)
            while text[U(after)] in (BLANK, TAB, RETURN, NEWLINE):
                after += 1
            piece = after
        i = after
    at = copy_text(text, piece, i, extra, at)
    if at < 0 or at == len(extra):
        return -1, 0, 1
    blank = True
    for k in range(begin_at, at):
        if not is_space(extra[k]):
            blank = False
            break
    if blank:
        return i + len(EVENT_END), begin_at, 0
    at = _strip(extra, begin_at, at)
    if extra[at - 1] != NEWLINE:
        extra[at] = NEWLINE
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
    ids, id_ends, id_columns, table, listed, exact, places = known
    counts, process_id, numbers, optional, weights, present, ends = columns[:7]
    pdg_id, integers, momenta, reals, attribute_text, extra_text, before_text, filled = columns[7:]
    rows, row, first, attributes, extra, before = (
        len(counts),
        filled[N_EVENTS],
        filled[N_PARTICLES],
        filled[N_ATTRIBUTES],
        filled[N_EXTRA],
        filled[N_BEFORE],
    )
    width = weights.shape[1]
    outcome = FULL
    done = start
    while row < wanted:
        outcome = ROOM
        if row == rows:
            break
        i = done
        plain = True
        ended = False
        while i < stop and not _opens_event(text, i):
            if not is_space(text[U(i)]):
                plain = False
                if begins(text, i, ROOT_END):
                    ended = True
                    break
            i += 1
        if ended or i >= stop:
            outcome = ODD if ended else TEXT
            break
        new_before = before
        if not plain:
            new_before = copy_text(text, done, i, before_text, before)
            if new_before < 0:
                break
        i, new_attributes, short = scan_tag(
            text, i + len(EVENT), places, optional, row, attribute_text, attributes
        )
        if short:
            break
        outcome = ODD
        if i < 0:
            break
        i, count = scan_whole(text, skip_space(text, i))
        # A particle has 13 numbers of at least one digit, and white space between them.
        if i < 0 or count < 0 or 26 * count > stop - i:
            break
        i, process_id[U(row)] = scan_whole(text, skip_space(text, i))
        if i < 0:
            break
        for k in range(4):
            if i >= 0:
                i, numbers[U(row), U(k)] = scan_real(text, skip_space(text, i))
        if i < 0:
            break
        if first + count > len(pdg_id):
            outcome = ROOM
            break
        i = _scan_particles(text, i, first, count, pdg_id, integers, momenta, reals)
        if i < 0:
            break
        i = skip_space(text, i)
        if text[U(i)] not in (LESS, HASH):
            break
        for k in range(width):
            weights[U(row), U(k)] = 0.0
            present[U(row), U(k)] = False
        i, new_extra, short = _scan_rest(
            text,
            i,
            extra_text,
            extra,
            ids,
            id_ends,
            id_columns,
            table,
            listed,
            exact[0] != 0,
            weights,
            present,
            row,
        )
        if short:
            outcome = ROOM
        if i < 0:
            break
        for k in range(width):
            if not present[U(row), U(k)]:
                filled[LACKING] = 1
        counts[U(row)] = count
        attributes, extra, before = new_attributes, new_extra, new_before
        ends[U(row), U(0)] = attributes
        ends[U(row), U(1)] = extra
        ends[U(row), U(2)] = before
        first += count
        row += 1
        done = i
        outcome = FULL
    filled[N_EVENTS] = row
    filled[N_PARTICLES] = first
    filled[N_ATTRIBUTES] = attributes
    filled[N_EXTRA] = extra
    filled[N_BEFORE] = before
    return outcome, done
