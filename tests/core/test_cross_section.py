"""Cross sections of files: every convention, against closed forms and known files."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from crosshook.core.cross_section import WeightSums, cross_section
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo


def batch_of(
    weights: list[float], process: list[int] | None = None, trials: list[int] | None = None
) -> EventBatch:
    n = len(weights)
    event = {
        "process_id": process or [1] * n,
        "weight": weights,
        "scale": [91.2] * n,
        "alpha_qed": [0.0078] * n,
        "alpha_qcd": [0.118] * n,
        **({"trials": trials} if trials else {}),
    }
    particles = {name: np.zeros(0) for name in PARTICLE_COLUMNS}
    return EventBatch.from_columns(RunInfo(), np.zeros(n, np.int64), event, particles)


def sums_of(*batches: EventBatch) -> WeightSums:
    sums = WeightSums()
    for batch in batches:
        sums.add(batch)
    return sums


def run(weighting: int, *processes: tuple[float, float, float]) -> RunInfo:
    lines = tuple(ProcessInfo(i + 1, *values) for i, values in enumerate(processes))
    return RunInfo(weighting=weighting, processes=lines)


WEIGHTS = [1.0, 3.0, 2.0, 2.0]
MEAN_ERROR = math.sqrt(0.5 / 3)


@pytest.mark.parametrize(
    ("info", "weights", "rule", "value", "error"),
    [
        # the mean is σ; its own error where it is not simply XSECUP again
        (run(4, (2.1, 0.1, 3.0)), WEIGHTS, "average", 2.0, MEAN_ERROR),
        (run(4, (2.0, 0.1, 3.0)), WEIGHTS, "average", 2.0, 0.1),
        (run(-4, (-1.0, -1.0, 1.0)), WEIGHTS, "average", 2.0, MEAN_ERROR),
        (run(1, (2.0, 0.1, 3.0)), [2.0] * 4, "average", 2.0, 0.1),
        (run(-4, (5.0, 0.3, 6.0), (1.0, 0.4, 6.0)), [6.0] * 9, "average", 6.0, 0.5),
        # normalised by sum
        (run(4, (8.0, 0.1, 3.0)), WEIGHTS, "sum", 8.0, 4 * MEAN_ERROR),
        (run(-4, (6.0, 0.1, 2.0)), [2.0, 2.0, -2.0, 2.0, 2.0], "sum", 6.0, None),
        # neither
        (run(4, (500.0, 0.1, 3.0)), WEIGHTS, "average", 2.0, MEAN_ERROR),
        (run(-4, (500.0, 0.1, 1.0)), [1.0] * 4, "xsecup", 500.0, 0.1),
        # the init block
        (run(3, (7.0, 0.3, 1.0), (2.0, 0.4, 1.0)), [2.5] * 4, "xsecup", 9.0, 0.5),
        (run(2, (7.0, 0.3, 1.0)), WEIGHTS, "xsecup", 7.0, 0.3),
        (run(-3, (7.0, 0.0, 1.0)), [1.0, 1.0, 1.0, -1.0], "xsecup", 3.5, None),
        # placeholders
        (run(3, (1.0, 1e14, 1.0)), [1.0] * 4, "average", 1.0, None),
        (run(3, (1.0, 1.0, 1.0)), WEIGHTS, "average", 2.0, MEAN_ERROR),
        (run(3), WEIGHTS, "average", 2.0, MEAN_ERROR),
        (run(-4, (math.nan, math.nan, 1.0)), WEIGHTS, "average", 2.0, MEAN_ERROR),
        (run(3, (9.0, math.inf, 1.0)), WEIGHTS, "average", 2.0, MEAN_ERROR),
        # no events
        (run(4, (7.0, 0.3, 1.0)), [], "xsecup", 7.0, 0.3),
        (run(4, (0.0, 0.0, 1.0)), [], "unknown", None, None),
    ],
)
def test_conventions(
    info: RunInfo, weights: list[float], rule: str, value: float | None, error: float | None
) -> None:
    sigma = cross_section(info, sums_of(batch_of(weights)))
    assert sigma.rule == rule, sigma.reason
    assert sigma.value == (None if value is None else pytest.approx(value, rel=1e-14))
    if error is not None:
        assert sigma.error == pytest.approx(error, rel=1e-12)
    if rule == "unknown" or value == 1.0:
        assert sigma.error is None


def test_trials_count_as_points_without_weight() -> None:
    # 4 events in 10 trials: the same as ten points of which six have weight 0.
    counted = cross_section(
        run(3, (1.0, 1.0, 1.0)), sums_of(batch_of(WEIGHTS, None, [1, 5, 2, 2]))
    )
    spelled = cross_section(run(4), sums_of(batch_of(WEIGHTS + [0.0] * 6)))
    assert counted.rule == "trials"
    assert counted.value == pytest.approx(0.8, rel=1e-15)
    assert counted.value == pytest.approx(spelled.value, rel=1e-15)
    assert counted.error == pytest.approx(spelled.error, rel=1e-13)


def test_negative_unit_weights_of_two_processes() -> None:
    info = run(-3, (6.0, 0.3, 1.0), (4.0, 0.4, 1.0))
    batch = batch_of([1.0, -1.0, 1.0, 1.0, 1.0, -1.0], [1, 1, 1, 1, 2, 2])
    sigma = cross_section(info, sums_of(batch))
    # asymmetries 1/2 and 0; variances of a ± sign: 1 - a².
    assert sigma.value == pytest.approx(3.0, rel=1e-15)
    assert sigma.error == pytest.approx(math.sqrt(0.15**2 + 36 * 0.75 / 4 + 16 / 2), rel=1e-14)
    assert "0.3333" in sigma.reason


def test_sums_do_not_depend_on_the_batches() -> None:
    rng = np.random.default_rng(20261122)
    w = rng.normal(1.0, 2.0, 1000).tolist()
    ids = rng.integers(1, 4, 1000).tolist()
    trials = rng.integers(1, 9, 1000).tolist()
    whole = batch_of(w, ids, trials)
    once, parts = sums_of(whole), sums_of(*(whole[i : i + 7] for i in range(0, 1000, 7)))
    assert (once.events, once.negative, once.largest) == (
        parts.events,
        parts.negative,
        parts.largest,
    )
    assert once.weight == pytest.approx(parts.weight, rel=1e-12)
    assert once.trials == parts.trials == sum(trials)
    assert once.kish == pytest.approx(sum(w) ** 2 / (1000 * sum(x * x for x in w)), rel=1e-12)
    assert once.negative_fraction == sum(x < 0 for x in w) / 1000
    for i, counted in once.processes.items():
        assert counted.events == ids.count(i) == parts.processes[i].events


def test_a_file_without_agreement_says_so() -> None:
    sigma = cross_section(run(4, (500.0, 0.1, 3.0)), sums_of(batch_of(WEIGHTS)))
    assert "neither mean nor sum" in sigma.reason
    info = replace(run(3, (-1.0, -1.0, 1.0)), weighting=3)
    assert "XSECUP is not set" in cross_section(info, sums_of(batch_of(WEIGHTS))).reason
