"""Writes numbers as text to memory, compiled.

A real number is written as MadGraph does, `+1.2345678901e+02`, with as many decimals as the column
has by custom where these read back as exactly the same number, else with 10, else with 16. Every
function takes the address to write to and returns the one after what it wrote.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from crosshook.adapters.lhe.memory import bits_of, compiled, store_byte, store_pair
from crosshook.adapters.lhe.shortest_digits import shortest_digits

LONGEST_REAL: Final = 24
"""`-1.2345678901234567e-308`"""
LONGEST_INTEGER: Final = 20

EXACT_POWERS: Final = 10.0 ** np.arange(23)
"""Powers of ten that are exact: one product or quotient with them is rounded as `strtod` does."""
SMALLEST_EXPONENT: Final = -12
LARGEST_EXPONENT: Final = 25
"""Decimal exponents for which digits of at most 11 places need no other powers."""
BOUNDARIES: Final = np.array([float(f"1e{k}") for k in range(-12, 28)])
WHOLE: Final = np.array([10**n for n in range(LONGEST_INTEGER)], np.uint64)
PAIRS: Final = np.frombuffer("".join(f"{n:02}" for n in range(100)).encode(), np.uint16).copy()

LONG: Final = 10
LONGEST: Final = 16
BLANK, PLUS, MINUS, POINT, EXPONENT, ZERO = (np.uint8(ord(c)) for c in " +-.e0")
TEN, HUNDRED = np.uint64(10), np.uint64(100)


@compiled("int64(int64, int64, int64)", inline=True)
def put_integer(at: int, value: int, width: int) -> int:
    """A whole number, right-aligned in `width` columns."""
    negative = value < 0
    rest = np.uint64(-value) if negative else np.uint64(value)
    digits = 1
    while digits < LONGEST_INTEGER - 1 and rest >= WHOLE[np.uint64(digits)]:
        digits += 1
    while width > digits + negative:
        store_byte(at, BLANK)
        at += 1
        width -= 1
    if negative:
        store_byte(at, MINUS)
        at += 1
    for i in range(at + digits - 1, at - 1, -1):
        store_byte(i, ZERO + np.uint8(rest % TEN))
        rest //= TEN
    return at + digits


@compiled("int64(int64, uint64, int64)", inline=True)
def _put_digits(at: int, digits: np.uint64, decimals: int) -> int:
    """One digit, the point, and the decimals."""
    end = at + 2 + decimals
    place = end
    left = decimals
    while left > 1:
        place -= 2
        store_pair(place, PAIRS[digits % HUNDRED])
        digits //= HUNDRED
        left -= 2
    if left:
        store_byte(place - 1, ZERO + np.uint8(digits % TEN))
        digits //= TEN
    store_byte(at + 1, POINT)
    store_byte(at, ZERO + np.uint8(digits))
    return end


@compiled("int64(int64, int64)", inline=True)
def _put_exponent(at: int, exponent: int) -> int:
    store_byte(at, EXPONENT)
    store_byte(at + 1, MINUS if exponent < 0 else PLUS)
    size = np.uint64(abs(exponent))
    at += 2
    if size >= HUNDRED:
        store_byte(at, ZERO + np.uint8(size // HUNDRED))
        size %= HUNDRED
        at += 1
    store_pair(at, PAIRS[size])
    return at + 2


@compiled("uint64(float64, int64, int64)", inline=True)
def _few_digits(size: float, exponent: int, decimals: int) -> np.uint64:
    """The digits, if that many decimals give the number back; else 0.

    Both the digits (fewer than 2^53) and the power of ten are exact, so that their product or
    quotient is the float64 nearest to the text.
    """
    power = exponent - decimals
    if power < 0:
        digits = np.rint(size * EXACT_POWERS[np.uint64(-power)])
        same = digits / EXACT_POWERS[np.uint64(-power)] == size
    else:
        digits = np.rint(size / EXACT_POWERS[np.uint64(power)])
        same = digits * EXACT_POWERS[np.uint64(power)] == size
    return np.uint64(np.int64(digits)) if same else np.uint64(0)


@compiled("int64(int64, uint64, int64, int64)", inline=True)
def _put_few(at: int, digits: np.uint64, exponent: int, decimals: int) -> int:
    """Digits of `_few_digits`, which may have rounded up to the next power of ten."""
    if digits >= WHOLE[np.uint64(decimals + 1)]:
        digits //= TEN
        exponent += 1
    return _put_exponent(_put_digits(at, digits, decimals), exponent)


@compiled("int64(int64)", inline=True)
def _exponent(bits: int) -> int:
    """The decimal exponent of a number, or one less."""
    two = ((bits >> 52) & 0x7FF) - 1023
    return (two * 1233) >> 12


@compiled("int64(int64, float64, int64, int64)")
def _put_any(at: int, size: float, bits: int, decimals: int) -> int:
    """Any positive number, by its size and its bits."""
    exponent = _exponent(bits)
    if decimals < LONG and SMALLEST_EXPONENT < exponent < LARGEST_EXPONENT:
        exponent += size >= BOUNDARIES[np.uint64(exponent + 1 - SMALLEST_EXPONENT)]
        digits = _few_digits(size, exponent, LONG)
        if digits:
            return _put_few(at, digits, exponent, LONG)
    digits, exponent = shortest_digits(bits)
    while decimals < LONGEST:
        cut = WHOLE[np.uint64(LONGEST - decimals)]
        if digits % cut == 0:
            digits //= cut
            break
        decimals = LONG if decimals < LONG else LONGEST
    return _put_exponent(_put_digits(at, digits, decimals), exponent)


@compiled("int64(int64, float64, int64, boolean)", inline=True)
def put_real(at: int, value: float, decimals: int, plus: bool) -> int:
    """A finite number in scientific notation, at most `LONGEST_REAL` bytes.

    Args:
        at: where to.
        value: the number.
        decimals: at least this many, at most `LONG`.
        plus: whether positive numbers have a sign.
    """
    bits: int = bits_of(value)
    store_byte(at, MINUS if bits < 0 else PLUS)
    at += 1 if plus or bits < 0 else 0
    size = abs(value)
    if size == 0.0:
        return _put_exponent(_put_digits(at, np.uint64(0), decimals), 0)
    exponent = _exponent(bits)
    if SMALLEST_EXPONENT < exponent < LARGEST_EXPONENT:
        exponent += size >= BOUNDARIES[np.uint64(exponent + 1 - SMALLEST_EXPONENT)]
        digits = _few_digits(size, exponent, decimals)
        if digits:
            return _put_few(at, digits, exponent, decimals)
    return _put_any(at, size, bits, decimals)
