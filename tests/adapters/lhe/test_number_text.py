"""Numbers as text: the digits of Python's `repr`, in as many places as the column has by custom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numba
import numpy as np
import pytest

from crosshook.adapters.lhe.memory import store_byte
from crosshook.adapters.lhe.number_text import LONGEST_REAL, put_integer, put_real
from crosshook.adapters.lhe.shortest_digits import shortest_digits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SEED: Final = 20261122
NEWLINE: Final = np.uint8(10)


@numba.njit
def _reals(values: Floats, at: int, decimals: int, plus: bool) -> int:
    for value in values:
        at = put_real(at, value, decimals, plus)
        store_byte(at, NEWLINE)
        at += 1
    return at


@numba.njit
def _integers(values: NDArray[np.int64], at: int, width: int) -> int:
    for value in values:
        at = put_integer(at, value, width)
        store_byte(at, NEWLINE)
        at += 1
    return at


@numba.njit
def _digits(bits: NDArray[np.int64], digits: NDArray[np.uint64], exponents: Floats) -> None:
    for i in range(len(bits)):
        digits[i], exponents[i] = shortest_digits(bits[i])


def lines(write: object, values: NDArray[np.generic], *options: object) -> list[str]:
    """What a compiled function writes, line by line."""
    out = np.empty(len(values) * 40, np.uint8)
    end = write(values, out.ctypes.data, *options)  # type: ignore[operator]
    return out[: end - out.ctypes.data].tobytes().decode().split("\n")[:-1]


def hard_numbers() -> Floats:
    """Numbers that printing gets wrong if anything does."""
    rng = np.random.default_rng(SEED)
    powers = np.array([float(f"1e{k}") for k in range(-323, 309)])
    twos = 2.0 ** np.arange(-1074, 1024)
    short = [
        float(f"{rng.integers(1, 10 ** int(n))}e{k}") for n in range(1, 18) for k in range(-30, 31)
    ]
    values = np.concatenate(
        [
            rng.integers(0, 2**63, 60_000, np.int64).view(np.float64),
            rng.integers(0, 2**52, 5_000, np.int64).view(np.float64),  # subnormal
            *(np.nextafter(x, y) for x in (powers, twos) for y in (0.0, x, np.inf)),
            rng.normal(0, 100, 20_000),
            np.round(rng.normal(0, 1000, 20_000), 7),
            short,
            np.arange(1.0, 2000.0),
            2.0**53 + np.arange(-5, 100),
            # Halfway between two decimals of 17 digits, and of 11.
            (2.0**54 + 2 * np.arange(200)) * 10,
            (10.0**10 + np.arange(1000)) + 0.5,
        ]
    )
    return np.array(values[np.isfinite(values) & (values != 0.0)])


def test_the_shortest_digits_are_those_of_repr() -> None:
    values = np.abs(hard_numbers())
    digits, exponents = np.empty(len(values), np.uint64), np.empty(len(values))
    _digits(values.view(np.int64), digits, exponents)
    for value, found, exponent in zip(values.tolist(), digits.tolist(), exponents, strict=True):
        mantissa, _, power = f"{value!r}".partition("e")
        whole, _, fraction = mantissa.partition(".")
        expected = (whole + fraction).lstrip("0")
        first = len(whole) - 1 if whole != "0" else len(expected) - len(fraction) - 1
        assert str(found) == expected.rstrip("0").ljust(17, "0"), value
        assert exponent == first + int(power or 0), value


@pytest.mark.parametrize("decimals", [4, 7, 8, 10])
def test_every_number_reads_back_in_the_fewest_places_that_do(decimals: int) -> None:
    values = hard_numbers()
    values = np.concatenate([values, -values[:1000], [0.0, -0.0]])
    for value, text in zip(values.tolist(), lines(_reals, values, decimals, True), strict=True):
        assert float(text) == value
        assert text[0] == ("-" if np.signbit(value) else "+")
        assert len(text) <= LONGEST_REAL
        shown = len(text.partition("e")[0]) - 3
        fewest = next((n for n in (decimals, 10) if float(f"{value:.{n}e}") == value), 16)
        assert shown == fewest, value
        if shown < 16 and abs(value) > 1e-300:  # a subnormal has more than one text of its length
            assert text == f"{value:+.{shown}e}"


def test_positive_numbers_need_no_sign() -> None:
    assert lines(_reals, np.array([1.5, -1.5, 0.0, -0.0]), 4, False) == [
        "1.5000e+00",
        "-1.5000e+00",
        "0.0000e+00",
        "-0.0000e+00",
    ]


@pytest.mark.parametrize("width", [0, 2, 9, 30])
def test_whole_numbers(width: int) -> None:
    rng = np.random.default_rng(SEED)
    ends = np.array([0, 1, -1, 2**63 - 1, -(2**63)])
    tens = 10 ** np.arange(19)
    values = np.concatenate([ends, tens, tens - 1, -tens, rng.integers(-(2**62), 2**62, 1000)])
    assert lines(_integers, values, width) == [f"{v:{width}d}" for v in values.tolist()]
