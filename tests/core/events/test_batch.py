"""EventBatch: checks, slices, joins, and views that share memory."""

from __future__ import annotations

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import torch

from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.run_info import RunInfo, WeightInfo


def test_columns_have_their_types(batch: EventBatch) -> None:
    assert len(batch) == 4
    assert batch.event["process_id"].dtype == np.int64
    assert batch.particle_columns["status"].dtype == np.int32
    assert batch.particle_columns["px"].dtype == np.float64
    assert batch.offsets.tolist() == [0, 2, 5, 7, 11]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event": {"weight": [1.0]}}, "event columns"),
        ({"particles": {}}, "particle columns"),
        ({"weights": np.zeros((4, 3))}, r"weights have shape \(4, 3\)"),
        ({"weights": None}, r"weights have shape \(4, 0\)"),
        ({"raw": {"extra": [b""]}}, "raw text 'extra' of 1 events"),
        ({"raw": {"notes": [b""] * 4}}, "raw text 'notes'"),
        ({"counts": [2, 3, 2, 5]}, r"has shape \(11,\), not \(12,\)"),
        ({"present": np.ones((4, 1), bool)}, "presence of weights"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    batch: EventBatch, change: dict[str, object], message: str
) -> None:
    given: dict[str, object] = {
        "info": batch.info,
        "counts": batch.counts,
        "event": batch.event,
        "particles": batch.particle_columns,
        "weights": batch.weights,
    }
    with pytest.raises(InputError, match=message):
        EventBatch.from_columns(**{**given, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (slice(1, 3), [1, 2]),
        (np.array([True, False, False, True]), [0, 3]),
        (np.array([3, 1]), [3, 1]),
        (slice(0, 0), []),
    ],
)
def test_slices_keep_events_whole(
    batch: EventBatch, rows: slice | np.ndarray, expected: list[int]
) -> None:
    chosen = batch[rows]
    assert chosen.counts.tolist() == batch.counts[expected].tolist()
    assert chosen.event["scale"].tolist() == batch.event["scale"][expected].tolist()
    assert chosen.particles.p4.px.tolist() == [batch.particles.p4.px[i].tolist() for i in expected]
    assert chosen.weights.tolist() == batch.weights[expected].tolist()
    assert chosen.raw["extra"] == [batch.raw["extra"][i] for i in expected]


def test_every_weight_takes_the_same_factor(batch: EventBatch) -> None:
    factor = np.array([1.0, 2.0, 3.0, 4.0])
    scaled = batch.with_weights(factor)
    assert scaled.event["weight"].tolist() == [1.0, -4.0, 9.0, 16.0]
    np.testing.assert_array_equal(scaled.weights, batch.weights * factor[:, None])
    assert batch.event["weight"].tolist() == [1.0, -2.0, 3.0, 4.0]
    assert batch.with_weights(2.0).weights.tolist() == (batch.weights * 2).tolist()


def test_joining_gives_back_what_was_cut(batch: EventBatch) -> None:
    joined = EventBatch.concatenate([batch[:1], batch[1:3], batch[3:]])
    assert joined.counts.tolist() == batch.counts.tolist()
    for name, column in batch.particle_columns.items():
        np.testing.assert_array_equal(joined.particle_columns[name], column)
    assert joined.raw == batch.raw
    assert joined.present is None


def test_a_weight_that_comes_later_is_absent_before(batch: EventBatch) -> None:
    later = replace(batch.info, weights=(*batch.info.weights, WeightInfo("late")))
    more = EventBatch.from_columns(
        later, batch.counts, batch.event, batch.particle_columns, np.ones((4, 3))
    )
    joined = EventBatch.concatenate([batch, more])
    assert joined.info.weight_ids == ("up", "down", "late")
    assert joined.weight_column("up").tolist() == [0.0, 2.0, 4.0, 6.0, 1.0, 1.0, 1.0, 1.0]
    with pytest.raises(InputError, match="'late' is absent in 4 of 8 events"):
        joined.weight_column("late")
    with pytest.raises(InputError, match="no weight 'nominal'; the file has up, down, late"):
        joined.weight_column("nominal")


def test_batches_of_other_weights_do_not_join(batch: EventBatch) -> None:
    other = replace(batch, info=replace(batch.info, weights=(WeightInfo("a"), WeightInfo("b"))))
    with pytest.raises(InputError, match="batches differ"):
        EventBatch.concatenate([batch, other])
    with pytest.raises(InputError, match="no batches"):
        EventBatch.concatenate([])


def test_awkward_view_shares_memory_and_is_a_vector(batch: EventBatch) -> None:
    particles = batch.particles
    assert ak.num(particles).tolist() == [2, 3, 2, 4]
    assert particles.pdg_id[1].tolist() == [2, 3, 4]
    assert particles.p4.pt[0, 1] == pytest.approx(np.hypot(601.0, 701.0), rel=1e-15)
    batch.particle_columns["px"][0] = -7.0
    assert particles.p4.px[0, 0] == -7.0
    events = batch.to_awkward()
    assert events.weights.tolist() == batch.weights.tolist()
    assert events.particles.p4.px[0, 0] == -7.0


def test_torch_groups_by_multiplicity(batch: EventBatch) -> None:
    groups = batch.to_torch()
    assert [g.rows.tolist() for g in groups] == [[0, 2], [1], [3]]
    assert groups[0].momenta.shape == (2, 2, 4)
    assert groups[0].pdg_id.tolist() == [[0, 1], [5, 6]]
    e, px, py, pz = (batch.particle_columns[c] for c in ("e", "px", "py", "pz"))
    assert groups[1].momenta[0, 2].tolist() == [e[4], px[4], py[4], pz[4]]


def test_torch_tensors_share_memory_where_multiplicity_is_one(batch: EventBatch) -> None:
    alike = batch[np.array([0, 2])]
    (group,) = alike.to_torch()
    group.momenta[1, 0, 0] = 42.0
    group.pdg_id[0, 1] = 13
    assert alike.particle_columns["e"][2] == 42.0
    assert alike.particle_columns["pdg_id"][1] == 13
    assert alike.particles.p4.E[1, 0] == 42.0
    assert group.momenta.dtype == torch.float64


def test_no_events(info: RunInfo) -> None:
    nothing = EventBatch.empty(info)
    assert len(nothing) == 0
    assert nothing.to_torch() == []
    assert len(nothing.particles) == 0
    assert len(nothing[np.zeros(0, np.int64)]) == 0
