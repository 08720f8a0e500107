"""Numbers as Fortran and C programs write them."""

from __future__ import annotations

import re
from typing import Final

from crosshook.core.errors import InputError

EXPONENT_LETTER: Final = re.compile(r"[dDqQ]")
BARE_EXPONENT: Final = re.compile(r"(?<=[\d.])([+-]\d+)$")


def real(token: str | bytes, where: str) -> float:
    """A floating-point number; also `0.91D+02` and `0.91+102`.

    Raises:
        InputError: if it is no number; `where` begins the message.
    """
    text = token.decode("utf-8", "replace") if isinstance(token, bytes) else token
    try:
        return float(text)
    except ValueError:
        pass
    fortran = EXPONENT_LETTER.sub("e", text)
    if fortran == text:
        fortran = BARE_EXPONENT.sub(r"e\1", text)
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
        return int(token)
    except ValueError:
        value = real(token, where)
    if not value.is_integer():
        message = f"{where}: {token!r} is not a whole number"
        raise InputError(message)
    return int(value)
