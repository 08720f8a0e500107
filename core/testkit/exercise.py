"""Exercises: calls of a component with inputs ready, which the checks of conduct repeat.

Each interface says how its methods are called; what every call owes its caller (leave inputs and
global state alone, give the same answer twice, treat rows one by one) is then checked once for
all interfaces, in `conduct`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from crosshook.core.testkit.subject import Case

    Call = Callable[[object, Mapping[str, Tensor]], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Exercise:
    """One call.

    Attributes:
        label: name of the method and what is special about the inputs.
        shape: the shape of the task.
        built: the component.
        fresh: builds the same component again, untrained.
        inputs: tensors by name, n rows each.
        call: calls a component with inputs and names the tensors that come back.
        shapes: shape of each output after its first axis; outputs not named have any shape.
        row_wise: every output has n rows, and row i depends on row i of the inputs only.
        trains: the call trains, so it is left out where torch's default device is set to meta:
            torch's own optimisers make tensors without a device.
        integer: names of outputs that are int64; all others are float64.
        simple: what the smallest input of a finding may be made of; see `with_smallest`.
        fitted_to: makes the component for other inputs, where it was fitted to them.
    """

    label: str
    shape: Case
    built: object
    fresh: Callable[[], object]
    inputs: Mapping[str, Tensor]
    call: Call
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    row_wise: bool = True
    trains: bool = False
    integer: frozenset[str] = frozenset()
    simple: Mapping[str, Sequence[float]] = field(default_factory=dict)
    fitted_to: Callable[[Mapping[str, Tensor]], object] | None = None

    @property
    def rows(self) -> int:
        """Number of input rows n."""
        return len(next(iter(self.inputs.values())))

    @property
    def case(self) -> str:
        """Shape and number of rows, for findings."""
        return self.shape.rows(self.rows)

    def on(self, inputs: Mapping[str, Tensor]) -> Exercise:
        """The same call with others of its inputs; as many as there are mean the same ones."""
        if self.fitted_to is None or len(next(iter(inputs.values()))) == self.rows:
            return replace(self, inputs=inputs)
        fresh = partial(self.fitted_to, inputs)
        return replace(self, inputs=inputs, built=fresh(), fresh=fresh)

    def copies(self) -> dict[str, Tensor]:
        """The inputs, cloned, so that a component that spoils them spoils one call only."""
        return {name: value.clone() for name, value in self.inputs.items()}

    def run(self, built: object | None = None) -> dict[str, Tensor]:
        """The outputs for cloned inputs."""
        return dict(self.call(self.built if built is None else built, self.copies()))

    def run_rows(self, rows: Tensor) -> dict[str, Tensor]:
        """The outputs for some of the rows, in the order given."""
        return dict(self.call(self.built, {k: v[rows].clone() for k, v in self.inputs.items()}))
