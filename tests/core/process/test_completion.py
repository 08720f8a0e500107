"""Kept points become events: flavours, colour flows, mothers, resonances, at the right frequencies."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.core.errors import IntegrandError
from crosshook.core.events.run_info import RunInfo
from crosshook.core.interfaces.process import Resonance
from crosshook.core.process.completion import choose_assignments, complete

GLUONS, QUARKS, MIRRORED = 0, 1, 2


def _points(process: Any, cube: Any, n: int) -> Any:
    return process.evaluate_points(*cube(n, 4, 2)).points


def _uniform(n: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random(n))


def test_choice_is_the_inverse_of_the_cumulated_shares(compose: Any, cube: Any) -> None:
    """Scanning the uniform number: each column's length is its share, exactly."""
    points = _points(compose(), cube, 3)
    grid = (torch.arange(10000, dtype=torch.float64) + 0.5) / 10000
    for row in range(3):
        repeated = points.select(torch.full((10000,), row))
        chosen = choose_assignments(repeated, grid)
        share = points.parts[row] / points.parts[row].sum()
        frequency = torch.bincount(chosen, minlength=3).double() / 10000
        # Each end of a column's interval moves the count by less than one point.
        assert torch.allclose(frequency, share, rtol=0, atol=1.0001e-4)


def test_closed_assignments_are_never_chosen(compose: Any, cube: Any) -> None:
    points = _points(compose(), cube, 4)
    points.parts[:, GLUONS] = 0
    points.parts[:2, MIRRORED] = 0
    points.parts[2:, QUARKS] = 0
    for uniform in (0.0, 0.5, 1 - 2**-53):
        chosen = choose_assignments(points, torch.full((4,), uniform, dtype=torch.float64))
        assert chosen.tolist() == [QUARKS, QUARKS, MIRRORED, MIRRORED]


def test_shares_against_the_sum_are_never_chosen(compose: Any, cube: Any) -> None:
    """Slightly negative densities: those columns get nothing, the others their proportion."""
    points = _points(compose(), cube, 2000)
    points.parts[:1000] = torch.tensor([1.0, -0.1, 3.0], dtype=torch.float64)
    points.parts[1000:] = torch.tensor([-3.0, -1.0, 0.1], dtype=torch.float64)
    grid = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    chosen = choose_assignments(points, torch.cat([grid, grid]))
    assert torch.bincount(chosen[:1000], minlength=3).tolist() == [250, 0, 750]
    assert torch.bincount(chosen[1000:], minlength=3).tolist() == [750, 250, 0]


@pytest.fixture
def batch(compose: Any, cube: Any) -> Any:
    """3000 events, a third of each assignment, and the points they came from."""
    process = compose()
    points = _points(process, cube, 3000)
    chosen = torch.arange(3000) % 3
    weight = torch.arange(3000, dtype=torch.float64)
    made = complete(process, points, chosen, weight, _uniform(3000, 5), RunInfo())
    return made, points, process


def _column(batch: Any, name: str) -> np.ndarray:
    """A particle column as `(n, 5)`: beams, resonance, legs 3 and 4."""
    return np.asarray(batch[0].particle_columns[name]).reshape(-1, 5)


def test_rows_of_an_event(batch: Any) -> None:
    assert (_column(batch, "status") == [-1, -1, 2, 1, 1]).all()
    assert (_column(batch, "mother1") == [0, 0, 1, 3, 3]).all()
    assert (_column(batch, "mother2") == [0, 0, 2, 3, 3]).all()
    assert (_column(batch, "spin") == 9).all()
    assert (_column(batch, "lifetime") == 0).all()
    assert (batch[0].counts == 5).all()


def test_flavours_and_beam_swap(batch: Any) -> None:
    pdg = _column(batch, "pdg_id")
    assert (pdg[GLUONS::3] == [21, 21, 23, 11, -11]).all()
    assert (pdg[QUARKS::3] == [2, -2, 23, 11, -11]).all()
    assert (pdg[MIRRORED::3] == [-2, 2, 23, 11, -11]).all()
    ids = np.asarray(batch[0].event["process_id"])
    assert (ids[GLUONS::3] == 5).all()
    assert (ids[QUARKS::3] == 3).all()
    assert (ids[MIRRORED::3] == 3).all()


def test_momenta_masses_and_scales(batch: Any) -> None:
    made, points, process = batch
    four = np.stack([_column(batch, name) for name in ("e", "px", "py", "pz")], 2)
    momenta = points.momenta.numpy()
    np.testing.assert_array_equal(four[:, [0, 1, 3, 4]], momenta)
    np.testing.assert_allclose(four[:, 2], momenta[:, 2] + momenta[:, 3], rtol=1e-14, atol=1e-12)
    mass = _column(batch, "mass")
    assert (mass[:, [0, 1, 3, 4]] == 0).all()
    np.testing.assert_allclose(mass[:, 2], points.mu_r.numpy(), rtol=1e-9)
    event = made.event
    np.testing.assert_array_equal(event["scale"], points.mu_f.numpy())
    np.testing.assert_array_equal(event["alpha_qcd"], points.alpha_s.numpy())
    np.testing.assert_array_equal(event["weight"], np.arange(3000))
    assert (event["alpha_qed"] == 1 / 128).all()
    assert len(process.assignments) == 3


def test_colour_lines(batch: Any) -> None:
    lines = np.stack([_column(batch, "colour1"), _column(batch, "colour2")], 2)
    none = [[0, 0]] * 3
    assert (lines[QUARKS::3] == [[501, 0], [0, 501], *none]).all()
    assert (lines[MIRRORED::3] == [[0, 501], [501, 0], *none]).all()
    gluons = lines[GLUONS::3]
    first = (gluons == [[501, 502], [502, 501], *none]).all(axis=(1, 2))
    second = (gluons == [[502, 501], [501, 502], *none]).all(axis=(1, 2))
    assert (first ^ second).all()


def test_colour_flows_follow_their_weights(batch: Any) -> None:
    """P(first) = a/(a + 3(1 - a)) with a = (1 + cosθ)/2: the sum of 1000 Bernoulli trials, 5σ."""
    points = batch[1]
    first = _column(batch, "colour1")[GLUONS::3, 0] == 501
    legs = points.momenta[GLUONS::3].numpy()
    ahead = (legs[:, 2, 0] + legs[:, 2, 3]) / (2 * legs[:, 0, 0])
    probability = ahead / (ahead + 3 * (1 - ahead))
    spread = math.sqrt(float((probability * (1 - probability)).sum()))
    assert abs(first.sum() - probability.sum()) < 5 * spread
    assert abs(first.mean() - ahead.mean()) > 5 * spread / 1000  # the test can tell a flat choice


def test_mirrored_flows_are_weighed_with_swapped_legs(compose: Any, toy: Any, cube: Any) -> None:
    """A mirrored gluon pair, of which leg 3 ahead of beam 1 is leg 3 behind the first leg."""
    sub = replace(toy.gluons, pdg=(21, 2, 11, -11), mirror=True, mirror_symmetric=False)
    process = compose(toy.process(amplitudes=toy.amplitudes(subprocesses=(sub,))))
    points = _points(process, cube, 4000)
    one = torch.ones(4000, dtype=torch.float64)
    made = complete(process, points, torch.ones(4000).long(), one, _uniform(4000, 6), RunInfo())
    colour = np.asarray(made.particle_columns["colour1"]).reshape(-1, 5)
    # Flow 1 of the subprocess puts 501 on its own first leg, which beam 2 supplies here.
    first = colour[:, 1] == 501
    legs = points.momenta.numpy()
    behind = (legs[:, 2, 0] - legs[:, 2, 3]) / (2 * legs[:, 1, 0])
    probability = behind / (behind + 3 * (1 - behind))
    # Weighed with cosθ: its own average cannot tell the two directions apart.
    lever = behind - 0.5
    spread = math.sqrt(float((probability * (1 - probability) * lever**2).sum()))
    assert abs(((first - probability) * lever).sum()) < 5 * spread


def test_colour_flows_need_weights(compose: Any, toy: Any, cube: Any) -> None:
    class Colourless(toy.amplitudes):  # type: ignore[misc]
        def squared(
            self, momenta: Any, subprocess: int, alpha_s: Any, *more: Any, **kw: Any
        ) -> Any:
            return super().squared(momenta, subprocess, alpha_s)

    process = compose(toy.process(amplitudes=Colourless()))
    points = _points(process, cube, 3)
    chosen, one = torch.zeros(3).long(), torch.ones(3, dtype=torch.float64)
    with pytest.raises(IntegrandError) as caught:
        complete(process, points, chosen, one, one / 2, RunInfo())
    assert str(caught.value) == ("matrix element of g g > e- e+: no weights for its colour flows")


def test_no_events(compose: Any, cube: Any) -> None:
    process = compose()
    points = _points(process, cube, 0)
    none = torch.zeros(0, dtype=torch.float64)
    chosen = choose_assignments(points, none)
    assert len(complete(process, points, chosen, none, none, RunInfo())) == 0


def _with_resonances(
    compose: Any, toy: Any, cube: Any, flow: Any, resonances: tuple[Resonance, ...]
) -> Any:
    """Five events of u ū -> t t̄ with this colour flow and these resonances."""
    sub = replace(toy.quarks, pdg=(2, -2, 6, -6), colour_flows=(flow,))
    amplitudes = toy.amplitudes(subprocesses=(sub,))
    process = compose(toy.process(amplitudes=amplitudes, resonances=resonances))
    points = _points(process, cube, 5)
    chosen = torch.zeros(5, dtype=torch.int64)
    return complete(process, points, chosen, points.x1, _uniform(5, 1), RunInfo())


@pytest.mark.parametrize("inner_first", [True, False])
def test_resonances_within_resonances(
    compose: Any, toy: Any, cube: Any, inner_first: bool
) -> None:
    """The inner one hangs on the outer one, and each carries the colour its products leave open."""
    resonances = (Resonance(4, (2,)), Resonance(23, (2, 3)))
    order = resonances if inner_first else resonances[::-1]
    flow = ((501, 0), (0, 501), (502, 0), (0, 502))
    made = _with_resonances(compose, toy, cube, flow, order)
    rows = {
        name: np.asarray(made.particle_columns[name]).reshape(5, 6)[0]
        for name in ("pdg_id", "mother1", "colour1", "colour2")
    }
    inner, outer = (2, 3) if inner_first else (3, 2)
    assert rows["pdg_id"][[inner, outer]].tolist() == [4, 23]
    assert rows["mother1"][[inner, outer, 4, 5]].tolist() == [outer + 1, 1, inner + 1, outer + 1]
    assert rows["colour1"][[inner, outer, 4, 5]].tolist() == [502, 0, 502, 0]
    assert rows["colour2"][[inner, outer, 4, 5]].tolist() == [0, 0, 0, 502]


def test_a_resonance_has_one_colour_line_at_most(compose: Any, toy: Any, cube: Any) -> None:
    flow = ((501, 0), (502, 0), (501, 0), (502, 0))
    with pytest.raises(IntegrandError, match=r"resonance 23: .* colours \[501, 502\]"):
        _with_resonances(compose, toy, cube, flow, (Resonance(23, (2, 3)),))
