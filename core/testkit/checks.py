"""The table of checks: which laws each interface is held to."""

from __future__ import annotations

import importlib
import inspect
import itertools
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

from crosshook.core.errors import RegistryError, UnfinishedError
from crosshook.core.testkit import conduct, record
from crosshook.core.testkit.finding import Finding, NotApplicable, Outcome, raised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

    from crosshook.core.testkit.exercise import Exercise
    from crosshook.core.testkit.finding import Status
    from crosshook.core.testkit.subject import Case, Subject

KITS = (
    "channel_mapping",
    "channel_weights",
    "amplitude_surrogate",
    "unweighter",
    "unfolder",
    "transfer_function",
    "process",
    "parton_density",
    "generator",
    "event_format",
    "event_reweighter",
    "executor",
)

WHOLE = {
    "nothing_is_left_to_fill_in": "the method and its line",
    "options_match_the_factory": "the option",
    "capabilities_are_kept": "the capability",
    "probabilities_add_up": "the whole table, of the fewest values that show it",
    "colour_lines_end": "the subprocess and its flow",
    "flavours_are_named_once": "the list or the range",
    "momentum_adds_up": "the momentum of each flavour, at one Q",
    "failures_are_explained": "what was raised",
    "jobs_follow_the_request": "the jobs",
    "read_only_is_meant": "what writing did",
    "weights_are_declared": "the ids",
}
"""Checks without a smaller case by nature, and what their findings say in its place."""


class Law(Protocol):
    """A function that looks for one defect; its docstring states the law."""

    def __call__(self, subject: Subject, /) -> Iterable[Finding]:
        """The defects found."""
        ...


@dataclass(frozen=True)
class Check:
    """One law an interface holds its components to.

    Attributes:
        name: e.g. `log_det_is_the_jacobian`.
        interface: whose components it is for.
        law: what must hold, in words and as a formula.
        function: looks for defects.
        shared: every interface with its own kind of calls has this check.
    """

    name: str
    interface: str
    law: str
    function: Law
    shared: bool = False

    @property
    def anchor(self) -> str:
        """Of its section, which says what it catches and how to find the mistake."""
        return f"{'every' if self.shared else self.interface}-{self.name}"

    @property
    def whole(self) -> bool:
        """Whether its findings have no smaller case by nature."""
        return self.name in WHOLE

    def __call__(self, subject: Subject) -> list[Finding]:
        """Findings of this check on a component; none if the law holds.

        Raises:
            NotApplicable: if the component's capabilities put it out of scope.
        """
        return [replace(f, check=self.name, law=self.law) for f in self.function(subject)]

    def outcome(self, subject: Subject) -> Outcome:
        """Runs the check; whatever the component raises becomes a finding."""
        try:
            findings = tuple(self(subject))
        except NotApplicable as reason:
            return self._outcome("skipped", reason=str(reason))
        except UnfinishedError as error:
            return self._outcome("skipped", reason=str(error))
        except Exception as error:  # noqa: BLE001 - whatever a stranger's component raises
            findings = (Finding(raised(error), check=self.name, law=self.law),)
        return self._outcome("failed" if findings else "passed", findings)

    def _outcome(
        self, status: Status, findings: tuple[Finding, ...] = (), reason: str = ""
    ) -> Outcome:
        return Outcome(self.name, self.law, status, findings, reason, self.anchor)


def checks_for(interface: str) -> tuple[Check, ...]:
    """All checks of an interface, quick and telling ones first.

    Args:
        interface: e.g. `channel_mapping`.

    Raises:
        RegistryError: if the kit has no checks for it.
    """
    if interface not in KITS:
        message = f"no conformance checks for {interface!r}; there are for: {', '.join(KITS)}"
        raise RegistryError(message)
    module = importlib.import_module(f"crosshook.core.testkit.{interface}")
    found = [
        _check(interface, record.nothing_is_left_to_fill_in),
        _check(interface, record.options_match_the_factory),
    ]
    exercises = cast("Callable[[Subject], Iterator[Exercise]] | None", _get(module, "exercises"))
    if exercises is not None:
        found.append(
            _check(
                interface,
                record.capabilities_are_kept,
                lambda s: record.capabilities_are_kept(s, _first_case(module, s)),
            )
        )
        found += [_check(interface, law, _over(exercises, law)) for law in conduct.CONDUCT]
    found += [_check(interface, law) for law in module.CHECKS]
    source = cast("record.MakeSource | None", _get(module, "source"))
    if exercises is not None and source is not None:
        function = partial(_trained_over, exercises, source)
        found.append(_check(interface, record.training_keeps_its_budget, function))
    if exercises is not None:
        found.append(
            _check(
                interface,
                record.state_survives_saving,
                lambda s: record.state_survives_saving(exercises(s), s),
            )
        )
    return tuple(found)


def _first_case(module: ModuleType, subject: Subject) -> Case:
    """The simplest case a component is tried in; which ones may depend on the component."""
    chosen = cast("Callable[[Subject], tuple[Case, ...]] | None", _get(module, "cases"))
    return cast("Case", module.CASES[0]) if chosen is None else chosen(subject)[0]


def _get(module: ModuleType, name: str) -> object:
    return getattr(module, name, None)


def _check(interface: str, law: Callable[..., object], function: Law | None = None) -> Check:
    text = inspect.cleandoc(law.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    chosen = cast("Law", law) if function is None else function
    shared = law.__module__ in (record.__name__, conduct.__name__)
    return Check(law.__name__, interface, text, chosen, shared)


def _over(
    exercises: Callable[[Subject], Iterator[Exercise]],
    law: Callable[[Iterable[Exercise], float], Iterator[Finding]],
) -> Law:
    def function(subject: Subject, /) -> Iterable[Finding]:
        return law(exercises(subject), subject.tolerance)

    return function


def _trained_over(
    exercises: Callable[[Subject], Iterator[Exercise]],
    source: record.MakeSource,
    subject: Subject,
    /,
) -> Iterable[Finding]:
    filled = (e for e in exercises(subject) if e.rows > 1)
    for exercise in itertools.islice(filled, 1):
        yield from record.training_keeps_its_budget(exercise, subject, source)
