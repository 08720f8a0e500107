"""Reads `<rwgt>` and `<weights>` of one event into its row, compiled.

Every function gives the place after what it read, or -1 where the text is not plain. The buffer must
hold an end tag behind the place where it begins. Arrays are handed in one by one: each use of a field
of a tuple would count references, which takes longer than reading a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numba import njit

from crosshook.adapters.lhe.number_scan import LESS, U, is_space, scan_real, skip_space

if TYPE_CHECKING:
    from crosshook.adapters.lhe.number_scan import Text
    from crosshook.core.events.layout import BoolArray, FloatArray, IntArray

GREATER, EQUALS, NEWLINE = (ord(c) for c in ">=\n")
QUOTES: Final = (ord("'"), ord('"'))
HASH_START, HASH_FACTOR = 2166136261, 16777619
"""FNV-1a (G. Fowler, L. C. Noll, P. Vo), kept to 32 bits."""
HASH_MASK: Final = 0xFFFFFFFF

WGT = np.frombuffer(b"<wgt", np.uint8)
WGT_END = np.frombuffer(b"</wgt>", np.uint8)
RWGT_END = np.frombuffer(b"</rwgt>", np.uint8)
WEIGHTS_END = np.frombuffer(b"</weights>", np.uint8)
ID = np.frombuffer(b"id", np.uint8)


@njit(cache=True, nogil=True, error_model="numpy")
def begins(text: Text, i: int, word: Text) -> bool:
    """Whether the text goes on with a word."""
    if i + len(word) > len(text):
        return False
    for k in range(len(word)):  # noqa: SIM110  numba compiles no generators
        if text[U(i + k)] != word[k]:
            return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def hash_of(text: Text, start: int, end: int) -> int:
    """A hash of some bytes."""
    value = HASH_START
    for i in range(start, end):
        value = ((value ^ text[U(i)]) * HASH_FACTOR) & HASH_MASK
    return value


@njit(cache=True, nogil=True, error_model="numpy")
def _same_id(text: Text, start: int, end: int, ids: Text, id_ends: IntArray, number: int) -> bool:
    begin = id_ends[U(number - 1)] if number else 0
    if id_ends[U(number)] - begin != end - start:
        return False
    for i in range(end - start):  # noqa: SIM110
        if text[U(start + i)] != ids[U(begin + i)]:
            return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def find_id(
    text: Text, start: int, end: int, ids: Text, id_ends: IntArray, table: IntArray, likely: int
) -> int:
    """The number of a known id, or -1.

    Args:
        text: the buffer.
        start: where the id begins.
        end: where it ends.
        ids: see `Known`, as are `id_ends` and `table`.
        id_ends: where each id ends.
        table: the hash table.
        likely: the one to try first.
    """
    if likely < len(id_ends) and _same_id(text, start, end, ids, id_ends, likely):
        return likely
    mask = len(table) - 1
    place = hash_of(text, start, end) & mask
    while table[U(place)] >= 0:
        if _same_id(text, start, end, ids, id_ends, table[U(place)]):
            return int(table[U(place)])
        place = (place + 1) & mask
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def scan_tag_end(text: Text, i: int) -> int:
    """The place after the `>` of a tag whose name ends at i."""
    if text[U(i)] != GREATER and not is_space(text[U(i)]):
        return -1
    while text[U(i)] != GREATER:
        if text[U(i)] == LESS:
            return -1
        i += 1
    return i + 1


@njit(cache=True, nogil=True, error_model="numpy")
def scan_rwgt(
    text: Text,
    start: int,
    ids: Text,
    id_ends: IntArray,
    id_columns: IntArray,
    table: IntArray,
    weights: FloatArray,
    present: BoolArray,
    row: int,
) -> int:
    """The inside of `<rwgt>` and its end tag: `<wgt id='...'> number </wgt>`, ids known."""
    i = skip_space(text, start)
    likely = 0
    while begins(text, i, WGT):
        i += len(WGT)
        if not is_space(text[U(i)]):
            return -1
        i = skip_space(text, i)
        if not begins(text, i, ID):
            return -1
        i = skip_space(text, i + len(ID))
        if text[U(i)] != EQUALS:
            return -1
        i = skip_space(text, i + 1)
        quote = text[U(i)]
        if quote != QUOTES[0] and quote != QUOTES[1]:
            return -1
        begin = i + 1
        i = begin
        while text[U(i)] != quote:
            if text[U(i)] == LESS or text[U(i)] == NEWLINE:
                return -1
            i += 1
        end = i
        while begin < end and is_space(text[U(begin)]):
            begin += 1
        while begin < end and is_space(text[U(end - 1)]):
            end -= 1
        i += 1
        while text[U(i)] != GREATER:
            if text[U(i)] == LESS:
                return -1
            i += 1
        number = find_id(text, begin, end, ids, id_ends, table, likely)
        if number < 0:
            return -1
        likely = number + 1
        column = id_columns[U(number)]
        i, value = scan_real(text, skip_space(text, i + 1))
        if i < 0 or present[U(row), U(column)]:
            return -1
        weights[U(row), U(column)] = value
        present[U(row), U(column)] = True
        i = skip_space(text, i)
        if not begins(text, i, WGT_END):
            return -1
        i = skip_space(text, i + len(WGT_END))
    return i + len(RWGT_END) if begins(text, i, RWGT_END) else -1


@njit(cache=True, nogil=True, error_model="numpy")
def scan_listed(
    text: Text,
    start: int,
    listed: IntArray,
    exact: bool,
    weights: FloatArray,
    present: BoolArray,
    row: int,
) -> int:
    """The inside of `<weights>` and its end tag: numbers, no more of them than seen before."""
    i = skip_space(text, start)
    n = 0
    while text[U(i)] != LESS:
        i, value = scan_real(text, i)
        if i < 0 or n == len(listed):
            return -1
        column = listed[U(n)]
        if present[U(row), U(column)]:
            return -1
        weights[U(row), U(column)] = value
        present[U(row), U(column)] = True
        n += 1
        i = skip_space(text, i)
    if n == 0 or (exact and n != len(listed)):
        return -1
    return i + len(WEIGHTS_END) if begins(text, i, WEIGHTS_END) else -1
