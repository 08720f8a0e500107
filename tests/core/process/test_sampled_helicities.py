"""Helicity states as a discrete dimension: their mean is the sum, and events say which they have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from crosshook.core.events.run_info import RunInfo
from crosshook.core.process.completion import complete

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import SquaredAmplitude

STATES = ((1, -1, 1, -1), (1, -1, -1, 1), (-1, 1, 1, -1))
SHARES = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)


@dataclass
class Sampled:
    """Any amplitudes, shared out among three states."""

    own: Any
    helicities: tuple[tuple[int, ...], ...] = STATES

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    def squared(self, *args: Any, **options: Any) -> SquaredAmplitude:
        found: SquaredAmplitude = self.own.squared(*args, **options)
        return found

    def of_helicity(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        helicity: Tensor,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        found = self.own.squared(momenta, subprocess, alpha_s, want=want)
        return replace(found, value=found.value * SHARES[helicity])


@pytest.fixture
def pair(compose: Any, toy: Any) -> tuple[Any, Any]:
    """The toy process with helicities sampled, and summed."""
    return compose(toy.process(Sampled(toy.amplitudes()))), compose()


def test_the_mean_over_states_is_the_sum(pair: tuple[Any, Any], cube: Any) -> None:
    sampled, summed = pair
    assert (sampled.n_dim, sampled.discrete, summed.n_dim) == (5, (3,), 4)
    u, channel = cube(200, 4, 2)
    states = [
        sampled.evaluate_points(
            torch.cat([u, torch.full((200, 1), at, dtype=u.dtype)], 1), channel
        )
        for at in (0.1, 0.5, 0.9)
    ]
    for number, found in enumerate(states):
        assert (found.points.helicity == number).all()
    mean = sum(found.evaluation.value for found in states) / 3
    assert torch.allclose(mean, summed.evaluate(u, channel).value, rtol=1e-12)
    first = states[0].evaluation.value / summed.evaluate(u, channel).value
    assert torch.allclose(first, torch.full_like(first, 3 * 0.2), rtol=1e-12)


def test_events_have_the_state_of_their_point(pair: tuple[Any, Any], cube: Any) -> None:
    sampled, _ = pair
    u, channel = cube(300, 5, 2)
    points = sampled.evaluate_points(u, channel).points
    chosen = torch.arange(300) % 3
    uniform = torch.rand(300, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    made = complete(sampled, points, chosen, torch.ones(300), uniform, RunInfo())
    spins = np.asarray(made.particle_columns["spin"]).reshape(-1, 5)
    states = np.array(STATES)[points.helicity.numpy()]
    mirrored = chosen.numpy() == 2
    assert (spins[:, 2] == 9).all()  # the resonance
    assert (spins[:, 3:] == states[:, 2:]).all()
    assert (spins[~mirrored, :2] == states[~mirrored, :2]).all()
    assert (spins[mirrored, :2] == states[mirrored, 1::-1]).all()


def test_points_that_are_no_numbers_keep_their_state(pair: tuple[Any, Any], cube: Any) -> None:
    sampled, _ = pair
    u, channel = cube(20, 5, 2)
    points = sampled.evaluate_points(u, channel).points
    x1 = points.x1.clone()
    x1[3] = torch.nan
    again = sampled.points(points.momenta, x1, points.x2, points.log_jacobian, points.helicity)
    assert torch.isnan(again.parts[3]).all()
    fine = torch.arange(20) != 3
    assert torch.equal(again.parts[fine], points.parts[fine])
    assert torch.equal(again.helicity, points.helicity)
