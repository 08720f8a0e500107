"""Progress on the terminal: a bar per stage with its numbers, or plain lines where there is none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.progress_figures import describe
from crosshook.core.quantity import CROSS_SECTION
from crosshook.core.report.numbers import measured, plain
from crosshook.core.statistics import chi_squared

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from crosshook.core.quantity import Quantity
    from crosshook.core.training_result import IterationResult

QUIET_SECONDS = 10.0
"""Without a terminal, at most one line of a stage in this time; the last one always."""


class RichProgress:
    """A `Progress` that draws; a context manager, so that the terminal is always left tidy.

    Attributes:
        enabled: False shows nothing at all.
    """

    def __init__(self, enabled: bool = True, console: Console | None = None) -> None:
        """Chooses where to draw.

        Args:
            enabled: False for nothing.
            console: standard error if None, so that standard output stays free for results.
        """
        self.enabled = enabled
        self._console = console
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._spoken: dict[str, float] = {}
        self._iterations: list[IterationResult] = []
        self._quantity = CROSS_SECTION

    def __enter__(self) -> Self:
        """Starts the display."""
        if self.enabled:
            self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the display, also after an error or Ctrl-C: the cursor comes back."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        """Shows how far a stage is; see `crosshook.core.progress.Progress`."""
        if not self.enabled or self._console is None:
            return
        text = describe(figures, self._quantity)
        if self._bars is None:
            self._speak(stage, done, total, text)
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total, figures=text)
        self._bars.update(self._tasks[stage], completed=done, total=total, figures=text)

    def measures(self, quantity: Quantity) -> None:
        """Takes the symbol and the unit of the estimates to come."""
        self._quantity = quantity

    def iteration(self, iteration: IterationResult) -> None:
        """Prints a line on an iteration of the training.

        Args:
            iteration: its estimate and those of the channels; χ² is of all iterations so far.
        """
        if not self.enabled or self._console is None:
            return
        from rich.text import Text

        self._iterations.append(iteration)
        parts = zip(iteration.channel_estimates, iteration.channel_errors, strict=True)
        channels = " | ".join(measured(v, e) for v, e in parts)
        chi, dof = chi_squared(
            np.array([i.estimate for i in self._iterations]),
            np.array([i.error for i in self._iterations]),
        )
        number = len(self._iterations)
        line = Text(f"iteration {number:2d}  ")
        value = measured(iteration.estimate, iteration.error, self._quantity.unit)
        line.append(f"{self._quantity.symbol} = {value}", style="bold")
        if len(iteration.channel_estimates) > 1:
            line.append(f"  ({channels})", style="dim")
        if dof:
            line.append(f"  χ²/dof {plain(chi, 3)}/{dof}")
        self._console.print(line, highlight=False, soft_wrap=not self._console.is_terminal)

    def _start(self) -> None:
        from rich.console import Console

        if self._console is None:
            self._console = Console(stderr=True, highlight=False)
        if not self._console.is_terminal:
            return
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        self._bars = Progress(
            TextColumn("{task.description:<10}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            Remaining(compact=True, elapsed_when_finished=True),
            console=self._console,
        )
        self._bars.start()

    def _speak(self, stage: str, done: int, total: int, text: str) -> None:
        """A line now and then, for logs."""
        assert self._console is not None
        now = time.monotonic()
        last = done >= total
        if not last and now - self._spoken.get(stage, 0.0) < QUIET_SECONDS:
            return
        self._spoken[stage] = now
        share = f"{100 * done / total:3.0f} %" if total else ""
        line = f"{stage:<10} {share}  {text}".rstrip()
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
