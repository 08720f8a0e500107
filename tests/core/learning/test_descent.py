"""The training loop: a line is learned, averages are kept, and a state goes on to the same bits."""

from __future__ import annotations

import math

import pytest
import torch

from crosshook.core.learning.dense import Dense
from crosshook.core.learning.descent import KEPT, Descent, Lesson
from crosshook.core.progress import Silent

N = 256


class _Memory:
    """A store in memory that ends the training after so many states."""

    def __init__(self, stop_after: int) -> None:
        self.found: tuple[dict[str, torch.Tensor], dict[str, object]] | None = None
        self._left = stop_after

    def load(self) -> tuple[dict[str, torch.Tensor], dict[str, object]] | None:
        return self.found

    def save(self, tensors: dict[str, torch.Tensor], values: dict[str, object]) -> None:
        self.found = {name: t.clone() for name, t in tensors.items()}, dict(values)
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt


def _task() -> tuple[Dense, torch.Tensor, torch.Tensor, torch.Generator]:
    rng = torch.Generator(device="cpu").manual_seed(11)
    x = torch.rand((N, 1), generator=rng, dtype=torch.float64, device="cpu")
    network = Dense.random((1, 8, 1), rng, torch.float64, torch.device("cpu"))
    return network, x, 3 * x[:, 0] - 1, rng


def _trained(lesson: Lesson, store: _Memory | None = None) -> tuple[Dense, Descent]:
    network, x, y, rng = _task()
    descent = Descent(network.parameters(), N, lesson, rng)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        return (network(x[rows])[:, 0] - y[rows]).square().mean()

    descent.run(loss, Silent(), store=store)
    return network, descent


def test_a_line_is_learned() -> None:
    network, descent = _trained(Lesson(60, 32, 1e-2, "line"))
    _, x, y, _ = _task()
    assert not any(p.requires_grad for p in network.parameters())
    assert all(torch.equal(p, m) for p, m in zip(network.parameters(), descent.mean, strict=True))
    # 3 x - 1 varies by 0.87: a hundredth of that is far below what a constant reaches
    assert float((network(x)[:, 0] - y).square().mean().sqrt()) < 0.01
    assert len(descent.losses) <= descent.lesson.looks
    assert descent.losses[-1] < descent.losses[0] / 100


def test_a_state_goes_on_to_the_same_bits() -> None:
    lesson = Lesson(20, 2, 1e-3, "line", looks=7)  # looks and states fall on different steps
    whole, at_once = _trained(lesson)
    store = _Memory(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        _trained(lesson, store)
    assert store.found is not None
    assert store.found[1]["step"] == 2 * KEPT
    again, resumed = _trained(lesson, store)
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert resumed.losses == at_once.losses


def test_steps_without_gradients_are_left_out_and_counted() -> None:
    weight = torch.ones(1, dtype=torch.float64, device="cpu")
    lesson = Lesson(1, 1, 1e-3, "nothing", looks=1, longest=1.0)
    descent = Descent([weight], 32, lesson, torch.Generator(device="cpu").manual_seed(1))

    def loss(rows: torch.Tensor) -> torch.Tensor:
        return (weight * (math.nan if int(rows[0]) % 2 else 1.0)).sum()

    descent.run(loss, Silent())
    assert descent.skipped == 16
    assert torch.isfinite(weight).all()
    assert math.isfinite(descent.losses[0])
