"""Counts every call of an integrand, and refuses the one that would exceed the budget."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from crosshook.core.errors import NumericalError

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.integrand import Evaluation, Integrand


class Counted:
    """An integrand that counts points and its own CPU time.

    Attributes:
        n_dim: dimensions of the cube.
        channels: names of the channels.
        evaluations: points evaluated.
        seconds: CPU time spent inside.
    """

    def __init__(self, integrand: Integrand, budget: int) -> None:
        """Allows `budget` points."""
        self._integrand, self._budget = integrand, budget
        self.n_dim, self.channels = integrand.n_dim, integrand.channels
        self.evaluations, self.seconds = 0, 0.0

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """See `Integrand.evaluate`.

        Raises:
            NumericalError: beyond the budget.
        """
        self.evaluations += u.shape[0]
        if self.evaluations > self._budget:
            message = f"{self.evaluations} evaluations are more than the budget of {self._budget}"
            raise NumericalError(message)
        start = time.process_time()
        found = self._integrand.evaluate(u, channel)
        self.seconds += time.process_time() - start
        return found
