"""Times on the command line: 90s, 30m, 12h, 2d, or seconds."""

from __future__ import annotations

import math
from typing import Any, Final

import click

SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Duration(click.ParamType[float]):
    """A time, as seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Reads a number with or without a unit."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        unit = SECONDS.get(text[-1:], None)
        try:
            seconds = float(text[:-1]) * unit if unit is not None else float(text)
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds > 0):
            self.fail(f"{value!r} is no time; write e.g. 90s, 30m, 12h or 2d", param, ctx)
        return seconds
