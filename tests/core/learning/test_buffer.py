"""The buffer: balance-heuristic densities over generations, and forgetting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.core.interfaces.training import Draw
from crosshook.core.learning.buffer import Buffer

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.sampling.parts import Density

K = 2


def _log_density(u: Tensor, channel: Tensor, power: Tensor) -> Tensor:
    """p u^(p - 1) in channel 0, flat in channel 1."""
    first = torch.log(power) + (power - 1) * torch.log(u[:, 0])
    return torch.where(channel == 0, first, torch.zeros_like(first))


def _density(state: dict[str, Tensor]) -> Density:
    return lambda u, channel, condition: _log_density(u, channel, state["power"])


def _draw(n: int, power: float, seed: int, only: int | None = None) -> tuple[Draw, Any]:
    rng = torch.Generator().manual_seed(seed)
    r = torch.rand((n, 1), dtype=torch.float64, generator=rng)
    channel = torch.arange(n) % K if only is None else torch.full((n,), only)
    u = torch.where(channel[:, None] == 0, r ** (1 / power), r)
    p = torch.tensor(power, dtype=torch.float64)
    zeros = torch.zeros((n, K), dtype=torch.float64)
    log_det = -_log_density(u, channel, p)
    value = u[:, 0]
    return Draw(r, channel, u, log_det, value, value, zeros, zeros, u), {"power": p}


def _filled(largest: int = 10_000) -> tuple[Buffer, list[tuple[int, float]]]:
    buffer, generations = Buffer(K, largest), [(300, 1.0), (100, 3.0), (200, 2.0)]
    for seed, (n, power) in enumerate(generations):
        buffer.add(*_draw(n, power, seed), _density)
    return buffer, generations


def test_density_is_the_mixture_of_all_generations() -> None:
    buffer, generations = _filled()
    u, channel = buffer.columns["u"], buffer.columns["channel"]
    total = sum(n for n, _ in generations)
    mixture = sum(
        n / total * torch.exp(_log_density(u, channel, torch.tensor(power).double()))
        for n, power in generations
    )
    torch.testing.assert_close(torch.exp(buffer.log_rho()), mixture, rtol=1e-12, atol=0)
    assert len(buffer) == total


def test_integrals_from_all_points() -> None:
    """Σ f/ρ over the n_c points of channel 0 is ∫ f = 1/2, whatever they came from."""
    buffer, _ = _filled()
    own = buffer.columns["channel"] == 0
    terms = buffer.columns["value"][own] / torch.exp(buffer.log_rho()[own])
    error = float(terms.std()) / len(terms) ** 0.5
    assert abs(float(terms.mean()) - 0.5) < 5 * error


def test_channels_have_shares_of_their_own() -> None:
    """A generation without points in a channel is no part of that channel's density."""
    buffer = Buffer(K, 1000)
    buffer.add(*_draw(100, 1.0, 0), _density)
    buffer.add(*_draw(100, 4.0, 1, only=1), _density)
    own = buffer.columns["channel"] == 0
    torch.testing.assert_close(
        buffer.log_rho()[own], torch.zeros(50, dtype=torch.float64), rtol=0, atol=1e-12
    )


def test_whole_generations_are_forgotten() -> None:
    buffer, _ = _filled(350)
    assert [int(g.counts.sum()) for g in buffer.generations] == [100, 200]
    assert len(buffer) == 300
    assert buffer.log_q.shape == (300, 2)
    u, channel = buffer.columns["u"], buffer.columns["channel"]
    mixture = sum(
        n / 300 * torch.exp(_log_density(u, channel, torch.tensor(power).double()))
        for n, power in ((100, 3.0), (200, 2.0))
    )
    torch.testing.assert_close(torch.exp(buffer.log_rho()), mixture, rtol=1e-12, atol=0)


def test_the_last_generation_stays() -> None:
    buffer = Buffer(K, 10)
    buffer.add(*_draw(100, 1.0, 0), _density)
    assert len(buffer) == 100


@pytest.mark.parametrize("largest", [10_000, 350])
def test_pieces(largest: int) -> None:
    """What a checkpoint keeps gives back the same bits."""
    buffer, _ = _filled(largest)
    pieces = [buffer.piece(t) for t in range(len(buffer.generations))]
    again = Buffer(K, largest)
    again.load_pieces(pieces, buffer.forgotten)
    assert torch.equal(again.log_q, buffer.log_q)
    assert torch.equal(again.log_rho(), buffer.log_rho())
    assert set(again.columns) == set(buffer.columns)
    assert all(torch.equal(again.columns[name], t) for name, t in buffer.columns.items())
    for other in (buffer, again):
        other.add(*_draw(50, 1.5, 9), _density)
    assert torch.equal(again.log_rho(), buffer.log_rho())
