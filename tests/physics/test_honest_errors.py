"""Stated errors against the scatter of many independent integrations with one frozen sampler."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.config import HistogramSpec
from crosshook.core.execute import SerialExecutor
from crosshook.core.integrate import integrate
from crosshook.core.progress import Silent
from crosshook.core.sampling.build import SamplerSpec

if TYPE_CHECKING:
    from crosshook.core.integrate import Weighted
    from tests.physics.conftest import Finished

pytestmark = pytest.mark.physics

RUNS, POINTS = 200, 4096
SIGMAS = 4.0


@pytest.fixture(scope="module")
def repeated(hadronic: Finished) -> list[Weighted]:
    """The same integration under many seeds, one block each."""
    trained = hadronic.spec()
    document = {**trained.config().document, "block_size": POINTS}
    spec = SamplerSpec(json.dumps(document, sort_keys=True), trained.models)
    m = next(h for h in hadronic.result.integration.histograms if h.name == "m")
    axis = HistogramSpec("m", "m", 10, m.edges[0], m.edges[-1])
    return [
        integrate(
            spec,
            SerialExecutor(),
            Silent(),
            seed=seed,
            stage="repeated",
            evaluations=POINTS,
            shares=hadronic.shares(),
            histograms=(axis,),
        )
        for seed in range(RUNS)
    ]


def test_pulls_of_the_cross_section(hadronic: Finished, repeated: list[Weighted]) -> None:
    """Mean 0 and width 1 within √(1/N) and √(1/2N); the truth is the large run's, its error in."""
    truth = hadronic.result.integration
    estimates = [w.estimate for w in repeated]
    pulls = np.array([(e.value - truth.cross_section) / e.error for e in estimates])
    offset = truth.error / np.mean([e.error for e in estimates])
    assert abs(pulls.mean()) < SIGMAS * math.hypot(1 / math.sqrt(RUNS), offset)
    assert abs(pulls.std(ddof=1) - 1) < SIGMAS / math.sqrt(2 * RUNS)


def test_pulls_of_the_processes(hadronic: Finished, repeated: list[Weighted]) -> None:
    """The same for each process id."""
    for i, process in enumerate(hadronic.generation.processes):
        parts = [w.sums.part_estimates()[i] for w in repeated]
        pulls = np.array([(p.value - process.cross_section) / p.error for p in parts])
        offset = process.error / np.mean([p.error for p in parts])
        assert abs(pulls.mean()) < SIGMAS * math.hypot(1 / math.sqrt(RUNS), offset)
        assert abs(pulls.std(ddof=1) - 1) < SIGMAS / math.sqrt(2 * RUNS)


def test_pulls_of_histogram_bins(repeated: list[Weighted]) -> None:
    """Scatter of every bin over its stated error, for bins that hold a hundredth of σ or more."""
    values = np.array([w.histograms[0].values for w in repeated])
    errors = np.array([w.histograms[0].errors for w in repeated])
    full = values.mean(axis=0) > 0.01 * values.mean(axis=0).sum()
    ratio = values.std(axis=0, ddof=1) / np.sqrt(np.mean(errors**2, axis=0))
    assert full.sum() >= 5
    assert np.abs(ratio[full] - 1).max() < SIGMAS / math.sqrt(2 * RUNS)


def test_blocks_scatter_as_they_say(hadronic: Finished) -> None:
    """χ² of the blocks of the large integration, dof its own error of √(2 dof)."""
    found = hadronic.result.integration
    dof = found.degrees_of_freedom
    assert dof > 50
    assert abs(found.chi_squared - dof) < SIGMAS * math.sqrt(2 * dof)


def test_training_and_integration_agree(hadronic: Finished) -> None:
    """No channel's part is confidently wrong: iterations of the training against the integration."""
    truth = hadronic.result.integration
    for iteration in hadronic.result.training.iterations:
        spread = math.hypot(iteration.error, truth.error)
        assert abs(iteration.estimate - truth.cross_section) < SIGMAS * spread
