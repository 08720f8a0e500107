"""Expressions over events of files: values against a loop over particles, odd events, refusals."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.event_expression import EventExpression
from crosshook.core.events.layout import PARTICLE_COLUMNS
from crosshook.core.events.run_info import RunInfo, WeightInfo

if TYPE_CHECKING:
    from collections.abc import Callable

INFO = RunInfo(weights=(WeightInfo("up"), WeightInfo("1001")))
N = 200
Particle = dict[str, float]
Event = list[Particle]


@pytest.fixture(scope="module")
def batch() -> EventBatch:
    """Events of 0 to 7 particles: incoming first, then leptons, partons, photons, resonances."""
    rng = np.random.default_rng(7)
    counts = rng.integers(0, 8, N)
    total = int(counts.sum())
    place = np.concatenate([np.arange(c) for c in counts])
    p = rng.normal(0.0, 60.0, (total, 3))
    mass = rng.choice([0.0, 4.7, 172.5], total)
    particles = {name: np.zeros(total) for name in PARTICLE_COLUMNS} | {
        "pdg_id": rng.choice([21, 2, -5, 11, -13, 12, 22, 6], total),
        "status": np.where(place < 2, -1, rng.choice([1, 1, 1, 2], total)),
        "px": p[:, 0],
        "py": p[:, 1],
        "pz": p[:, 2],
        "e": np.sqrt((p**2).sum(axis=1) + mass**2),
        "mass": mass,
        "spin": rng.choice([-1.0, 1.0, 9.0], total),
    }
    event = {
        "process_id": rng.integers(1, 4, N),
        "weight": rng.normal(1.0, 1.0, N),
        "scale": rng.uniform(10, 500, N),
        "alpha_qed": np.full(N, 0.0078),
        "alpha_qcd": np.full(N, 0.118),
    }
    return EventBatch.from_columns(INFO, counts, event, particles, rng.normal(size=(N, 2)))


def events(batch: EventBatch) -> list[Event]:
    """The particles of each event as dictionaries."""
    rows = [
        {name: float(column[i]) for name, column in batch.particle_columns.items()}
        for i in range(int(batch.counts.sum()))
    ]
    ends = np.cumsum(batch.counts).tolist()
    return [rows[a:b] for a, b in zip([0, *ends], ends, strict=False)]


def final(e: Event) -> Event:
    return [p for p in e if p["status"] == 1]


def pt(*ps: Particle) -> float:
    return math.hypot(sum(p["px"] for p in ps), sum(p["py"] for p in ps))


def m(*ps: Particle) -> float:
    square = sum(p["e"] for p in ps) ** 2 - sum(
        sum(p[c] for p in ps) ** 2 for c in ("px", "py", "pz")
    )
    return math.sqrt(max(square, 0.0))


def eta(p: Particle) -> float:
    return math.asinh(p["pz"] / pt(p))


def delta_r(p: Particle, q: Particle) -> float:
    turn = math.remainder(math.atan2(p["py"], p["px"]) - math.atan2(q["py"], q["px"]), 2 * math.pi)
    return math.hypot(eta(p) - eta(q), turn)


def hardest(e: Event, *ids: int) -> Event:
    chosen = [p for p in final(e) if not ids or abs(p["pdg_id"]) in ids]
    return sorted(chosen, key=lambda p: -pt(p))


JET, LEPTON = (1, 2, 3, 4, 5, 21), (11, 13, 15)

OF_EVENT: dict[str, Callable[[Event], float]] = {
    "n": lambda e: len(final(e)),
    "n[jet]": lambda e: len(hardest(e, *JET)),
    "n[line]": len,
    "pt[0]": lambda e: pt(final(e)[0]),
    "eta[2]": lambda e: eta(final(e)[2]),
    "pt[jet[0]]": lambda e: pt(hardest(e, *JET)[0]),
    "m[lepton[0], lepton[1]]": lambda e: m(*[hardest(e, *LEPTON)[i] for i in (0, 1)]),
    "m[jet[1], 0]": lambda e: m(hardest(e, *JET)[1], final(e)[0]),
    "pt[hardest[1]]": lambda e: pt(hardest(e)[1]),
    "e[incoming[0]] + e[incoming[1]]": lambda e: e[0]["e"] + e[1]["e"],
    "delta_r[lepton[0], jet[0]]": lambda e: delta_r(hardest(e, *LEPTON)[0], hardest(e, *JET)[0]),
    "pdg_id[0]": lambda e: final(e)[0]["pdg_id"],
    "status[line[3]]": lambda e: e[3]["status"],
    "spin[1] * mass[1]": lambda e: final(e)[1]["spin"] * final(e)[1]["mass"],
    "sum_pt": lambda e: sum(pt(p) for p in final(e)),
    "ht": lambda e: sum(math.hypot(pt(p), p["mass"]) for p in final(e)),
    "m": lambda e: m(*final(e)),
    "mll": lambda e: (
        m(*[[p for p in final(e) if 11 <= abs(p["pdg_id"]) <= 16], []][0])
        if any(11 <= abs(p["pdg_id"]) <= 16 for p in final(e))
        else math.nan
    ),
    "max(pt[0], pt[1])": lambda e: max(pt(p) for p in [final(e)[0], final(e)[1]]),
}


@pytest.mark.parametrize("text", OF_EVENT)
def test_quantities(text: str, batch: EventBatch) -> None:
    found = EventExpression.quantity(text, INFO, "here").values(batch)
    missing = 0
    for value, event in zip(found, events(batch), strict=True):
        try:
            expected = OF_EVENT[text](event)
        except IndexError:  # the event lacks a particle that the expression names
            expected = math.nan
            missing += 1
        # m² is a difference of squares of energies up to ~10³ times it: 10³ ε relative.
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-4, nan_ok=True)
    assert ("[" not in text or text.startswith("n[")) == (missing == 0)


def test_columns_of_the_event(batch: EventBatch) -> None:
    for name in ("weight", "scale", "alpha_qcd", "alpha_qed", "process_id"):
        values = EventExpression(name, INFO).values(batch)
        np.testing.assert_array_equal(values, batch.event[name])
    values = EventExpression("weight['1001']", INFO).values(batch)
    np.testing.assert_array_equal(values, batch.weights[:, 1])
    present = np.arange(2 * N).reshape(N, 2) % 3 > 0
    some = replace(batch, present=present)
    assert EventExpression("weight['1001'] == weight['1001']", INFO).holds(some).tolist() == list(
        present[:, 1]
    )


def test_a_missing_particle_makes_comparisons_false(batch: EventBatch) -> None:
    has = batch.counts * 0
    has[:] = [len(final(e)) for e in events(batch)]
    assert 0 < (has > 2).sum() < N

    def holds(text: str) -> list[bool]:
        return EventExpression.condition(text, INFO, "here").holds(batch).tolist()

    three = (has > 2).tolist()
    for text in ("pt[2] > -1", "pt[2] < 1e9", "pdg_id[2] != 0", "pdg_id[2] == pdg_id[2]"):
        assert holds(text) == three, text
        assert holds(f"not {text}") == [not x for x in three]
    assert holds("pt[2] > -1 or n <= 2") == [True] * N
    assert holds("pt[99] > 0") == [False] * N
    assert holds("process_id == 2") == (batch.event["process_id"] == 2).tolist()
    assert holds("1 < process_id != 3") == (batch.event["process_id"] == 2).tolist()


def test_rows_do_not_depend_on_their_batch(batch: EventBatch) -> None:
    for text in OF_EVENT:
        expression = EventExpression(text, INFO)
        whole = expression.values(batch)
        parts = [expression.values(batch[i : i + 7]) for i in range(0, N, 7)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
        assert expression.values(batch[:0]).shape == (0,)


REFUSED = {
    "nothing > 3": "no quantity 'nothing' of an event; known: ",
    "delta_r > 3": "no quantity 'delta_r' of an event; of particles, as in delta_r[0]",
    "pdg_id == 3": "of particles, as in pdg_id[0]",
    "sum_pt[0] > 1": "no quantity 'sum_pt' of particles",
    "pt[jets[0]] > 1": "no list 'jets' of particles; lists are final, incoming",
    "pt[jet] > 1": "'jet' is not a leg number",
    "pt[-1] > 1": "'-1' is not a leg number",
    "pt[0, 0] > 1": "a particle is named twice",
    "n[0] > 1": "n counts a list, as in n[jet]",
    "pdg_id[0, 1] > 1": "pdg_id takes one particle, 2 given",
    "delta_r[0] > 1": "delta_r takes two particles, 1 given",
    "weight[0] > 1": "weights are named by their id in quotes",
    "weight['down'] > 1": "no weight 'down'; the file has up, 1001",
    "pt[0] in 3": "only <, <=, >, >=, == and != compare quantities",
    "pt[0]": "a quantity, where a condition is needed",
    "__import__('os').system('true')": "not part of the language",
    "pt[(lambda: 1)()] > 1": "is not a leg number",
    "weight.real > 1": "not part of the language",
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.items(), ids=list(REFUSED))
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EventExpression.condition(text, INFO, "--where")
    assert str(caught.value).startswith("--where: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_columns_that_the_file_lacks_are_named(batch: EventBatch) -> None:
    expression = EventExpression.condition("trials > 3", INFO, "--where")
    with pytest.raises(InputError, match="the events have no trials"):
        expression.holds(batch)
