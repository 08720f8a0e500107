"""Numbers as Fortran and C programs write them."""

from __future__ import annotations

import re
from typing import Final

from crosshook.core.errors import InputError

EXPONENT_LETTER: Final = re.compile(r"[dDqQ]")
SHORT: Final = 15
"""Characters of a whole number that a float64 holds exactly."""
BARE_EXPONENT: Final = re.compile(r"(?<=[\d.])([+-]\d+)$")


def real(token: str | bytes, where: str) -> float:
    """A floating-point number; also `0.91D+02` and `0.91+102`.

    Raises:
        InputError: if it is no number; `where` begins the message.
    """
    text = token.decode("utf-8", "replace") if isinstance(token, bytes) else token
    # Python alone reads `1_0` and digits of other scripts.
    plain = text if text.isascii() and "_" not in text else ""
    try:
        return float(plain)
    except ValueError:
        pass
    fortran = EXPONENT_LETTER.sub("e", plain)
    if fortran == plain:
        fortran = BARE_EXPONENT.sub(r"e\1", plain)
    try:
        return float(fortran)
    except ValueError:
        message = f"{where}: {text!r} is not a number"
        raise InputError(message) from None


def integer(token: str | bytes, where: str) -> int:
    """A whole number; `1.` is one.

    Raises:
        InputError: if it is none; `where` begins the message.
    """
    try:
        if len(token) <= SHORT:
            return int(token)
    except ValueError:
        pass
    value = real(token, where)
    if not value.is_integer():
        message = f"{where}: {token!r} is not a whole number"
        raise InputError(message)
    return int(value)
