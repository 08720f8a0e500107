"""Checks of event reweighters: factors belong to events, not to batches or to units of weights.

The events are e+e- → µ+µ- at 91.2 GeV, isotropic; a component that has nothing to say about them is
checked as far as its record goes.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo
from crosshook.core.interfaces.event_reweighter import SurveyingReweighter
from crosshook.core.testkit.compare import show_row
from crosshook.core.testkit.exercise import Exercise
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.shrink import with_smallest
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.event_reweighter import EventReweighter
    from crosshook.core.testkit.subject import Subject

CASES = (Case(legs=4),)
ROWS = (0, 1, 1000)
BEAM = 45.6
PDG = (-11, 11, -13, 13)
STATUS = (-1, -1, 1, 1)
SIMPLE = {
    "cosine": (0.0, 0.5),
    "azimuth": (0.0, 1.0),
    "weight": (1.0, 1000.0),
    "weights": (1.0, 1000.0),
}
"""What the smallest input of a finding may be made of."""
UNIT = 7.25
"""Another unit of all weights."""
INFO = RunInfo(
    beams=(-11, 11),
    energies=(BEAM, BEAM),
    processes=(ProcessInfo(1, 2000.0, 1.0, 2000.0),),
    weights=(WeightInfo("up"), WeightInfo("down")),
)


def numbers(subject: Subject, n: int) -> dict[str, Tensor]:
    """Directions, weights and scales of n events."""
    rng = subject.generator(f"events/{n}")
    columns = torch.rand((n, 5), generator=rng, dtype=torch.float64, device="cpu")
    return {
        "cosine": 2 * columns[:, 0] - 1,
        "azimuth": 2 * math.pi * columns[:, 1] - math.pi,
        "weight": 2000 * (columns[:, 2] - 0.1),
        "weights": 2000 * columns[:, 3:] + 1.0,
    }


def events(given: Mapping[str, Tensor]) -> EventBatch:
    """Events out of their numbers."""
    cosine, azimuth = given["cosine"].numpy(), given["azimuth"].numpy()
    n = len(cosine)
    sine = np.sqrt(1 - cosine**2)
    out = BEAM * np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=1)
    along = np.broadcast_to(np.array([0.0, 0.0, BEAM]), (n, 3))
    momenta = np.stack([along, -along, out, -out], axis=1).reshape(4 * n, 3)
    particles = {name: np.zeros(4 * n) for name in PARTICLE_COLUMNS} | {
        "pdg_id": np.tile(PDG, n),
        "status": np.tile(STATUS, n),
        "e": np.full(4 * n, BEAM),
        **{name: momenta[:, i] for i, name in enumerate(("px", "py", "pz"))},
        "spin": np.full(4 * n, 9.0),
    }
    event = {
        "process_id": np.ones(n),
        "weight": given["weight"].numpy(),
        "scale": np.full(n, 2 * BEAM),
        "alpha_qed": np.full(n, 1 / 128.0),
        "alpha_qcd": np.full(n, 0.118),
    }
    return EventBatch.from_columns(INFO, np.full(n, 4), event, particles, given["weights"].numpy())


def reweighter_of(subject: Subject) -> EventReweighter:
    """The reweighter, told about the run and its events.

    Raises:
        NotApplicable: if it refuses the events of the kit.
    """
    try:
        built = ready(subject)
        built.factors(events(numbers(subject, 1)))
    except InputError as error:
        reason = f"refuses the events of the kit, e+ e- > mu+ mu-: {error}"
        raise NotApplicable(reason) from error
    return built


def ready(subject: Subject, unit: float = 1.0) -> EventReweighter:
    """The reweighter, fresh, and where it surveys with all events of the kit looked at.

    Args:
        subject: the component.
        unit: of the weights of the events that are looked at.
    """
    built = cast("EventReweighter", subject.build(CASES[0]))
    built.declare(INFO)
    if subject.capabilities.surveys:
        if not isinstance(built, SurveyingReweighter):
            reason = "declared to survey, but has no survey(batches)"
            raise NotApplicable(reason)
        built.survey(events(_scaled(numbers(subject, n), unit)) for n in ROWS)
    return built


def _scaled(given: Mapping[str, Tensor], unit: float) -> dict[str, Tensor]:
    return dict(given) | {name: unit * given[name] for name in ("weight", "weights")}


def _factors(built: object, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    chosen = cast("EventReweighter", built)
    return {"factors": torch.from_numpy(chosen.factors(events(given)))}


def exercises(subject: Subject) -> Iterator[Exercise]:
    """factors, for every number of events."""
    built = reweighter_of(subject)
    width = len(built.declare(INFO))
    for n in ROWS:
        yield Exercise(
            "factors",
            CASES[0],
            built,
            partial(ready, subject),
            numbers(subject, n),
            _factors,
            {"factors": (width,)},
            simple=SIMPLE,
        )


def weights_are_declared(subject: Subject) -> Iterator[Finding]:
    """declare names at least one weight; ids are not empty, all different, and the same each time."""
    built = reweighter_of(subject)
    ids = [weight.id for weight in built.declare(INFO)]
    if not ids:
        yield Finding("declares no weight")
    if not all(ids) or len(set(ids)) < len(ids):
        yield Finding(f"ids {ids} are not all different and filled")
    if [weight.id for weight in built.declare(INFO)] != ids:
        yield Finding("declares other weights when it is asked again")


def factors_are_finite(subject: Subject) -> Iterator[Finding]:
    """Every factor is a finite number."""
    look = partial(_not_finite, reweighter_of(subject))
    finding = with_smallest(look, numbers(subject, 1000), SIMPLE)
    if finding is not None:
        yield finding


def _not_finite(built: EventReweighter, given: Mapping[str, Tensor]) -> Finding | None:
    factors = _factors(built, given)["factors"]
    bad = torch.nonzero(~factors.isfinite())
    if not len(bad):
        return None
    row, column = (int(i) for i in bad[0])
    message = f"factor {column} is {float(factors[row, column])}"
    return Finding(message, CASES[0].rows(len(factors)), show_row(given, row))


def unit_of_weights_does_not_matter(subject: Subject) -> Iterator[Finding]:
    """All weights of an event times a constant leave its factors: generators differ in their units,
    f(c·w) = f(w).
    """
    look = partial(_depends_on_unit, subject, reweighter_of(subject), ready(subject, UNIT))
    finding = with_smallest(look, numbers(subject, 1000), SIMPLE)
    if finding is not None:
        yield finding


def _depends_on_unit(
    subject: Subject, here: EventReweighter, there: EventReweighter, given: Mapping[str, Tensor]
) -> Finding | None:
    one = _factors(here, given)["factors"]
    other = _factors(there, _scaled(given, UNIT))["factors"]
    apart = one.isfinite() & ~((one - other).abs() <= subject.tolerance * one.abs())
    if not bool(apart.any()):
        return None
    row, column = (int(i) for i in torch.nonzero(apart)[0])
    message = (
        f"factor {column} is {float(one[row, column])}, and {float(other[row, column])} with "
        f"all weights times {UNIT}"
    )
    return Finding(message, CASES[0].rows(len(one)), show_row(given, row))


def survey_is_kept(subject: Subject) -> Iterator[Finding]:
    """What looks at the whole sample keeps its sum, Σ w f = Σ w, reports finite figures, and
    lets a second sample take the place of the first.
    """
    if not subject.capabilities.surveys:
        reason = "not declared to survey"
        raise NotApplicable(reason)
    look = partial(_badly_surveyed, subject)
    finding = with_smallest(look, numbers(subject, 1000), SIMPLE)
    if finding is not None:
        yield finding


def _badly_surveyed(subject: Subject, given: Mapping[str, Tensor]) -> Finding | None:
    built = subject.build(CASES[0])
    place = CASES[0].rows(len(given["weight"]))
    if not isinstance(built, SurveyingReweighter):
        return Finding("declared to survey, but has no survey(batches)", place)
    built.declare(INFO)
    second, cut = events(given), 3 * len(given["weight"]) // 10
    built.survey([events(numbers(subject, 100))])
    figures = built.survey([second[:cut], second[cut:cut], second[cut:]])
    if wrong := [name for name, value in figures.items() if not math.isfinite(value)]:
        return Finding(f"figures {', '.join(wrong)} of the survey are not finite", place)
    weight = np.asarray(second.event["weight"], np.float64)
    for column, sums in enumerate((built.factors(second) * weight[:, None]).T):
        if not abs(sums.sum() - weight.sum()) <= subject.tolerance * np.abs(weight).sum():
            message = f"Σ w f of column {column} is {sums.sum():.10g}, Σ w is {weight.sum():.10g}"
            return Finding(message, place)
    return None


CHECKS = (
    weights_are_declared,
    factors_are_finite,
    unit_of_weights_does_not_matter,
    survey_is_kept,
)
