"""Cuts by name against numpy, at their edges, and with names and limits that cannot be."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.process.cuts import NAMES, Cuts

PDG = (11, -11, 21)


@pytest.fixture(scope="module")
def legs() -> np.ndarray:
    """Massless final states, `(500, 3, 4)`."""
    p = np.random.default_rng(11).normal(0.0, 40.0, (500, 3, 3))
    return np.concatenate([np.linalg.norm(p, axis=2)[..., None], p], axis=2)


def _pairs(p: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(p[:, i], p[:, j]) for i, j in combinations(range(3), 2)]


def _mass(p: np.ndarray) -> np.ndarray:
    return np.sqrt(p[:, 0] ** 2 - np.sum(p[:, 1:] ** 2, axis=1))


def _eta(p: np.ndarray) -> np.ndarray:
    return np.arcsinh(p[..., 3] / np.hypot(p[..., 1], p[..., 2]))


def _delta_r(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    turn = np.angle(np.exp(1j * (np.arctan2(p[:, 2], p[:, 1]) - np.arctan2(q[:, 2], q[:, 1]))))
    return np.hypot(_eta(p) - _eta(q), turn)


EXPECTED = {
    "pt_min": (20.0, lambda p, x: (np.hypot(p[..., 1], p[..., 2]) >= x).all(1)),
    "pt_max": (80.0, lambda p, x: (np.hypot(p[..., 1], p[..., 2]) <= x).all(1)),
    "eta_max": (1.5, lambda p, x: (np.abs(_eta(p)) <= x).all(1)),
    "rapidity_max": (1.5, lambda p, x: (np.abs(np.arctanh(p[..., 3] / p[..., 0])) <= x).all(1)),
    "delta_r_min": (1.0, lambda p, x: np.all([_delta_r(a, b) >= x for a, b in _pairs(p)], 0)),
    "m_pair_min": (40.0, lambda p, x: np.all([_mass(a + b) >= x for a, b in _pairs(p)], 0)),
    "m_min": (150.0, lambda p, x: _mass(p.sum(1)) >= x),
    "m_max": (150.0, lambda p, x: _mass(p.sum(1)) <= x),
    "jet_pt_min": (30.0, lambda p, x: np.hypot(p[:, 2, 1], p[:, 2, 2]) >= x),
    "jet_eta_max": (1.0, lambda p, x: np.abs(_eta(p[:, 2])) <= x),
    "mll_min": (60.0, lambda p, x: _mass(p[:, :2].sum(1)) >= x),
    "mll_max": (90.0, lambda p, x: _mass(p[:, :2].sum(1)) <= x),
    "where": ("e[0] > e[1]", lambda p, x: p[:, 0, 0] > p[:, 1, 0]),
}


def test_every_name_is_tested() -> None:
    assert set(EXPECTED) == set(NAMES) - {"jet_delta_r_min"}


def _anti_kt_jets(partons: np.ndarray, radius: float, pt_min: float) -> int:
    """Number of anti-kT jets above p_T: 0802.1189, step by step, by rapidities and E-scheme."""
    left, jets = list(partons), 0
    while left:
        pt = [float(np.hypot(p[1], p[2])) for p in left]
        y = [float(np.arctanh(p[3] / p[0])) for p in left]
        phi = [float(np.arctan2(p[2], p[1])) for p in left]
        steps = [(pt[i] ** -2, i, -1) for i in range(len(left))]
        for i, j in combinations(range(len(left)), 2):
            turn = float(np.angle(np.exp(1j * (phi[i] - phi[j]))))
            square = (y[i] - y[j]) ** 2 + turn**2
            steps.append((min(pt[i] ** -2, pt[j] ** -2) * square / radius**2, i, j))
        _, i, j = min(steps)
        if j < 0:
            jets += pt[i] >= pt_min
            left.pop(i)
        else:
            merged = left[i] + left[j]
            left = [p for k, p in enumerate(left) if k not in (i, j)] + [merged]
    return jets


def test_cuts_on_jets_are_those_of_anti_kt(legs: np.ndarray) -> None:
    """Of three partons and a lepton: as many jets as partons."""
    events = np.concatenate([legs[:, :1], np.roll(legs, 1, 0)], 1)
    events[:, 2, 1:] = events[:, 1, 1:] * 0.6 + 0.4 * events[:, 2, 1:]  # often close
    events[:, 2, 0] = np.linalg.norm(events[:, 2, 1:], axis=1)
    cuts = Cuts({"jet_pt_min": 20.0, "jet_delta_r_min": 0.6}, (11, 21, 1, -5))
    found = cuts(torch.from_numpy(events)).numpy()
    expected = [_anti_kt_jets(event[1:], 0.6, 20.0) == 3 for event in events]
    assert 50 < sum(expected) < len(legs) - 50
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", EXPECTED)
def test_one_cut(name: str, legs: np.ndarray) -> None:
    limit, passes = EXPECTED[name]
    found = Cuts({name: limit}, PDG)(torch.from_numpy(legs)).numpy()
    assert 0 < found.sum() < len(legs)
    np.testing.assert_array_equal(found, passes(legs, limit))


def test_cuts_are_joined_by_and(legs: np.ndarray) -> None:
    chosen = ["pt_min", "m_max", "where"]
    found = Cuts({name: EXPECTED[name][0] for name in chosen}, PDG)(torch.from_numpy(legs))
    expected = np.all([EXPECTED[n][1](legs, EXPECTED[n][0]) for n in chosen], 0)
    np.testing.assert_array_equal(found.numpy(), expected)


def test_without_cuts_everything_passes(legs: np.ndarray) -> None:
    assert Cuts({}, PDG)(torch.from_numpy(legs)).all()


def test_limits_belong_to_what_is_kept() -> None:
    event = torch.tensor([[[5.0, 3.0, 4.0, 0.0]]], dtype=torch.float64)
    assert Cuts({"pt_min": 5}, (21,))(event).all()
    assert Cuts({"pt_max": 5}, (21,))(event).all()


def test_a_leg_along_the_beam_fails_eta() -> None:
    event = torch.tensor([[[5.0, 0.0, 0.0, -5.0]]], dtype=torch.float64)
    assert not Cuts({"eta_max": 100}, (21,))(event).any()


def test_no_events() -> None:
    assert Cuts({"pt_min": 5}, PDG)(torch.zeros((0, 3, 4), dtype=torch.float64)).shape == (0,)


@pytest.mark.parametrize(
    ("cuts", "message"),
    [
        ({"m_min": 5, "m_max": 5}, "cuts: m_min = 5 leaves nothing below m_max = 5"),
        ({"pt_max": 3, "pt_min": 4}, "cuts: pt_min = 4 leaves nothing below pt_max = 3"),
        ({"pt_mn": 3}, "cuts.pt_mn: no cut of this name; did you mean pt_min?"),
        ({"zzz": 3}, "cuts.zzz: no cut of this name; known: pt_min, pt_max"),
        ({"jet_delta_r_min": 0.4}, "cuts.jet_delta_r_min: the final state has 1 light quarks and"),
        ({"mll_min": 5, "mll_max": 5}, "cuts: mll_min = 5 leaves nothing below mll_max = 5"),
        ({"where": "pt[0]"}, "cuts.where: 'pt[0]': a quantity, where a condition is needed"),
        ({"where": "pt[7] > 1"}, "cuts.where: 'pt[7] > 1': there is no final-state leg 7"),
    ],
)
def test_refused(cuts: dict[str, float | str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Cuts(cuts, PDG)
    assert str(caught.value).startswith(message)
