"""Distances against every pairing, neighbours against sorting, jets against soft and collinear partons."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.errors import InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.layout import EVENT_COLUMNS, PARTICLE_COLUMNS
from crosshook.core.events.run_info import RunInfo
from crosshook.plugins.reweight.event_classes import EventClass, classes_of
from crosshook.plugins.reweight.event_distance import distance, room
from crosshook.plugins.reweight.event_objects import objects_of
from crosshook.plugins.reweight.vantage_tree import nearest, planted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.events.layout import FloatArray

    Event = Sequence[tuple[int, FloatArray]]

TAU = 0.7


def batch_of(events: Sequence[Event]) -> EventBatch:
    """Events of final particles, given as PDG id and (E, px, py, pz)."""
    particles = [particle for event in events for particle in event]
    columns = {name: np.zeros(len(particles)) for name in PARTICLE_COLUMNS}
    columns["pdg_id"] = np.array([pdg for pdg, _ in particles], np.float64)
    columns["status"] = np.ones(len(particles))
    momenta = np.array([p for _, p in particles]).reshape(-1, 4)
    columns |= {name: momenta[:, i] for i, name in enumerate(("e", "px", "py", "pz"))}
    event = {name: np.ones(len(events)) for name in EVENT_COLUMNS}
    return EventBatch.from_columns(RunInfo(), [len(e) for e in events], event, columns)


def massless(*p: float) -> FloatArray:
    return np.array([np.linalg.norm(p), *p])


def drawn(rng: np.random.Generator, kinds: Sequence[int]) -> Event:
    return [(kind, massless(*rng.normal(0, 50, 3))) for kind in kinds]


def one_class(events: Sequence[Event], radius: float = 0.4, pt: float = 0.0) -> EventClass:
    (found,) = classes_of(objects_of(batch_of(events), radius, pt, TAU))
    return found


def between(group: EventClass, a: int, b: int) -> float:
    return float(distance(group.place, group.jets, group.groups, a, b, room()))


def test_the_best_of_all_pairings() -> None:
    """Jets 0 to 5, two photons, one electron: least sum over permutations, zeros for what lacks."""
    rng = np.random.default_rng(1)
    events = [drawn(rng, [21] * n + [22, 11, 22]) for n in (0, 1, 2, 3, 4, 5, 5)]
    group = one_class(events, radius=1e-3)
    assert group.groups.tolist() == [0, 5, 6, 8]
    for a in range(len(events)):
        for b in range(len(events)):
            expected = 0.0
            for begin, end in ((0, 5), (5, 6), (6, 8)):
                one, other = group.place[a, begin:end], group.place[b, begin:end]
                expected += min(
                    sum(float(np.linalg.norm(p - q)) for p, q in zip(one, order, strict=True))
                    for order in permutations(other)
                )
            assert between(group, a, b) == pytest.approx(expected, rel=1e-12)


def test_one_pair_by_hand() -> None:
    """√(|p - q|² + τ² (p_T - q_T)²) of 2109.07851."""
    group = one_class([[(13, massless(3.0, 4.0, 1.0))], [(13, massless(0.0, 12.0, 2.0))]])
    expected = np.sqrt(9 + 64 + 1 + TAU**2 * 49)
    assert between(group, 0, 1) == pytest.approx(expected, rel=1e-14)


def found_near(group: EventClass, row: int, k: int, limit: float) -> tuple[FloatArray, FloatArray]:
    """The neighbours of an event with their distances."""
    tree, edge = planted(group)
    (seed,) = np.flatnonzero(tree.rows == row)
    found, away = np.zeros(k, np.int64), np.zeros(k)
    count = nearest(
        tree.place, tree.jets, tree.groups, tree.sums, edge, seed, limit, found, away, room()
    )
    return tree.rows[found[:count]], away[:count]


def test_neighbours_in_order() -> None:
    rng = np.random.default_rng(2)
    events = [drawn(rng, [21] * int(rng.integers(1, 4)) + [11, -11]) for _ in range(400)]
    group = one_class(events)
    for seed in (0, 77, 399):
        every = np.array([between(group, seed, other) for other in range(400)])
        order = np.argsort(every)[1:]
        for k in (1, 20, 399):
            found, away = found_near(group, seed, k, np.inf)
            np.testing.assert_array_equal(found, order[:k])
            np.testing.assert_array_equal(away, every[order[:k]])
        assert len(found_near(group, seed, 20, float(every[order[6]]))[0]) == 7


def test_neighbours_at_no_distance() -> None:
    """Copies of events, more of them than a leaf has: all of them are found, at distance 0."""
    rng = np.random.default_rng(5)
    events = [drawn(rng, [21, 21, 11]) for _ in range(40)]
    group = one_class(events * 30)
    for seed in (0, 41, 1199):
        found, away = found_near(group, seed, 29, np.inf)
        assert sorted(found) == [row for row in range(seed % 40, 1200, 40) if row != seed]
        assert not away.any()


def test_soft_and_collinear_partons_do_not_matter() -> None:
    """d(n, n + 1 partons) vanishes with the energy and with the angle of the further one."""
    rng = np.random.default_rng(3)
    hard = list(drawn(rng, [21, 21, 13]))
    (_, first), *rest = hard
    for small in (1e-2, 1e-4, 1e-7):
        soft = [*hard, (21, massless(*(small * rng.normal(0, 1, 3))))]
        across = small * np.cross(first[1:], [0.0, 0.0, 1.0])
        split = [(2, massless(*(0.3 * first[1:] + across))),
                 (-2, massless(*(0.7 * first[1:] - across))), *rest]  # fmt: skip
        group = one_class([hard, soft, split])
        near = max(between(group, 0, other) for other in (1, 2))
        assert near < 20 * small
        assert {one_class([hard, event], pt=5.0).place.shape[1] for event in (soft, split)} == {3}


def test_jets_by_hand() -> None:
    """Anti-kt: the hard parton takes in the near one, the far one stays alone; ΔR 0.3 and 0.7."""

    def at(pt: float, y: float) -> FloatArray:
        return np.array([pt * np.cosh(y), pt, 0.0, pt * np.sinh(y)])

    partons = [(1, at(10.0, 0.7)), (21, at(20.0, 0.3)), (2, at(50.0, 0.0))]
    found = objects_of(batch_of([partons]), 0.4, 0.0, 0.0)
    # 20 GeV is within R of both: closest in d_ij to the hardest.
    np.testing.assert_allclose(found.place[:, 0], [70.0, 10.0], rtol=1e-14)
    assert objects_of(batch_of([partons]), 0.4, 15.0, 0.0).jets.tolist() == [1]
    assert objects_of(batch_of([partons]), 0.2, 0.0, 0.0).jets.tolist() == [3]


def test_classes_are_flavours_beside_jets() -> None:
    rng = np.random.default_rng(4)
    kinds = [[21, 11, -11], [-11, 1, 2, 11], [11, 12], [6, -6], [6, -6, 21], [21]]
    found = list(classes_of(objects_of(batch_of([drawn(rng, k) for k in kinds]), 0.4, 0.0, 1.0)))
    assert [sorted(group.rows.tolist()) for group in found] == [[0, 1], [2], [3, 4], [5]]
    many = [drawn(rng, [22] * 11)]
    with pytest.raises(InputError, match="11 particles of PDG id 22 in one event; at most 10"):
        list(classes_of(objects_of(batch_of(many), 0.4, 0.0, 1.0)))
