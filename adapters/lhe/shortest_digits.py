"""The shortest decimal digits that give a float64 back, compiled: what `repr` finds, without Python.

Schubfach (R. Giulietti, "The Schubfach way to render doubles", 2020): of the decimals inside the
interval of numbers that round to x, the one with fewest digits, and among those the closest to x.
Three products with a 126-bit power of ten decide it exactly; the proof is in the paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from crosshook.adapters.lhe.memory import compiled, upper_product

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_POWER: Final = -292
LARGEST_POWER: Final = 324
FRACTION: Final = np.uint64((1 << 52) - 1)
DIGITS: Final = 17
"""Enough for every float64."""
SEVENTEEN: Final = np.uint64(10 ** (DIGITS - 1))
"""The smallest number with as many digits."""

U0, U1, U2, U4, U10, U40, U52 = (np.uint64(i) for i in (0, 1, 2, 4, 10, 40, 52))


def _powers_of_ten() -> NDArray[np.uint64]:
    """10^p as 128 bits, rounded up, the first one set: `(p, 2)`, the upper 64 bits first."""
    rows = []
    for power in range(SMALLEST_POWER, LARGEST_POWER + 1):
        up, down = 10 ** max(power, 0), 10 ** max(-power, 0)
        shift = 128 - (up.bit_length() if power >= 0 else 1 - down.bit_length())
        while True:
            value = -(-(up << max(shift, 0)) // (down << max(-shift, 0)))
            if value.bit_length() <= 128:
                break
            shift -= 1
        rows.append((value >> 64, value & (2**64 - 1)))
    return np.array(rows, np.uint64)


POWERS: Final = _powers_of_ten()


@compiled("uint64(uint64, uint64, uint64)", inline=True)
def _round_to_odd(upper: np.uint64, lower: np.uint64, factor: np.uint64) -> np.uint64:
    """The product's integer part, its last bit set where something was cut off."""
    middle = upper * factor
    sum_ = middle + upper_product(lower, factor)
    carried = U1 if sum_ < middle else U0
    whole: np.uint64 = upper_product(upper, factor) + carried
    return whole | (U1 if sum_ > U1 else U0)


@compiled("Tuple((uint64, int64))(int64)")
def shortest_digits(bits: int) -> tuple[np.uint64, int]:
    """Digits and decimal exponent of a finite number that is not 0.

    Args:
        bits: of the number as float64; the sign does not matter.

    Returns:
        An integer of 17 digits, zeros at its end where fewer would do, and the power of ten of the
        first one.
    """
    fraction = np.uint64(bits) & FRACTION
    exponent = (bits >> 52) & 0x7FF
    c = fraction
    q = -1074
    if exponent:
        c = fraction | (U1 << U52)
        q = exponent - 1075
    uneven = c & U1
    # The number below a power of two is half as far away as the one above.
    closer = fraction == U0 and exponent > 1
    k = (q * 1262611 - (524031 if closer else 0)) >> 22
    h = np.uint64(q + ((-k * 1741647) >> 19) + 1)
    row = -k - SMALLEST_POWER
    upper, lower = POWERS[row, 0], POWERS[row, 1]
    c4 = U4 * c
    x = _round_to_odd(upper, lower, c4 << h)
    low = _round_to_odd(upper, lower, (c4 - (U1 if closer else U2)) << h) + uneven
    high = _round_to_odd(upper, lower, (c4 + U2) << h) - uneven
    s = x // U4
    digits = s
    decided = False
    if s >= U10:
        tens = s // U10
        below = low <= U40 * tens
        above = U40 * tens + U40 <= high
        if below != above:
            digits, k, decided = tens + (U1 if above else U0), k + 1, True
    if not decided:
        below = low <= U4 * s
        above = U4 * s + U4 <= high
        middle = U4 * s + U2
        if below != above:
            digits = s + (U1 if above else U0)
        elif x > middle or (x == middle and s & U1):
            digits = s + U1
    while digits < SEVENTEEN:
        digits *= U10
        k -= 1
    return digits, k + DIGITS - 1
