"""The float64 nearest to w · 10^q, compiled and exact.

The algorithm of D. Lemire, "Number parsing at a gigabyte per second" (arXiv:2101.11408), in the form
that needs no fallback for w < 2^64 (N. Mushtak and D. Lemire, arXiv:2212.06644): the product of w
with a power of five known to 128 bits decides the rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST: Final = -342
"""w · 10^q is 0 for every 64-bit w below this power, and infinite above the largest."""
LARGEST: Final = 308
EXACT: Final = 10.0 ** np.arange(23)
"""Powers of ten that are exact."""
EXACT_POWER: Final = 22
EXACT_MANTISSA: Final = 1 << 53

U0, U1, U2, U3, U9, U32, U63 = (np.uint64(i) for i in (0, 1, 2, 3, 9, 32, 63))
LOW_HALF: Final = np.uint64(0xFFFFFFFF)
UNDECIDED: Final = np.uint64(0x1FF)
"""Bits of the upper half that all are set where the lower 64 bits of the power matter."""
HIDDEN_BIT: Final = np.uint64(1 << 52)
OVERFLOW: Final = np.uint64(1 << 53)
SCALES: Final = 2.0 ** np.arange(-1074, 972)
"""By the exponent of the last bit."""


def _powers_of_five() -> NDArray[np.uint64]:
    """5^q scaled to 128 bits with the first one set: `(q, 2)`, upper 64 bits first.

    Positive powers are rounded down, negative ones up.
    """
    rows = []
    for q in range(SMALLEST, LARGEST + 1):
        power = 5 ** abs(q)
        if q >= 0:
            shift = power.bit_length() - 128
            value = power >> shift if shift > 0 else power << -shift
        else:
            value = (1 << (power.bit_length() + 127)) // power + 1
            value >>= value.bit_length() - 128
        rows.append((value >> 64, value & (2**64 - 1)))
    return np.array(rows, np.uint64)


FIVES: Final = _powers_of_five()


@njit(cache=True, nogil=True, error_model="numpy")
def _product(a: np.uint64, b: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Upper and lower 64 bits of a · b."""
    a1, a0, b1, b0 = a >> U32, a & LOW_HALF, b >> U32, b & LOW_HALF
    low = a0 * b0
    middle = a1 * b0 + (low >> U32)
    cross = a0 * b1 + (middle & LOW_HALF)
    return a1 * b1 + (middle >> U32) + (cross >> U32), a * b


@njit(cache=True, nogil=True, error_model="numpy")
def _leading_zeros(w: np.uint64) -> int:
    n = 0
    for step in (32, 16, 8, 4, 2, 1):
        if w >> np.uint64(64 - step) == U0:
            n += step
            w = w << np.uint64(step)
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def nearest_double(w: np.uint64, q: int) -> float:
    """The float64 nearest to w · 10^q, ties to even.

    Args:
        w: any 64-bit number.
        q: any power of ten.

    Returns:
        Its value, infinite where it is too large.
    """
    if w == U0 or q < SMALLEST:
        return 0.0
    if q > LARGEST:
        return np.inf
    zeros = _leading_zeros(w)
    w = w << np.uint64(zeros)
    upper, lower = _product(w, FIVES[q - SMALLEST, 0])
    if upper & UNDECIDED == UNDECIDED:
        further, _ = _product(w, FIVES[q - SMALLEST, 1])
        lower = lower + further
        if further > lower:
            upper = upper + U1
    first = upper >> U63
    shift = first + U9
    mantissa = upper >> shift
    # floor(q · log2(10)) and the place of the leading bit, as a biased exponent.
    power = ((217706 * q) >> 16) + 63 + np.int64(first) - zeros + 1023
    if power <= 0:
        if 1 - power >= 64:
            return 0.0
        mantissa = mantissa >> np.uint64(1 - power)
        mantissa = (mantissa + (mantissa & U1)) >> U1
        return float(mantissa * SCALES[0])
    # Half-way between two numbers, exactly: to the even one.
    if lower <= U1 and -4 <= q <= 23 and mantissa & U3 == U1 and mantissa << shift == upper:
        mantissa = mantissa ^ U1
    mantissa = (mantissa + (mantissa & U1)) >> U1
    if mantissa >= OVERFLOW:
        mantissa = HIDDEN_BIT
        power += 1
    if power >= 2047:
        return np.inf
    return float(mantissa * SCALES[power - 1])


@njit(cache=True, nogil=True, error_model="numpy")
def scaled(w: int, q: int) -> float:
    """The float64 nearest to w · 10^q for 0 <= w < 2^63.

    Where both w and the power of ten are exact, one product or quotient is rounded correctly.
    """
    if w < EXACT_MANTISSA and -EXACT_POWER <= q <= EXACT_POWER:
        if q < 0:
            return float(w / EXACT[-q])
        return float(w * EXACT[q])
    return nearest_double(np.uint64(w), q)
