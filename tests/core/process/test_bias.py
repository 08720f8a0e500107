"""The bias of a run: its values, where it is 1, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.process.bias import Bias

if TYPE_CHECKING:
    from torch import Tensor

PROCESS: Any = SimpleNamespace(phase_space=SimpleNamespace(n_incoming=2), final_pdg=(11, -11))


@dataclass
class Block:
    """What a bias looks at of a `Sample`."""

    weight: Tensor
    evaluated: Any


def block(weight: list[float], pt: list[float], rows: list[int]) -> Any:
    """Points of which `rows` are inside phase space, with pairs of these transverse momenta."""
    momenta = torch.zeros((len(pt), 4, 4), dtype=torch.float64)
    for i, value in enumerate(pt):
        momenta[i, 2] = torch.tensor([abs(value), value, 0, 0], dtype=torch.float64)
        momenta[i, 3] = torch.tensor([abs(value), -value, 0, 0], dtype=torch.float64)
    points = SimpleNamespace(momenta=momenta)
    return Block(
        torch.tensor(weight, dtype=torch.float64),
        SimpleNamespace(rows=torch.tensor(rows), points=points),
    )


def test_values_at_the_points_inside() -> None:
    """The expression for points that can become events, 1 for all others."""
    sample = block([0.0, 2.0, -1.0, 0.0], [10.0, 20.0, 30.0], [1, 2, 3])
    found = Bias("pt[0]**2 / 100", PROCESS).of(sample)
    assert found.tolist() == [1.0, 1.0, 4.0, 1.0]  # the last of the three has weight 0
    assert torch.equal(Bias(None, PROCESS).of(sample), torch.ones(4, dtype=torch.float64))


def test_points_that_give_no_event_need_no_bias() -> None:
    """log(0) at a point of weight 0, NaN momenta at a point whose weight is NaN."""
    nan = float("nan")
    sample = block([0.0, nan, 3.0], [0.0, nan, 40.0], [0, 1, 2])
    assert Bias("log(pt[0])", PROCESS).of(sample).tolist() == [
        1.0,
        1.0,
        pytest.approx(3.6888794541139363),
    ]


def test_of_events() -> None:
    final = block([], [10.0, 20.0], [0, 1]).evaluated.points.momenta[:, 2:]
    assert Bias("m + 1", PROCESS).of_momenta(final).tolist() == [21.0, 41.0]
    assert Bias(None, PROCESS).of_momenta(final).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("pt[0] - 30", "-10.0"),
        ("pt[0] - 20", "0.0"),
        ("log(pt[0] - 30)", "nan"),
        ("1 / (pt[0] - 20)", "inf"),
    ],
)
def test_values_refused(text: str, value: str) -> None:
    """b ≤ 0, NaN and infinity, with the value and the momenta."""
    sample = block([1.0, 1.0], [40.0, 20.0], [0, 1])
    with pytest.raises(NumericalError) as caught:
        Bias(text, PROCESS).of(sample)
    assert str(caught.value) == (
        f"generate.bias: {text!r} is {value}: a bias must be positive and finite; momenta "
        "(E, px, py, pz in GeV) = [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], "
        "[20.0, 20.0, 0.0, 0.0], [20.0, -20.0, 0.0, 0.0]]"
    )


@pytest.mark.parametrize("text", ["exp(-37 * pt[0])", "exp(35 * pt[0])"])
def test_no_event_is_lost_to_rounding(text: str) -> None:
    """|w|·b that underflows would drop a point that has a weight, silently."""
    small = text.startswith("exp(-")
    sample = block([1e-30 if small else 1e30], [20.0], [0])
    with pytest.raises(NumericalError, match="too extreme for a point of weight 1e"):
        Bias(text, PROCESS).of(sample)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pt[0] > 3", "a condition, where a quantity is needed"),
        ("pt[2]", "there is no final-state leg 2"),
        ("q2", "no quantity 'q2'"),
        ("__import__('os')", "is not part of the language"),
    ],
)
def test_expressions_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^generate\.bias: ") as caught:
        Bias(text, PROCESS)
    assert words in str(caught.value)
