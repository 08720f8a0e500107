"""Small batches of made-up events."""

from __future__ import annotations

import numpy as np
import pytest

from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import ProcessInfo, RunInfo, WeightInfo


@pytest.fixture
def info() -> RunInfo:
    """Two further weights, one process, a header."""
    return RunInfo(
        processes=(ProcessInfo(1, 10.0, 0.1, 12.0),),
        generators=(("crosshook", "0", "text & more"),),
        weights=(WeightInfo("up", "scales", "μ times 2", {"MUR": "2"}), WeightInfo("down")),
        weight_groups={"scales": {"name": "scales", "combine": "envelope"}},
        header={"slha": "\nBlock & <mass>\n"},
    )


@pytest.fixture
def batch(info: RunInfo) -> EventBatch:
    """Events with 2, 3, 2 and 4 particles; every number is different."""
    counts = np.array([2, 3, 2, 4])
    total = int(counts.sum())
    particles = {name: np.arange(total) + 100 * i for i, name in enumerate(PARTICLE_COLUMNS)}
    event = {
        "process_id": [1, 1, 2, 1],
        "weight": [1.0, -2.0, 3.0, 4.0],
        "scale": [91.0, 92.0, 93.0, 94.0],
        "alpha_qed": [0.0078] * 4,
        "alpha_qcd": [0.118] * 4,
    }
    weights = np.arange(8.0).reshape(4, 2)
    extra = [b"# a\n", b"", b"# c\n", b"# d\n"]
    return EventBatch.from_columns(info, counts, event, particles, weights, raw={"extra": extra})
