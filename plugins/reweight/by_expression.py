"""Event reweighter `expression`: factors are expressions in what the events hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import ConfigurationError
from crosshook.core.events.event_expression import EventExpression
from crosshook.core.events.run_info import WeightInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.context import BuildContext
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.events.run_info import RunInfo


class ExpressionReweighter:
    """One expression a weight, e.g. a K-factor in pT or a ratio of two weights of the file."""

    def __init__(self, weights: Mapping[str, str | float]) -> None:
        """Takes expressions by the id of their weight."""
        if not weights:
            message = "event reweighter expression: weights: none given, e.g. {k: 1 + pt[0]/1000}"
            raise ConfigurationError(message)
        self._texts = {name: str(text) for name, text in weights.items()}
        self._expressions: tuple[EventExpression, ...] = ()

    def declare(self, info: RunInfo) -> tuple[WeightInfo, ...]:
        """Parses the expressions for the weights this run has."""
        self._expressions = tuple(
            EventExpression.quantity(text, info, f"weights.{name}")
            for name, text in self._texts.items()
        )
        return tuple(WeightInfo(name, text=text) for name, text in self._texts.items())

    def factors(self, batch: EventBatch) -> FloatArray:
        """Values of the expressions, `(n, v)`."""
        return np.stack([expression.values(batch) for expression in self._expressions], axis=1)


def make(context: BuildContext, *, weights: Mapping[str, str | float]) -> ExpressionReweighter:
    """Builds the reweighter; see schemas/v1/components/expression.json for the options."""
    return ExpressionReweighter(weights)
