"""Progress in a notebook: a bar per stage under the cell, drawn again in its place."""

from __future__ import annotations

import time
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from crosshook.core.errors import ConfigurationError
from crosshook.core.progress_figures import describe
from crosshook.core.quantity import Quantity
from crosshook.core.report.numbers import measured

if TYPE_CHECKING:
    from crosshook.core.training_result import IterationResult

INTEGRAL = Quantity("integral", "I", "")
"""What is estimated until a run says what it measures."""
SECONDS = 0.25
"""Drawn again at most this often, and at the end of a stage."""


@dataclass
class _Bar:
    done: int
    total: int
    figures: str


class NotebookProgress:
    """Bars for `progress=` and `reporter=` of crosshook's functions; needs IPython.

    Raises:
        ConfigurationError: if IPython is not installed.
    """

    def __init__(self) -> None:
        try:
            self._display: Any = import_module("IPython.display").display
        except ImportError as error:
            message = "NotebookProgress needs IPython, which notebooks have: pip install ipython"
            raise ConfigurationError(message) from error
        self._bars: dict[str, _Bar] = {}
        self._quantity = INTEGRAL
        self._drawn = 0.0
        self._place: Any = None  # IPython's handle of the output
        self._training = ""

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        """Shows how far a stage is; see `crosshook.core.progress.Progress`."""
        self._bars[stage] = _Bar(done, total, describe(figures, self._quantity))
        self._draw(last=done >= total)

    def measures(self, quantity: Quantity) -> None:
        """Takes the symbol and the unit of the estimates to come."""
        self._quantity = quantity

    def iteration(self, iteration: IterationResult) -> None:
        """Shows the estimate of the training's last iteration."""
        value = measured(iteration.estimate, iteration.error, self._quantity.unit)
        self._training = f"last iteration: {self._quantity.symbol} = {value}"
        self._draw()

    def _draw(self, last: bool = False) -> None:
        now = time.monotonic()
        if not last and now - self._drawn < SECONDS:
            return
        self._drawn = now
        if self._place is None:
            self._place = self._display(self, display_id=True)
        else:
            self._place.update(self)

    def __repr__(self) -> str:
        """A line per stage, where nothing better is shown."""
        lines = [f"{stage} {b.done}/{b.total} {b.figures}" for stage, b in self._bars.items()]
        return "\n".join([*(line.rstrip() for line in lines), self._training]).strip()

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{escape(stage)}</td>"
            f"<td><progress value='{bar.done}' max='{max(bar.total, 1)}' "
            f"aria-label='{escape(stage)}'></progress></td>"
            f"<td style='text-align:left'>{escape(bar.figures)}</td></tr>"
            for stage, bar in self._bars.items()
        )
        return f"<table>{rows}</table><div style='opacity:.75'>{escape(self._training)}</div>"
