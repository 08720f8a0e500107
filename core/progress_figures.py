"""The numbers beside a progress bar, as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.quantity import CROSS_SECTION
from crosshook.core.report.numbers import count, measured, percent, plain

if TYPE_CHECKING:
    from crosshook.core.quantity import Quantity


def describe(figures: dict[str, float], quantity: Quantity = CROSS_SECTION) -> str:
    """Figures beside a bar, e.g. `σ = 474.1 ± 0.9 pb  efficiency 31 %`."""
    words = []
    rest = dict(figures)
    sigma = rest.pop("sigma", None)
    if sigma is not None:
        estimate = measured(sigma, rest.pop("error", 0.0), quantity.unit)
        words.append(f"{quantity.symbol} = {estimate}")
    for name, value in rest.items():
        text = count(int(value)) if float(value).is_integer() else plain(value, 4)
        if name.endswith(("efficiency", "share")):
            text = percent(value)
        words.append(f"{name.replace('_', ' ')} {text}")
    return "  ".join(words)
