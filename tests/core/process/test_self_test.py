"""The self-test of amplitudes: right ones pass, four kinds of wrong ones do not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from crosshook.core.errors import NumericalError
from crosshook.core.interfaces.matrix_element import CheckPoint, SquaredAmplitude
from crosshook.core.process.self_test import check_amplitudes

LEGS = (
    (50.0, 0.0, 0.0, 50.0),
    (50.0, 0.0, 0.0, -50.0),
    (50.0, 30.0, 0.0, 40.0),
    (50.0, -30.0, 0.0, -40.0),
)
CPU = torch.device("cpu")


def _checked(value: float, toy: Any, amplitudes: Any = None, **parameters: float) -> None:
    point = CheckPoint(1, LEGS, 0.1, value, 1e-9, "a calculation by hand", parameters)
    process = toy.process(
        amplitudes=amplitudes if amplitudes is not None else toy.amplitudes(),
        checkpoints=(point,),
    )
    check_amplitudes(process, CPU)


def test_right_amplitudes_pass(toy: Any) -> None:
    """α_s (1 + 3 (1 + cosθ)/2) at cosθ = 0.8."""
    _checked(0.1 * (1 + 3 * 0.9), toy)


def test_parameters_of_the_stored_point(toy: Any) -> None:
    _checked(5 * 0.1 * (1 + 3 * 0.9), toy, strength=5.0)


def test_another_value(toy: Any) -> None:
    with pytest.raises(NumericalError) as caught:
        _checked(0.38, toy)
    assert str(caught.value) == (
        "toy: |M|² of u u~ > e- e+ is 0.37, but a calculation by hand gives 0.38 "
        "(allowed: 1e-09 relative)"
    )


@dataclass
class Wrong:
    """Amplitudes of a given function of the momenta."""

    function: Any
    subprocesses: tuple[Any, ...] = field(default_factory=tuple)
    masses: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    alpha_qed: float = -1.0
    parameters: dict[str, float] = field(default_factory=dict)

    def squared(self, momenta: torch.Tensor, *more: object) -> SquaredAmplitude:
        return SquaredAmplitude(self.function(momenta))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        # Depends on the frame: the boost or the rotation shows it.
        (lambda p: p[:, 2, 0] / 50, "under a common boost and rotation"),
        (lambda p: 1 + 9 * (p[:, 2, 3] - 40), "at the stored point, rotated and boosted"),
        (lambda p: p[:, 0, 0] * math.nan, "is nan at the stored point"),
        (lambda p: p[:, 0, 0] * 0, "is 0.0 at the stored point"),
        (lambda p: -p[:, 0, 0], "is -50.0 at the stored point"),
    ],
)
def test_wrong_amplitudes(function: Any, reason: str, toy: Any) -> None:
    wrong = Wrong(function, (toy.gluons, toy.quarks))
    with pytest.raises(NumericalError) as caught:
        _checked(1.0, toy, wrong)
    assert reason in str(caught.value)
