"""Selections: ranges and conditions, batch by batch, give the rows a plain loop gives."""

from __future__ import annotations

import numpy as np
import pytest

from crosshook.core.errors import ConfigurationError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import RunInfo
from crosshook.core.events.trials import CarriedTrials
from crosshook.core.selection import Selection


def batch_of(n: int) -> EventBatch:
    """Events without particles whose scale is their number, and whose trials differ."""
    event = {
        "process_id": np.ones(n),
        "weight": np.ones(n),
        "scale": np.arange(n),
        "alpha_qed": np.ones(n),
        "alpha_qcd": np.ones(n),
        "trials": 1 + np.arange(n) % 5,
    }
    particles = {name: np.zeros(0) for name in PARTICLE_COLUMNS}
    return EventBatch.from_columns(RunInfo(), np.zeros(n, np.int64), event, particles)


@pytest.mark.parametrize(
    ("events", "rows"),
    [
        (None, range(20)),
        ("3:9", range(3, 9)),
        (":4", range(4)),
        ("17:", range(17, 20)),
        (":", range(20)),
        ("5:5", range(0)),
        ("50:60", range(0)),
        ("19:1000", range(19, 20)),
        (slice(2, 15), range(2, 15)),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 7, 20])
def test_ranges(events: slice | str | None, rows: range, size: int) -> None:
    whole = batch_of(20)
    parts = [whole[i : i + size] for i in range(0, 20, size)]
    selection = Selection.of(None, events)
    found = [x for b, p in selection.apply(parts, whole.info) for x in b[p].event["scale"]]
    assert found == list(rows)
    with_condition = Selection.of("scale > 3 and scale != 8", events)
    pairs = list(with_condition.apply(parts, whole.info))
    assert [x for b, _ in pairs for x in b.event["scale"]] == list(rows)
    found = [x for b, p in pairs for x in b[p].event["scale"]]
    assert found == [i for i in rows if i > 3 and i != 8]


@pytest.mark.parametrize(
    "events", ["", "7", "9:3", "-1:4", "1:9:2", "a:b", "１:２", slice(0, 9, 2), slice(-1, None)]
)
def test_what_is_no_range(events: slice | str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--events: .*range of events"):
        Selection.of(None, events)


@pytest.mark.parametrize("kept", [[], [0], [19], [0, 19], [4, 5, 6], [2, 9, 17], range(20)])
@pytest.mark.parametrize("size", [1, 3, 20])
def test_trials_of_events_left_out_are_counted_with_the_next_one(
    kept: list[int], size: int
) -> None:
    whole = batch_of(20)
    carried = CarriedTrials()
    out = []
    for i in range(0, 20, size):
        part = whole[i : i + size]
        out.append(carried.keep(part, np.isin(part.event["scale"], kept)))
    out.append(carried.finish())
    events = [b for b in out if b is not None]
    assert [x for b in events for x in b.event["scale"]] == list(kept)
    trials = [x for b in events for x in b.event["trials"]]
    given = whole.event["trials"]
    # event j stands for its own trials and those of the events after the kept one before it
    starts = [0, *(k + 1 for k in kept)]
    expected = [float(given[a : k + 1].sum()) for a, k in zip(starts, kept, strict=False)]
    if expected:
        expected[-1] += float(given[kept[-1] + 1 :].sum())
        assert sum(trials) == given.sum()
    assert trials == expected
