"""Deliberately wrong generators, one defect each, and the finding that names it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.generator import EventRequest, Generator, Job, Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.context import BuildContext
    from crosshook.core.testkit import Finding

PROGRAM = r"""
import random, sys
n, seed, path, weight = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
rng = random.Random(seed or None)
with open(path, "w") as file:
    file.write('<LesHouchesEvents version="3.0">\n<init>\n11 -11 5 5 0 0 0 0 4 1\n0 0 0 1\n</init>\n')
    for _ in range(n):
        x = rng.uniform(-5, 5)
        file.write(f"<event>\n4 1 {weight} 1 1 1\n")
        for pdg, status, px in ((11, -1, 0), (-11, -1, 0), (13, 1, x), (-13, 1, -x)):
            file.write(f"{pdg} {status} 0 0 0 0 {px} 0 0 5 0 0 9\n")
        file.write("</event>\n")
    file.write("</LesHouchesEvents>\n")
"""


class Correct(Generator):
    """Events of weight 2 with a momentum that the seed decides on."""

    weight = "2.0"

    def __init__(self, context: BuildContext) -> None:
        pass

    def check(self) -> None:
        pass

    def batch(self, request: EventRequest) -> Job | None:
        return self.job(request.events, request.seed, f"{request.number}.lhe")

    def job(self, events: int, seed: int, name: str) -> Job:
        words = ("-ISc", PROGRAM, str(events), str(seed), name, self.weight)
        return Job((sys.executable, *words), Path(name))


class Absent(Correct):
    def check(self) -> None:
        message = "no such program"
        raise ConfigurationError(message)


class Abrupt(Correct):
    def check(self) -> None:
        raise FileNotFoundError


class LongWinded(Correct):
    def check(self) -> None:
        message = "no\nsuch\nprogram"
        raise ConfigurationError(message)


class Picky(Correct):
    def reading(self, log: str) -> Reading:
        return Reading(program=log.splitlines()[0])


class Wordless(Correct):
    def explain(self, log: str) -> str:
        return None  # type: ignore[return-value]


class OneSeed(Correct):
    def batch(self, request: EventRequest) -> Job | None:
        return self.job(request.events, 1, f"{request.number}.lhe")


class NoSeed(Correct):
    def batch(self, request: EventRequest) -> Job | None:
        return self.job(request.events, 0, f"{request.number}.lhe")


class OneJob(Correct):
    def batch(self, request: EventRequest) -> Job | None:
        return self.job(request.events, 1, "0.lhe")


class Barren(Correct):
    def batch(self, request: EventRequest) -> Job | None:
        return self.job(0, request.seed, f"{request.number}.lhe")


class Holes(Correct):
    weight = "nan"


class NoBatch(Correct):
    def batch(self, request: EventRequest) -> Job | None:
        return None


DEFECTS = {
    Abrupt: ("failures_are_explained", "FileNotFoundError, not one of crosshook's"),
    LongWinded: ("failures_are_explained", "not one line"),
    Picky: ("any_log_will_do", "reading raises IndexError"),
    Wordless: ("any_log_will_do", "explain gives None"),
    OneSeed: ("seeds_choose_the_events", "the same events come from the seeds"),
    NoSeed: ("seeds_choose_the_events", "gives other events the second time"),
    OneJob: ("jobs_follow_the_request", "are one job"),
    Barren: ("events_say_their_cross_section", "no events"),
    Holes: ("events_say_their_cross_section", "nan is not a finite number"),
    NoBatch: ("jobs_follow_the_request", "the first batch has no job"),
}


@pytest.mark.parametrize("kind", [Correct, Absent], ids=lambda kind: kind.__name__)
def test_correct_ones_pass(kind: type, findings_on: Callable[..., list[Finding]]) -> None:
    assert findings_on("generator", kind) == []


@pytest.mark.parametrize("kind", DEFECTS, ids=lambda kind: kind.__name__)
def test_defects_are_found(kind: type, reject: Callable[..., None]) -> None:
    check, words = DEFECTS[kind]
    reject("generator", kind, words, check)
