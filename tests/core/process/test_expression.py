"""Expressions: values against numpy formulas, and everything outside the language refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crosshook.core.errors import ConfigurationError
from crosshook.core.process.expression import MAX_DEPTH, MAX_LENGTH, Expression

PDG = (11, -11, 6)
MASSES = np.array([0.5, 0.5, 172.5])
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def legs() -> Floats:
    """Final states of three legs, `(100, 3, 4)` = (E, px, py, pz)."""
    p = np.random.default_rng(3).normal(0.0, 60.0, (100, 3, 3))
    energy = np.sqrt(np.sum(p**2, axis=2) + MASSES**2)
    return np.concatenate([energy[..., None], p], axis=2)


def value(text: str, legs: Floats) -> Floats:
    """The expression's values."""
    return np.asarray(Expression(text, PDG)(torch.from_numpy(legs)).numpy())


def m2(p: Floats) -> Floats:
    return np.asarray(p[..., 0] ** 2 - np.sum(p[..., 1:] ** 2, axis=-1))


def pt(p: Floats) -> Floats:
    return np.hypot(p[..., 1], p[..., 2])


def y(p: Floats) -> Floats:
    return np.arctanh(p[..., 3] / p[..., 0])


def eta(p: Floats) -> Floats:
    return np.arctanh(p[..., 3] / np.sqrt(np.sum(p[..., 1:] ** 2, axis=-1)))


def phi(p: Floats) -> Floats:
    return np.arctan2(p[..., 2], p[..., 1])


def mt(p: Floats) -> Floats:
    return np.sqrt(m2(p) + pt(p) ** 2)


def turn(p: Floats, q: Floats) -> Floats:
    """Δφ through complex numbers: no wrapping by hand."""
    return np.angle(np.exp(1j * (phi(p) - phi(q))))


VALUES = {
    "pt[0]": lambda p: pt(p[:, 0]),
    "eta[1]": lambda p: eta(p[:, 1]),
    "y[2]": lambda p: y(p[:, 2]),
    "phi[0]": lambda p: phi(p[:, 0]),
    "e[2]": lambda p: p[:, 2, 0],
    "mt[2]": lambda p: mt(p[:, 2]),
    "m[2]": lambda p: np.full(len(p), 172.5),
    "m[0,1]": lambda p: np.sqrt(m2(p[:, 0] + p[:, 1])),
    "m[0, 1, 2]": lambda p: np.sqrt(m2(p.sum(1))),
    "pt[0,2]": lambda p: pt(p[:, 0] + p[:, 2]),
    "y[0,1]": lambda p: y(p[:, 0] + p[:, 1]),
    "delta_phi[0,1]": lambda p: turn(p[:, 0], p[:, 1]),
    "delta_eta[0,2]": lambda p: eta(p[:, 0]) - eta(p[:, 2]),
    "delta_r[0,2]": lambda p: np.hypot(eta(p[:, 0]) - eta(p[:, 2]), turn(p[:, 0], p[:, 2])),
    "m": lambda p: np.sqrt(m2(p.sum(1))),
    "y": lambda p: y(p.sum(1)),
    "pt": lambda p: pt(p.sum(1)),
    "mll": lambda p: np.sqrt(m2(p[:, 0] + p[:, 1])),
    "sum_pt": lambda p: pt(p).sum(1),
    "ht": lambda p: mt(p).sum(1),
    "ht / 2": lambda p: mt(p).sum(1) / 2,
    "-pt[0] + 2*pt[1] - 3": lambda p: -pt(p[:, 0]) + 2 * pt(p[:, 1]) - 3,
    "2**3**2 - pt[0]": lambda p: 512 - pt(p[:, 0]),
    "sqrt(mt[2]**2 - pt[2]**2)": lambda p: np.full(len(p), 172.5),
    "log(exp(abs(eta[0])))": lambda p: np.abs(eta(p[:, 0])),
    "max(pt[0], pt[1], pt[2])": lambda p: pt(p).max(1),
    "min(pt[0], 30)": lambda p: np.minimum(pt(p[:, 0]), 30),
    "pt[0] > 60": lambda p: pt(p[:, 0]) > 60,
    "20 < pt[0] <= 60 < pt[1]": lambda p: (
        (pt(p[:, 0]) > 20) & (pt(p[:, 0]) <= 60) & (pt(p[:, 1]) > 60)
    ),
    "pt[0] >= 60 or not pt[1] < 60 and y[2] > 0": lambda p: (
        (pt(p[:, 0]) >= 60) | ((pt(p[:, 1]) >= 60) & (y(p[:, 2]) > 0))
    ),
}


@pytest.mark.parametrize("text", VALUES)
def test_values(text: str, legs: Floats) -> None:
    found, expected = value(text, legs), VALUES[text](legs)
    assert found.shape == (len(legs),)
    if expected.dtype == bool:
        assert found.dtype == bool
        assert 0 < found.sum() < len(legs)
        np.testing.assert_array_equal(found, expected)
    else:
        # m² is a difference of squares of energies up to ~10³ times it: 10³ ε relative.
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


REFUSED = {
    "": "not an expression",
    "pt[0": "not an expression",
    "x = 1": "not an expression",
    "import os": "not an expression",
    "\x00": "not an expression",
    "pt.real": "not part of the language",
    "pt[0].__class__": "not part of the language",
    "().__class__.__bases__[0].__subclasses__()": "not part of the language",
    "__import__('os').system('true')": "not part of the language",
    "open('x')": "not part of the language",
    "eval('1')": "not part of the language",
    "sqrt(*pt)": "not part of the language",
    "sqrt(x=1)": "not part of the language",
    "sqrt(1, 2)": "not part of the language",
    "min(1)": "not part of the language",
    "max()": "not part of the language",
    "[1 for _ in pt]": "not part of the language",
    "(lambda: 1)()": "not part of the language",
    "(z := 3)": "not part of the language",
    "1 if pt > 3 else 2": "not part of the language",
    "f'{pt}'": "not part of the language",
    "'pt'": "not part of the language",
    "1j": "not part of the language",
    "True": "not part of the language",
    "None": "not part of the language",
    "...": "not part of the language",
    "5 % 2": "not part of the language",
    "5 // 2": "not part of the language",
    "1 << 9": "not part of the language",
    "pt[0] & 3": "not part of the language",
    "~pt[0]": "not part of the language",
    "pt == 3": "only <, <=, > and >= compare quantities",
    "pt[0] in y": "only <, <=, > and >= compare quantities",
    "nothing": "no quantity 'nothing'; known: delta_eta",
    "sum_pt[0]": "no quantity 'sum_pt' of legs; known: pt",
    "os": "no quantity 'os'",
    "pt[3]": "no final-state leg 3; the process has 3, counted from 0",
    "pt[-1]": "'-1' is not a leg number",
    "pt[0:2]": "'0:2' is not a leg number",
    "pt[True]": "'True' is not a leg number",
    "pt['a']": "is not a leg number",
    "m[0, 0]": "leg 0 is named twice",
    "delta_r[0]": "delta_r takes two legs, 1 given",
    "delta_r[0, 1, 2]": "delta_r takes two legs, 3 given",
    "delta_r": "no quantity 'delta_r'",
    "(pt > 3) + 1": "'pt > 3' is a condition, not a quantity",
    "-(pt > 3)": "'pt > 3' is a condition, not a quantity",
    "abs(pt > 3)": "'pt > 3' is a condition, not a quantity",
    "(pt > 3) > 2": "'pt > 3' is a condition, not a quantity",
    "pt and pt > 3": "'pt' is a quantity, not a condition",
    "not pt": "'pt' is a quantity, not a condition",
    "1e999": "a number is too large",
    "1" * 900: "a number is too large",
    "1 + " * 400 + "1": f"longer than {MAX_LENGTH} characters",
    "(" * 400 + "1" + ")" * 400: "not an expression",
    "-" * 990 + "1": f"nested more than {MAX_DEPTH} deep",
    "not " * 240 + "pt > 3": f"nested more than {MAX_DEPTH} deep",
    "1" + "+1" * 400: f"nested more than {MAX_DEPTH} deep",
    "1" + "**9" * 300: f"nested more than {MAX_DEPTH} deep",
}


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize(("text", "reason"), REFUSED.items(), ids=[t[:30] for t in REFUSED])
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Expression(text, PDG, "run.yaml: cuts.where")
    message = str(caught.value)
    assert message.startswith("run.yaml: cuts.where: ")
    assert reason in message
    assert "\n" not in message
    assert len(message) < 400


def test_huge_exponents_are_numbers_like_others(legs: Floats) -> None:
    """No integer power is ever computed exactly, so none can take for ever."""
    assert np.isinf(value("9**9**9**9", legs)).all()


def test_leptons_must_be_there() -> None:
    with pytest.raises(ConfigurationError, match="no leptons in its final state"):
        Expression("mll", (6, -6))


def test_kinds() -> None:
    assert Expression("pt > 3", PDG).is_condition
    assert not Expression("pt", PDG).is_condition
    with pytest.raises(ConfigurationError, match=r"^here: 'pt': a quantity, where a condition"):
        Expression.condition("pt", PDG, "here")
    with pytest.raises(ConfigurationError, match=r"^here: 'pt > 3': a condition, where a quant"):
        Expression.quantity("pt > 3", PDG, "here")


def test_no_events() -> None:
    empty = torch.zeros((0, 3, 4), dtype=torch.float64)
    assert Expression("pt[0] + 1", PDG)(empty).shape == (0,)
    assert Expression("pt[0] > 1", PDG)(empty).shape == (0,)
