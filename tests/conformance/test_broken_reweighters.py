"""Deliberately wrong event reweighters, one defect each, and the finding that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.component import Capabilities
from crosshook.core.errors import InputError
from crosshook.core.events.run_info import WeightInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crosshook.core.context import BuildContext
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.testkit import Finding


class Correct:
    """1 + |cosθ| of the first particle after the beams, and the ratio of two weights."""

    ids: tuple[str, ...] = ("angle", "ratio")

    def __init__(self, context: BuildContext) -> None:
        pass

    def declare(self, info: RunInfo) -> tuple[WeightInfo, ...]:
        return tuple(WeightInfo(name) for name in self.ids)

    def factors(self, batch: EventBatch) -> FloatArray:
        first = batch.offsets[:-1] + 2
        pz, e = (np.asarray(batch.particle_columns[name])[first] for name in ("pz", "e"))
        ratio = batch.weight_column("up") / batch.weight_column("down")
        return np.stack([1 + np.abs(pz) / e, ratio], axis=1)


class Unnamed(Correct):
    ids = ("angle", "")


class Twins(Correct):
    ids = ("angle", "angle")


class Fickle(Correct):
    def declare(self, info: RunInfo) -> tuple[WeightInfo, ...]:
        self.ids = self.ids[::-1]
        return super().declare(info)


class Silent(Correct):
    ids = ()


class WeightsNotFactors(Correct):
    """Gives the new weights themselves."""

    def factors(self, batch: EventBatch) -> FloatArray:
        weight = np.asarray(batch.event["weight"], np.float64)
        return super().factors(batch) * weight[:, None]


class Normalised(Correct):
    """Divides by the mean of the batch: events depend on their company."""

    def factors(self, batch: EventBatch) -> FloatArray:
        factors = super().factors(batch)
        return factors / factors.mean(axis=0) if len(batch) else factors


class Holes(Correct):
    def factors(self, batch: EventBatch) -> FloatArray:
        factors = super().factors(batch)
        factors[factors > 1.9] = np.nan
        return factors


class OneColumnShort(Correct):
    def factors(self, batch: EventBatch) -> FloatArray:
        return super().factors(batch)[:, :1]


class Random(Correct):
    def factors(self, batch: EventBatch) -> FloatArray:
        return super().factors(batch) * np.random.uniform(0.9, 1.1)


class Spoiler(Correct):
    """Writes into the events."""

    def factors(self, batch: EventBatch) -> FloatArray:
        factors = super().factors(batch)
        batch.weights[:] = 0.5
        return factors


class Specialist(Correct):
    def declare(self, info: RunInfo) -> tuple[WeightInfo, ...]:
        message = "knows hadrons only"
        raise InputError(message)


class Surveying(Correct):
    """Evens out all weights of the sample: every event of weight w has the factor mean/w."""

    ids = ("even",)

    def survey(self, batches: Iterable[EventBatch]) -> Mapping[str, float]:
        weights = [np.asarray(batch.event["weight"], np.float64) for batch in batches]
        self.mean = float(np.concatenate(weights).mean())
        return {"mean": self.mean}

    def factors(self, batch: EventBatch) -> FloatArray:
        return (self.mean / np.asarray(batch.event["weight"], np.float64))[:, None]


class Remembering(Surveying):
    """Goes on with its first sample when it is given a second one."""

    mean: float | None = None

    def survey(self, batches: Iterable[EventBatch]) -> Mapping[str, float]:
        return super().survey(batches) if self.mean is None else {}


class Indefinite(Surveying):
    def survey(self, batches: Iterable[EventBatch]) -> Mapping[str, float]:
        return {**super().survey(batches), "radius": float("inf")}


SURVEY_DEFECTS = {
    Correct: r"has no survey\(batches\)",
    Remembering: "Σ w f of column 0",
    Indefinite: "figures radius of the survey are not finite",
}
DEFECTS = {
    Unnamed: ("weights_are_declared", "not all different and filled"),
    Twins: ("weights_are_declared", "not all different and filled"),
    Fickle: ("weights_are_declared", "declares other weights"),
    Silent: ("weights_are_declared", "declares no weight"),
    WeightsNotFactors: ("unit_of_weights_does_not_matter", r"with all weights times 7\.25"),
    Normalised: ("rows_independent", "factors"),
    Holes: ("factors_are_finite", "factor 0 is nan"),
    OneColumnShort: ("shapes_and_types", "shape"),
    Random: ("repeatable", "factors"),
    Spoiler: ("inputs_unchanged", "weights"),
}


def test_a_correct_one_passes(findings_on: Callable[..., list[Finding]]) -> None:
    assert findings_on("event_reweighter", Correct) == []


def test_a_specialist_is_not_blamed(findings_on: Callable[..., list[Finding]]) -> None:
    assert findings_on("event_reweighter", Specialist) == []


@pytest.mark.parametrize("kind", DEFECTS, ids=lambda kind: kind.__name__)
def test_defects_are_found(kind: type, reject: Callable[..., None]) -> None:
    check, words = DEFECTS[kind]
    reject("event_reweighter", kind, words, check)


def test_one_that_surveys_passes(findings_on: Callable[..., list[Finding]]) -> None:
    assert findings_on("event_reweighter", Surveying, Capabilities(surveys=True)) == []


@pytest.mark.parametrize("kind", SURVEY_DEFECTS, ids=lambda kind: kind.__name__)
def test_defects_of_surveys_are_found(kind: type, reject: Callable[..., None]) -> None:
    able = Capabilities(surveys=True)
    reject("event_reweighter", kind, SURVEY_DEFECTS[kind], "survey_is_kept", able)
