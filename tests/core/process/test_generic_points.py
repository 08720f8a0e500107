"""The self-test without stored values: what each kind of wrong amplitude is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest
import torch

from crosshook.core import kinematics
from crosshook.core.errors import NumericalError
from crosshook.core.interfaces.matrix_element import SquaredAmplitude, Subprocess
from crosshook.core.process.self_test import check_generic_points, generic_points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

CPU = torch.device("cpu")


@dataclass
class Amplitudes:
    """|M|² by a function of s, t and the momenta."""

    function: Callable[[Tensor, Tensor, Tensor], Tensor]
    subprocesses: tuple[Subprocess, ...] = (
        Subprocess((21, 21, 6, -6), 0, 1, "g g > t t~", (((0, 0),) * 4,)),
    )
    masses: tuple[float, ...] = (0.0, 0.0, 173.0, 173.0)
    parameters: ClassVar[Mapping[str, float]] = {}
    alpha_qed: float = -1.0

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        s = kinematics.mass_squared(momenta[:, 0] + momenta[:, 1])
        t = kinematics.mass_squared(momenta[:, 0] - momenta[:, 2])
        return SquaredAmplitude(self.function(s, t, momenta))


WRONG: dict[str, tuple[Callable[[Tensor, Tensor, Tensor], Tensor], str]] = {
    "zero": (lambda s, t, p: 0 * s, "is 0.0 at momenta"),
    "nan": (lambda s, t, p: s * torch.nan, "is nan at momenta"),
    "frame": (lambda s, t, p: s * p[:, 2, 0], "under a common boost and rotation"),
    "rotation": (lambda s, t, p: s**2 + p[:, 2, 1] ** 2, "under a common boost and rotation"),
    "batch": (lambda s, t, p: s * len(s), "the number of points evaluated at once"),
    "order": (lambda s, t, p: s * (1 + torch.arange(len(s))), "the number of points"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_amplitude_is_told(name: str) -> None:
    function, message = WRONG[name]
    with pytest.raises(NumericalError, match=rf"^lib: \|M\|² of g g > t t~ .*{message}"):
        check_generic_points(Amplitudes(function), "lib", 1000.0, 2, CPU)


def test_a_right_one_passes() -> None:
    check_generic_points(Amplitudes(lambda s, t, p: s**2 / t**2), "lib", 1000.0, 2, CPU)


def test_a_stated_change_with_the_frame_is_allowed() -> None:
    """Rounding, and the number of points, are no matter of frames."""
    slightly = Amplitudes(lambda s, t, p: s * (1 + 1e-9 * p[:, 2, 0]))  # 1e-6 of |M|²
    with pytest.raises(NumericalError, match="under a common boost"):
        check_generic_points(slightly, "lib", 1000.0, 2, CPU)
    check_generic_points(slightly, "lib", 1000.0, 2, CPU, invariance=1e-5)
    one_by_one = Amplitudes(lambda s, t, p: s * (1 + 1e-6 * len(s)))
    with pytest.raises(NumericalError, match="the number of points"):
        check_generic_points(one_by_one, "lib", 1000.0, 2, CPU, invariance=1e-2)


def test_points_are_the_same_every_time_and_on_their_shells() -> None:
    masses = (173.0, 4.7, 0.0, 0.0)
    p = generic_points(masses, 173.0, 1, CPU)
    assert torch.equal(p, generic_points(masses, 173.0, 1, CPU))
    squares = torch.tensor(masses, dtype=torch.float64).square()
    assert torch.allclose(kinematics.mass_squared(p), squares, rtol=0, atol=1e-9)
    assert torch.allclose(p[:, 0], p[:, 1:].sum(1), rtol=0, atol=1e-10)
