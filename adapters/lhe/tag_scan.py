"""Reads the opening tag of an event into its row, compiled: columns, and raw text for all else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from crosshook.adapters.lhe.number_scan import BLANK, LESS, U, is_space, scan_real, skip_space
from crosshook.adapters.lhe.weight_scan import EQUALS, GREATER, QUOTES, begins

if TYPE_CHECKING:
    from crosshook.adapters.lhe.number_scan import Text
    from crosshook.core.events.layout import FloatArray, IntArray

TRIALS = np.frombuffer(b"trials", np.uint8)
MUR2 = np.frombuffer(b"mur2", np.uint8)
MUF2 = np.frombuffer(b"muf2", np.uint8)


@njit(cache=True, nogil=True, error_model="numpy")
def copy_text(text: Text, start: int, end: int, target: Text, at: int) -> int:
    """Copies a piece of text; the place after it, or -1 if it does not fit."""
    n = end - start
    if at + n > len(target):
        return -1
    target[at : at + n] = text[start:end]
    return at + n


@njit(cache=True, nogil=True, error_model="numpy")
def _is_name(c: int) -> bool:
    """Whether a byte may be part of an attribute's name: letters, digits, `_`, `:`, `.`, `-`."""
    return 97 <= c <= 122 or 65 <= c <= 90 or 45 <= c <= 46 or 48 <= c <= 58 or c == 95


@njit(cache=True, nogil=True, error_model="numpy")
def _is_word(text: Text, start: int, end: int, word: Text) -> bool:
    return end - start == len(word) and begins(text, start, word)


@njit(cache=True, nogil=True, error_model="numpy")
def scan_tag(
    text: Text,
    start: int,
    places: IntArray,
    optional: FloatArray,
    row: int,
    attributes: Text,
    at: int,
) -> tuple[int, int, int]:
    """The attributes of an event's tag.

    Returns:
        The place after the tag, or -1; the end of the raw attributes; whether they did not fit.
    """
    begin_at = at
    for k in range(3):
        optional[U(row), U(k)] = 0.0
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
        if which >= 0 and places[which] >= 0:
            end, number = _scan_value(text, value + 1, i - 1)
            if end < 0:
                return -1, at, 0
            optional[U(row), U(places[which])] = number
            has_trials |= which == 0
        else:
            if which == 0:
                return -1, at, 0
            # Name, `=` and value, with a blank before all but the first.
            if at + (i - value) + (name_end - name) + 2 > len(attributes):
                return -1, at, 1
            if at > begin_at:
                attributes[at] = BLANK
                at += 1
            at = copy_text(text, name, name_end, attributes, at)
            attributes[at] = EQUALS
            at = copy_text(text, value, i, attributes, at + 1)
        if text[U(i)] != GREATER and not is_space(text[U(i)]):
            return -1, at, 0
        i = skip_space(text, i)
    if places[0] >= 0 and not has_trials:
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
