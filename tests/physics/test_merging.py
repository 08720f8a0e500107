"""Samples of different seeds from one trained sampler, merged with the right cross section."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.convert import convert
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.inspect import inspect_file
from crosshook.core.more_events import generate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crosshook.core.generation_result import GenerationResult
    from tests.physics.conftest import Finished

pytestmark = pytest.mark.physics

EVENTS = (3000, 5000)


@pytest.fixture
def samples(drell_yan: Finished, tmp_path: Path) -> list[tuple[Path, GenerationResult]]:
    """Two samples of different seeds and sizes."""
    return [
        (
            tmp_path / str(seed) / "events.lhe.gz",
            generate(drell_yan.directory, events=n, seed=seed, output=tmp_path / str(seed)),
        )
        for seed, n in zip((11, 12), EVENTS, strict=True)
    ]


def test_merged_cross_section(
    drell_yan: Finished, samples: list[tuple[Path, GenerationResult]], tmp_path: Path
) -> None:
    """σ is the mean of the files' by numbers of events, the mean weight, and what the run found."""
    merged = tmp_path / "merged.lhe.gz"
    report = convert([path for path, _ in samples], merged)
    expected = sum(n * r.cross_section for n, (_, r) in zip(EVENTS, samples, strict=True))
    expected /= sum(EVENTS)
    assert report.events == sum(EVENTS)
    assert report.cross_section_pb == pytest.approx(expected, rel=1e-12)
    with open_events(merged) as stream:
        events = EventBatch.concatenate(list(stream))
    weight = np.asarray(events.event["weight"], np.float64)
    assert weight.mean() == pytest.approx(expected, rel=1e-12)
    assert sum(p.cross_section for p in events.info.processes) == pytest.approx(
        expected, rel=1e-12
    )
    truth = drell_yan.result.integration
    assert abs(expected - truth.cross_section) < 3 * truth.error
    # Both files owe σ to the same integration: twice the events do not make it better known.
    stated = sum(
        n * (i.cross_section_error_pb or 0) for n, i in zip(EVENTS, report.inputs, strict=True)
    )
    assert report.cross_section_error_pb == pytest.approx(stated / sum(EVENTS), rel=1e-2)
    own = min(result.error for _, result in samples)
    assert (report.cross_section_error_pb or 0) > own * (1 - 1e-9)
    seen = inspect_file(merged)
    assert seen.cross_section_pb == pytest.approx(expected, rel=1e-9)
    assert seen.events == sum(EVENTS)


def test_samples_are_independent(samples: list[tuple[Path, GenerationResult]]) -> None:
    """No event occurs in both."""
    values = []
    for path, _ in samples:
        with open_events(path) as stream:
            values.append(set(np.asarray(EventBatch.concatenate(list(stream)).event["scale"])))
    assert len(values[0]) == EVENTS[0]
    assert not values[0] & values[1]


def test_each_sample_has_the_right_cross_section(
    drell_yan: Finished, samples: list[tuple[Path, GenerationResult]]
) -> None:
    """All points after the training count, so that every file knows σ as well as the run."""
    truth = drell_yan.result.integration
    for _, result in samples:
        assert abs(result.cross_section - truth.cross_section) < 3 * truth.error
        assert result.error < 1.1 * truth.error


def test_independent_runs_average_out(runner: Callable[..., Finished], tmp_path: Path) -> None:
    """Equal samples of runs with different seeds have 1/√2 of the error."""
    runs = [
        runner("ee-mumu", str(seed), "integrate.evaluations=50000", f"seed={seed}")
        for seed in (1, 2)
    ]
    report = convert([r.directory / "events.lhe.gz" for r in runs], tmp_path / "merged.lhe.gz")
    errors = [r.generation.error for r in runs]
    assert report.cross_section_error_pb == pytest.approx(math.hypot(*errors) / 2, rel=1e-6)
