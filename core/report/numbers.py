"""Numbers as people read them: values with errors, shares, sizes, times; the same everywhere."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosshook.core.results import MemoryResult

MISSING = "n/a"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def measured(value: float, error: float, unit: str = "") -> str:
    """A value with its standard error, rounded to two digits of the error.

    Args:
        value: the number.
        error: its standard error; ignored unless finite and positive.
        unit: written behind.

    Returns:
        E.g. `473.81 ± 0.23 pb`; `n/a` for a value that is not finite.
    """
    tail = f" {unit}" if unit else ""
    if not math.isfinite(value):
        return MISSING
    if not (math.isfinite(error) and error > 0):
        return plain(value) + tail
    size = max(abs(value), error)
    exponent = math.floor(math.log10(size))
    if -4 <= exponent < 6:
        places = max(0, _decimals(error))
        return f"{value:.{places}f} ± {error:.{places}f}{tail}"
    scale = 10.0**-exponent
    places = max(0, _decimals(error * scale))
    power = str(exponent).translate(_SUPERSCRIPTS)
    return f"({value * scale:.{places}f} ± {error * scale:.{places}f}) × 10{power}{tail}"


def _decimals(error: float) -> int:
    """Decimal places that show two digits of an error."""
    return int(f"{error:.1e}".partition("e")[2]) * -1 + 1


def plain(value: float, digits: int = 5) -> str:
    """A number without error, e.g. `12.346` or `1.2346 × 10⁻⁷`."""
    if not math.isfinite(value):
        return MISSING
    mantissa, _, power = f"{value:.{digits}g}".partition("e")
    return f"{mantissa} × 10{str(int(power)).translate(_SUPERSCRIPTS)}" if power else mantissa


def percent(share: float, error: float = math.nan) -> str:
    """A share as percent, with its error if there is one, e.g. `31.24 ± 0.15 %`."""
    if math.isfinite(error) and error > 0:
        return measured(100 * share, 100 * error, "%")
    value = 100 * share
    if 99 < value < 100 - 1e-9:  # what is missing to all of it must not be rounded away
        return f"{value:.{1 - math.floor(math.log10(100 - value))}f} %"
    return f"{plain(value, 3)} %" if math.isfinite(share) else MISSING


def count(number: int) -> str:
    """A whole number with its thousands set apart, e.g. `1,000,000`."""
    return f"{number:,}"


def rate(number: float, seconds: float) -> str:
    """Points per second in words, e.g. `1.2 million/s`."""
    if not (seconds > 0 and math.isfinite(number)):
        return MISSING
    value = number / seconds
    for limit, word in ((1e6, " million"), (1e3, " thousand")):
        if value >= limit:
            return f"{value / limit:.3g}{word}/s"
    return f"{value:.3g}/s"


def duration(seconds: float) -> str:
    """A time, e.g. `3.2 s`, `2 min 05 s` or `1 h 12 min`."""
    if not math.isfinite(seconds):
        return MISSING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def size(number: int) -> str:
    """A file size, e.g. `3.4 MB` (10⁶ bytes)."""
    for limit, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= limit:
            return f"{number / limit:.3g} {unit}"
    return f"{number} B"


def memory_used(memory: MemoryResult | None) -> str:
    """Most memory that a run has had, of its manager and of the largest worker."""
    if memory is None:
        return ""
    worker = f", {size(memory.worker)} a worker" if memory.worker else ""
    return f"{size(memory.manager)} of memory{worker}"


def moment(created: str) -> str:
    """A time as people write it, e.g. `2026-11-22 20:40 UTC`, or as it is if it is no ISO time."""
    try:
        found = datetime.fromisoformat(created).astimezone(UTC)
    except ValueError:
        return created
    return f"{found:%Y-%m-%d %H:%M} UTC"
