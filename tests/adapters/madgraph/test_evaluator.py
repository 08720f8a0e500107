"""Generated code runs in a process of its own: its state, its prints and its end stay there."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.adapters.madgraph.evaluator import Evaluator, Order
from crosshook.core.errors import InputError, NumericalError
from tests.adapters.madgraph.conftest import PHOTON

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MODULE = """\
import os
def initialisemodel(path): {opening}
def get_value(p, alphas, nhel):
    '''ans = get_value(p,alphas,nhel)'''
    {calling}
"""
POINT = np.array([[[5.0, 0, 0, 5], [5, 0, 0, -5], [5, 3, 0, 4], [5, -3, 0, -4]]])


def order(folder: Path, text: str, name: str = "matrix2py.py", **changes: object) -> Order:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    card = folder / "param_card.dat"
    card.write_text("    1 1.370000e+02 # aEWM1\n")
    keys = {"kind": "matrix2py", "pdg": (0, 0, 0, 0), **changes}
    return Order(path=str(folder / name), card=str(card), **keys)  # type: ignore[arg-type]


def squared(evaluator: Evaluator, n: int = 1) -> NDArray[np.float64]:
    return evaluator.squared(np.repeat(POINT, n, 0), np.full(n, 0.118))


def exact(alpha: float) -> float:
    """e⁴ (1 + cos²θ), here with cosθ = 4/5."""
    return (4 * math.pi * alpha) ** 2 * (1 + 0.64)


def test_points_are_evaluated(tmp_path: Path) -> None:
    evaluator = Evaluator(order(tmp_path, PHOTON))
    assert squared(evaluator, 3) == pytest.approx([exact(1 / 137)] * 3, rel=1e-14)
    assert squared(evaluator, 1) == pytest.approx([exact(1 / 137)], rel=1e-14)


def test_two_cards_of_one_module(tmp_path: Path) -> None:
    """Modules keep their parameters in common blocks; each card has a process of its own."""
    one = order(tmp_path, PHOTON)
    other = tmp_path / "other.dat"
    other.write_text("    1 1.280000e+02 # aEWM1\n")
    evaluators = [Evaluator(one), Evaluator(Order("matrix2py", one.path, str(other), (0,) * 4))]
    for _ in range(2):
        values = [squared(each)[0] for each in evaluators]
        assert values == pytest.approx([exact(1 / 137), exact(1 / 128)], rel=1e-14)


def test_threads_take_turns(tmp_path: Path) -> None:
    evaluator = Evaluator(order(tmp_path, PHOTON))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: squared(evaluator, n), range(1, 20)))
    assert [len(values) for values in found] == list(range(1, 20))
    assert np.concatenate(found) == pytest.approx(exact(1 / 137), rel=1e-14)


def test_another_process_starts_its_own(tmp_path: Path) -> None:
    evaluator = Evaluator(
        order(tmp_path, MODULE.format(opening="pass", calling="return os.getpid()"))
    )
    first = squared(evaluator)
    assert squared(evaluator) == first
    evaluator._owner = -1  # as after a fork
    assert squared(evaluator) != first


def test_all_in_one_modules_are_told_the_process(tmp_path: Path) -> None:
    text = (
        "def initialise(path): pass\n"
        "def smatrixhel(pdgs, procid, p, alphas, scale2, nhel):\n"
        "    '''ans = smatrixhel(pdgs,procid,p,alphas,scale2,nhel,[npdg])'''\n"
        "    assert scale2 == 0 and nhel == -1\n"
        "    return pdgs[0] + 100 * procid\n"
    )
    keys = {"kind": "all_matrix2py", "pdg": (21, 21, 6, -6), "process": 2}
    assert squared(Evaluator(order(tmp_path, text, "all_matrix2py.py", **keys)))[0] == 221
    older = text.replace("pdgs, procid, p", "pdgs, p").replace("pdgs,procid,p", "pdgs,p")
    older = older.replace("+ 100 * procid", "")
    folder = tmp_path / "older"
    assert squared(Evaluator(order(folder, older, "allmatrix2py.py", **keys)))[0] == 21


OPENING = {
    "stops": ("print('no card', flush=True); os._exit(0)", r"ended the program it .* \(no card\)"),
    "raises": ("raise OSError('no card')", r"cannot be opened: OSError: no card"),
}


@pytest.mark.parametrize("name", OPENING)
def test_code_that_does_not_open(name: str, tmp_path: Path) -> None:
    opening, message = OPENING[name]
    evaluator = Evaluator(order(tmp_path, MODULE.format(opening=opening, calling="return 1.0")))
    for _ in range(2):
        with pytest.raises(InputError, match=rf"matrix2py\.py: {message}"):
            squared(evaluator)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def initialisemodel(path): pass\n", "it has no function get_value"),
        (
            "def get_value(p, a, h, flavor):\n    '''ans = get_value(p,alphas,nhel,flavor)'''\n",
            "its get_value wants flavours",
        ),
        ("import nothing_of_this_name\n", "ModuleNotFoundError"),
    ],
)
def test_other_modules(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        squared(Evaluator(order(tmp_path, text)))


def test_code_that_fails_at_a_point(tmp_path: Path) -> None:
    text = MODULE.format(
        opening="pass", calling="return 1 / (alphas - 0.118) if alphas < 1 else 2"
    )
    evaluator = Evaluator(order(tmp_path, text))
    with pytest.raises(
        NumericalError, match=r"ZeroDivisionError.* called with 1 points of 4 legs"
    ):
        squared(evaluator)
    assert evaluator.squared(POINT, np.ones(1))[0] == 2


def test_code_that_ends_at_a_point(tmp_path: Path) -> None:
    text = MODULE.format(opening="pass", calling="print('STOP 7', flush=True); os._exit(7)")
    evaluator = Evaluator(order(tmp_path, text))
    for _ in range(2):
        with pytest.raises(NumericalError, match=r"ended its program while 1 points .*\(STOP 7\)"):
            squared(evaluator)
