"""Reads one number out of a buffer of text, compiled.

Reals are those of C and of Fortran: `1.`, `-.5E+02`, `0.91D+02`, `0.91+102`. The result is what
`strtod` gives, to the last bit. What these functions refuse is not always wrong: it is left to
`crosshook.adapters.lhe.numbers`, which also knows what to say about it.

Every buffer must end in a byte that belongs to no number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numba import njit

from crosshook.adapters.lhe.nearest_double import nearest_double, scaled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Text = NDArray[np.uint8]

U = np.uintp
"""Places are unsigned where text is looked at: numba counts negative ones from the end, which costs a
quarter of the speed."""
MINUS, PLUS, POINT, ZERO, NINE = (ord(c) for c in "-+.09")
HASH, LESS, BLANK = (ord(c) for c in "#< ")
EXPONENTS: Final = tuple(ord(c) for c in "edq")
LOWER_CASE: Final = 0x20
FITTING: Final = 18
"""Digits that always fit into 63 bits."""
LARGE: Final = 100_000
"""Exponents beyond it are all alike."""
TENS: Final = np.uint64(10)
U1: Final = np.uint64(1)


@njit(cache=True, nogil=True, error_model="numpy")
def is_space(c: int) -> bool:
    """Whether a byte is white space to C."""
    return c == 32 or 9 <= c <= 13


@njit(cache=True, nogil=True, error_model="numpy")
def skip_space(text: Text, i: int) -> int:
    """Where the next byte that is no white space is."""
    while is_space(text[U(i)]):
        i += 1
    return i


@njit(cache=True, nogil=True, error_model="numpy")
def ends_number(c: int) -> bool:
    """Whether a number may end before this byte."""
    return c in (32, LESS, HASH) or 9 <= c <= 13


@njit(cache=True, nogil=True, error_model="numpy")
def scan_real(text: Text, start: int) -> tuple[int, float]:
    """A real number.

    Args:
        text: the buffer.
        start: where the number begins, after white space.

    Returns:
        The place after it, or -1 if no finite number is read there; its value.
    """
    i = start
    negative = text[U(i)] == MINUS
    if negative or text[U(i)] == PLUS:
        i += 1
    first = i
    w = 0
    while ZERO <= text[U(i)] <= NINE:
        w = w * 10 + (text[U(i)] - ZERO)
        i += 1
    digits = i - first
    q = 0
    if text[U(i)] == POINT:
        i += 1
        fraction = i
        while ZERO <= text[U(i)] <= NINE:
            w = w * 10 + (text[U(i)] - ZERO)
            i += 1
        q = fraction - i
        digits -= q
    if digits == 0:
        return -1, 0.0
    mantissa_end = i
    letter = text[U(i)] | LOWER_CASE
    marked = letter in EXPONENTS
    if marked:
        i += 1
    sign = text[U(i)]
    if sign in (MINUS, PLUS):
        i += 1
        marked = True
    if marked:
        exponent = 0
        begin = i
        while ZERO <= text[U(i)] <= NINE:
            if exponent < LARGE:
                exponent = exponent * 10 + (text[U(i)] - ZERO)
            i += 1
        if i == begin:
            return -1, 0.0
        q += -exponent if sign == MINUS else exponent
    if not ends_number(text[U(i)]):
        return -1, 0.0
    if digits > FITTING:
        certain, value = _long(text, first, mantissa_end, q)
        if not certain:
            return -1, 0.0
    else:
        value = scaled(w, q)
    if value == np.inf:
        return -1, 0.0
    return i, -value if negative else value


@njit(cache=True, nogil=True, error_model="numpy")
def _long(text: Text, first: int, end: int, q: int) -> tuple[bool, float]:
    """A mantissa of many digits times 10^q, of which 19 from the first that is not 0 are taken.

    Where the number between them and the next one would round alike, so does what was cut off.
    """
    w = np.uint64(0)
    taken = 0
    for i in range(first, end):
        c = text[U(i)]
        if c == POINT or (taken == 0 and c == ZERO):
            continue
        if taken <= FITTING:
            w = w * TENS + np.uint64(c - ZERO)
            taken += 1
        else:
            q += 1
    value = nearest_double(w, q)
    cut = taken > FITTING
    return not cut or value == nearest_double(w + U1, q), value


@njit(cache=True, nogil=True, error_model="numpy")
def scan_whole(text: Text, start: int) -> tuple[int, int]:
    """A whole number, in the notation of reals too.

    Args:
        text: the buffer.
        start: where the number begins, after white space.

    Returns:
        The place after it, or -1 if no whole number below 2^53 is read there; its value.
    """
    i = start
    negative = text[U(i)] == MINUS
    if negative or text[U(i)] == PLUS:
        i += 1
    first = i
    w = 0
    while ZERO <= text[U(i)] <= NINE:
        w = w * 10 + (text[U(i)] - ZERO)
        i += 1
    if first < i <= first + 15 and ends_number(text[U(i)]):
        return i, -w if negative else w
    i, value = scan_real(text, start)
    if i < 0 or value != np.trunc(value) or abs(value) >= 2.0**53:
        return -1, 0
    return i, int(value)
