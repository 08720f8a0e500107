"""The smallest input that shows a defect: fewest rows, simplest values.

A check looks at many random rows, which is how it finds; whoever has to mend the component wants one
row that can be computed by hand.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch

from crosshook.core.testkit.compare import show_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from crosshook.core.testkit.finding import Finding

    Inputs = Mapping[str, Tensor]
    Look = Callable[[Inputs], Finding | None]

ATTEMPTS: Final = 150
"""Looks spent on one finding; a look costs as much as a call of the component."""
ROWS: Final = 3
"""With more rows than these, values are left as they are."""
DIGITS: Final = (0, 1, 2, 3)
UNIT: Final = (0.5, 0.25, 0.75)
"""The simplest numbers inside the unit interval."""


def with_smallest(
    look: Look, inputs: Inputs, simple: Mapping[str, Sequence[float]] | None = None
) -> Finding | None:
    """The finding of a check on its inputs, with the smallest input that shows it too; or None.

    Args:
        look: the check on given inputs, whose tensors have a row for each point.
        inputs: what the check looks at first.
        simple: for each input whose values may be changed, the simplest ones, best first; rounded
            ones are tried after them. Others, such as momenta on their mass shells, stay.
    """
    found = look(_copies(inputs))
    if found is None:
        return None
    search = _Search(look, _kind(found))
    small = search.fewer_rows(inputs)
    if _rows(small) <= ROWS:
        small = search.simpler(small, simple or {})
    last = search.look(small)
    if last is None:  # a component that answers otherwise each time
        return found
    figures = last.figures
    gives = f": {figures['got']:.6g} against {figures['wanted']:.6g}" if "got" in figures else ""
    return replace(found, smallest=f"{last.case}; {show_rows(small)}{gives}")


class _Search:
    """Tries smaller inputs, as long as they show the same kind of defect."""

    def __init__(self, look: Look, kind: str) -> None:
        self._look, self._kind = look, kind
        self._left = ATTEMPTS

    def look(self, inputs: Inputs) -> Finding | None:
        """What the check says of other inputs; None if it is anything but the same defect."""
        try:
            found = self._look(_copies(inputs))
        except Exception:  # noqa: BLE001 - whatever a stranger's component raises: another defect
            return None
        return found if found is not None and _kind(found) == self._kind else None

    def _shows(self, inputs: Inputs) -> bool:
        self._left -= 1
        return self._left >= 0 and self.look(inputs) is not None

    def fewer_rows(self, inputs: Inputs) -> Inputs:
        """Half of the rows as often as one half shows the defect, then all but one of the rest."""
        shrunk = True
        while shrunk and (n := _rows(inputs)) > 1:
            shrunk = False
            for rows in (slice(0, n // 2), slice(n // 2, n)):
                part = {name: value[rows] for name, value in inputs.items()}
                if self._shows(part):
                    inputs, shrunk = part, True
                    break
        row = 0
        while 1 < _rows(inputs) <= 2 * ATTEMPTS and row < _rows(inputs) and self._left > 0:
            keep = torch.arange(_rows(inputs)) != row
            part = {name: value[keep.to(value.device)] for name, value in inputs.items()}
            if self._shows(part):
                inputs = part
            else:
                row += 1
        return inputs

    def simpler(self, inputs: Inputs, simple: Mapping[str, Sequence[float]]) -> Inputs:
        """Each value in turn, the simplest one that still shows the defect."""
        for name in (name for name in simple if name in inputs):
            for place in range(inputs[name].numel()):
                inputs = self._one_value(inputs, name, place, simple[name])
        return inputs

    def _one_value(self, inputs: Inputs, name: str, place: int, simple: Sequence[float]) -> Inputs:
        value = float(inputs[name].reshape(-1)[place])
        rounded = [round(value, digits) for digits in DIGITS]
        lowest, highest = min((*simple, value)), max((*simple, value))
        for candidate in (*simple, *(r for r in rounded if lowest < r < highest)):
            if candidate == value:
                return inputs
            tensor = inputs[name].detach().clone(memory_format=torch.contiguous_format)
            tensor.view(-1)[place] = candidate
            changed = {**inputs, name: tensor}
            if self._shows(changed):
                return changed
        return inputs


def _copies(inputs: Inputs) -> Inputs:
    """What a component that spoils its arguments may have."""
    return {name: value.clone() for name, value in inputs.items()}


def _rows(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())))


def _kind(finding: Finding) -> str:
    """The words of a finding without its figures, which differ from input to input."""
    return re.split(r"[(\d=\[]", finding.message)[0]
