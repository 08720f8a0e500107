"""Training: who draws, who fits, what is reported. Shared by every trainable component.

`fit(source, budget, context)` belongs to the component; core decides when it is called and with
what budget, counts every evaluation, and saves the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.context import BuildContext


@dataclass(frozen=True)
class Budget:
    """What a training may spend.

    Attributes:
        evaluations: calls of the integrand, warm-up and failed points included.
    """

    evaluations: int


@dataclass(frozen=True)
class Draw:
    """Points drawn for training, weighed by core. n points, d dimensions, k channels.

    Attributes:
        r: uniform random numbers, `(n, d)`; those of a mixture have a column more.
        channel: channel of each point, `(n,)` int64.
        u: mapped points, `(n, d)`.
        log_det: log|∂u/∂r|, minus the log density the point was drawn with, `(n,)`.
        value: dσ/dx · |∂x/∂u| in pb without channel weight, `(n,)`.
        weight: the full weight, channel weight and share included, `(n,)`.
        log_alpha: logarithms of the channel weights, `(n, k)`.
        log_prior: logarithms of the prior channel weights, `(n, k)`.
        features: channel-independent coordinates, `(n, f)`, or None.
        condition: `(n, c)`, or None.
        log_gradient: ∇_u log|a| with a the value times the channel weight, `(n, d)`; NaN where
            there is none, e.g. where a is 0. None if it was not asked for.
    """

    r: Tensor
    channel: Tensor
    u: Tensor
    log_det: Tensor
    value: Tensor
    weight: Tensor
    log_alpha: Tensor
    log_prior: Tensor
    features: Tensor | None = None
    condition: Tensor | None = None
    log_gradient: Tensor | None = None


class Source(Protocol):
    """Gives points to a component under training and counts what they cost."""

    @property
    def evaluations(self) -> int:
        """Calls of the integrand so far."""
        ...

    def draw(self, n: int) -> Draw:
        """Draws n points through the sampler as it is now, all channels in proportion.

        The tensors carry no gradients: a loss is a function of the points, whose density under
        the component in training is computed anew, e.g. with its `inverse`.
        """
        ...


@runtime_checkable
class GradientSource(Source, Protocol):
    """Gives the gradients of a differentiable integrand too."""

    def draw_with_gradients(self, n: int, *, check: bool) -> Draw:
        """Draws n points with their `log_gradient`, which costs three evaluations a point.

        Args:
            n: points.
            check: compare some of the gradients with differences of values.

        Raises:
            IntegrandError: if the integrand gives no gradients, or wrong ones.
        """
        ...


@dataclass(frozen=True)
class Iteration:
    """One step of a training as the integral saw it.

    Attributes:
        evaluations: points of this step.
        estimate: integral in pb.
        error: its standard error in pb.
        channel_estimates: integral of each channel in pb, `(k,)`.
        channel_errors: their standard errors in pb.
    """

    evaluations: int
    estimate: float
    error: float
    channel_estimates: tuple[float, ...] = ()
    channel_errors: tuple[float, ...] = ()


@dataclass(frozen=True)
class FitReport:
    """What a training did.

    Attributes:
        evaluations: calls of the integrand spent.
        iterations: the integral's history, in order.
        losses: the training loss by step, if there is one.
        notes: sentences for the report.
    """

    evaluations: int
    iterations: tuple[Iteration, ...] = ()
    losses: tuple[float, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


@runtime_checkable
class Trainable(Protocol):
    """A component that learns from draws."""

    def fit(self, source: Source, budget: Budget, context: BuildContext) -> FitReport:
        """Trains in place within the budget.

        Args:
            source: gives weighed points and counts them.
            budget: what may be spent.
            context: as when the component was built, with a random generator for the training.

        Returns:
            What was done.
        """
        ...


@runtime_checkable
class Stateful(Protocol):
    """A component that can be saved and loaded as tensors and JSON."""

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """Everything that training changed: tensors, and what JSON can hold."""
        ...

    def load_state(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back what `state` gave."""
        ...


class TrainingStore(Protocol):
    """Keeps the state of a training that may be killed. A component that makes no use of it begins anew,
    and ends the same.
    """

    def load(self) -> tuple[dict[str, Tensor], dict[str, object]] | None:
        """What was kept last, before the training was stopped; None if it begins."""
        ...

    def save(self, tensors: dict[str, Tensor], values: dict[str, object]) -> None:
        """Replaces what is kept: tensors, and what JSON can hold."""
        ...
