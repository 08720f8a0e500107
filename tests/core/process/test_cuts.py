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
    "where": ("e[0] > e[1]", lambda p, x: p[:, 0, 0] > p[:, 1, 0]),
}


def test_every_name_is_tested() -> None:
    assert set(EXPECTED) == set(NAMES)


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
        ({"where": "pt[0]"}, "cuts.where: 'pt[0]': a quantity, where a condition is needed"),
        ({"where": "pt[7] > 1"}, "cuts.where: 'pt[7] > 1': there is no final-state leg 7"),
    ],
)
def test_refused(cuts: dict[str, float | str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Cuts(cuts, PDG)
    assert str(caught.value).startswith(message)
