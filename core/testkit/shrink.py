"""The smallest case that shows a defect: fewest rows or draws, simplest values.

A check looks at many random rows, which is how it finds; whoever has to mend the component wants one
row that can be computed by hand. What cannot be seen in a row, a mean for example, is looked at with
fewer and fewer draws until it is no longer significant.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import torch

from crosshook.core.errors import UnfinishedError
from crosshook.core.testkit.compare import A_ROW, show_rows
from crosshook.core.testkit.finding import Finding, NotApplicable, raised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    Inputs = Mapping[str, Tensor]
    Look = Callable[[Inputs], Finding | None]

T = TypeVar("T")

ATTEMPTS: Final = 150
"""Looks spent on one finding; a look costs as much as a call of the component."""
SECONDS: Final = 10.0
"""Time spent on one finding: but for one look, none is begun that would end later, as far as the one
before it tells."""
ROWS: Final = 3
"""With more rows than these, values are left as they are."""
DIGITS: Final = (0, 1, 2, 3)
UNIT: Final = (0.5, 0.25, 0.75)
"""The simplest numbers inside the unit interval."""
DRAWS: Final = 100
"""Fewer draws than these have no error estimate worth the name."""


def with_smallest(
    look: Look,
    inputs: Inputs,
    simple: Mapping[str, Sequence[float]] | None = None,
    show: Callable[[Inputs], str] = show_rows,
    where: str = "",
) -> Finding | None:
    """The finding of a check on its inputs, with the smallest input that shows it too; or None.

    What the component raises is a finding as well.

    Args:
        look: the check on given inputs, whose tensors have a row for each point.
        inputs: what the check looks at first; they are not changed.
        simple: for each input whose values may be changed, the simplest ones, best first; rounded
            ones are tried after them. Others, such as momenta on their mass shells, stay.
        show: the inputs in words.
        where: the case, for what is raised.
    """
    search = _Search(lambda given: look(_copies(given)), inputs)
    found = search.found
    if found is None:
        return None
    small = _fewer_rows(search, inputs)
    if _rows(small) <= ROWS:
        small = _simpler(search, small, simple or {})
    last = search.last
    case = last.case or ", ".join(filter(None, (where, f"n={_rows(small)}")))
    rows = show(small)
    given = "" if last.given.startswith(A_ROW) or last.given == rows else last.given
    return replace(found, smallest=_in_words(found, last, case, rows, given))


def with_fewest(look: Callable[[int], Finding | None], n: int, fewest: int = 1) -> Finding | None:
    """The finding of a check with n draws, events or tasks, with the fewest that show it too; or None.

    Args:
        look: the check with a number of them, independent of n but for its size.
        n: what the check looks at first; halved as long as half shows the same.
        fewest: no fewer are tried.
    """
    search = _Search(look, n)
    if search.found is None:
        return None
    while n // 2 >= fewest and search.shows(n // 2):
        n //= 2
    last = search.last
    case = last.case or f"n={n}"
    return replace(search.found, smallest=_in_words(search.found, last, case, "", last.given))


def _in_words(found: Finding, last: Finding, case: str, *given: str) -> str:
    gives = last.message if last.message != found.message else ""
    if "got" in last.figures:
        gives = f"{last.figures['got']:.6g} against {last.figures['wanted']:.6g}"
    where = "; ".join(part for part in (case, *given) if part)
    if "\n" in where:
        return f"{gives}\n{where}" if gives else where
    return f"{where}: {gives}" if gives else where


class _Search(Generic[T]):
    """Looks at smaller cases, as long as they show the same kind of defect.

    Attributes:
        found: what the first case shows, or None.
        last: what the smallest case so far shows.
    """

    def __init__(self, look: Callable[[T], Finding | None], first: T) -> None:
        self._look = look
        self._attempts = 0
        start = time.monotonic()
        self.found = self._seen(first)
        self._cost = time.monotonic() - start
        self._end = start + self._cost + SECONDS
        if self.found is not None:
            self.last = self.found
            self._kind = _kind(self.found)

    @property
    def over(self) -> bool:
        """Whether no more looks can be afforded."""
        # The first one may have waited for compilers and imports, and tells too much.
        late = self._attempts > 0 and time.monotonic() + self._cost > self._end
        return late or self._attempts >= ATTEMPTS

    def shows(self, case: T) -> bool:
        """Whether another case shows the same kind of defect; False when the search is over."""
        if self.over:
            return False
        self._attempts += 1
        start = time.monotonic()
        try:
            seen = self._seen(case)
        except (NotApplicable, UnfinishedError):
            return False
        finally:
            self._cost = time.monotonic() - start
        if seen is None or _kind(seen) != self._kind:
            return False
        self.last = seen
        return True

    def _seen(self, case: T) -> Finding | None:
        try:
            return self._look(case)
        except (NotApplicable, UnfinishedError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a stranger's component raises
            return Finding(raised(error))


def _fewer_rows(search: _Search[Inputs], inputs: Inputs) -> Inputs:
    """Half of the rows as often as one half shows the defect, then all but one of the rest."""
    shrunk = True
    while shrunk and (n := _rows(inputs)) > 1:
        shrunk = False
        for rows in (slice(0, n // 2), slice(n // 2, n)):
            part = {name: value[rows] for name, value in inputs.items()}
            if search.shows(part):
                inputs, shrunk = part, True
                break
    row = 0
    while 1 < _rows(inputs) <= 2 * ATTEMPTS and row < _rows(inputs) and not search.over:
        keep = torch.arange(_rows(inputs), device="cpu") != row
        part = {name: value[keep.to(value.device)] for name, value in inputs.items()}
        if search.shows(part):
            inputs = part
        else:
            row += 1
    return inputs


def _simpler(
    search: _Search[Inputs], inputs: Inputs, simple: Mapping[str, Sequence[float]]
) -> Inputs:
    """Each value in turn, the simplest one that still shows the defect."""
    for name in (name for name in simple if name in inputs):
        for place in range(inputs[name].numel()):
            inputs = _one_value(search, inputs, name, place, simple[name])
    return inputs


def _one_value(
    search: _Search[Inputs], inputs: Inputs, name: str, place: int, simple: Sequence[float]
) -> Inputs:
    value = float(inputs[name].reshape(-1)[place])
    rounded = [round(value, digits) for digits in DIGITS]
    lowest, highest = min((*simple, value)), max((*simple, value))
    for candidate in (*simple, *(r for r in rounded if lowest < r < highest)):
        if candidate == value:
            return inputs
        tensor = inputs[name].detach().clone(memory_format=torch.contiguous_format)
        tensor.view(-1)[place] = candidate
        changed = {**inputs, name: tensor}
        if search.shows(changed):
            return changed
    return inputs


def _copies(inputs: Inputs) -> Inputs:
    """What a component that spoils its arguments may have."""
    return {name: value.clone() for name, value in inputs.items()}


def _rows(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())))


def _kind(finding: Finding) -> str:
    """The words of a finding without its figures, which differ from input to input.

    Of what was raised it is the error and its place: the message may name a temporary file.
    """
    error = re.match(r"raises \w+", finding.message)
    if error is not None:
        return f"{error[0]} at {finding.message.rpartition(' at ')[2]}"
    return re.split(r"[(\d=\[]", finding.message)[0]
