"""`flow` on a detector with everything that makes one hard, against its exact density.

cos θ and φ as seen through a resolution that depends on cos θ, 15 % of φ lost to a flat tail, and
20 % of events with both reversed.
"""

from __future__ import annotations

import math

import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.training import Budget
from crosshook.core.registry import default_registry
from crosshook.core.transfer.paired import PairedEvents, PairedTable, TrainableTransfer
from crosshook.plugins.transfer.conditional import Conditional
from crosshook.plugins.transfer.marginal import Marginal

N = 20_000
TAIL, SWAP, SPREAD = 0.15, 0.2, 0.1
OPTIONS = {"hidden": 32, "epochs": 10, "acceptance_epochs": 5, "batch": 512}


def events(n: int, seed: int) -> PairedEvents:
    rng = torch.Generator().manual_seed(seed)
    c, turn, tail, swap, kept = (
        torch.rand(n, generator=rng, dtype=torch.float64) for _ in range(5)
    )
    c, phi = 1.6 * c - 0.8, math.pi * (2 * turn - 1)
    a, b = (torch.randn(n, generator=rng, dtype=torch.float64) for _ in range(2))
    y = torch.atanh(c) + SPREAD * a
    q = phi + (0.3 + 0.5 * c * c) * b
    flat = math.pi * (2 * torch.rand(n, generator=rng, dtype=torch.float64) - 1)
    q = torch.where(tail < TAIL, flat, q)
    sign = torch.where(swap < SWAP, -1.0, 1.0)
    q = torch.remainder(sign * q + math.pi, 2 * math.pi) - math.pi
    return PairedEvents(
        Features(torch.stack([c, phi], 1), ("c", "phi"), ("", "rad")),
        Features(torch.stack([sign * y, q], 1), ("y", "q"), ("", "rad")),
        kept < 0.7 + 0.3 * torch.cos(phi),
        torch.ones(n, dtype=torch.float64),
    )


def exact(sample: PairedEvents) -> torch.Tensor:
    """log T."""
    c, phi = sample.truth.dense.T
    total = torch.zeros_like(c)
    for sign, share in ((1.0, 1 - SWAP), (-1.0, SWAP)):
        y, q = (sign * sample.reco.dense).T
        width = 0.3 + 0.5 * c * c
        images = [
            torch.exp(-0.5 * ((q - phi + 2 * math.pi * k) / width).square()) for k in range(-4, 5)
        ]
        angle = (1 - TAIL) * sum(images) / width / math.sqrt(2 * math.pi) + TAIL / (2 * math.pi)
        other = torch.exp(-0.5 * ((y - torch.atanh(c)) / SPREAD).square())
        total = total + share * other / SPREAD / math.sqrt(2 * math.pi) * angle
    return total.log()


@pytest.fixture(scope="module")
def trained() -> TrainableTransfer:
    context = BuildContext(rng=torch.Generator().manual_seed(4))
    slot = {"use": "flow", "options": OPTIONS}
    function = default_registry().build("transfer_function", slot, context)
    assert isinstance(function, TrainableTransfer)
    function.fit(PairedTable(events(N, 1)), Budget(N), context)
    return function


def test_density_is_near_the_exact_one(trained: TrainableTransfer) -> None:
    """The mean of log T − log T̂ is Kullback and Leibler's distance: at least 0, and of the order p/2n
    for p = 5500 parameters and n = 14,000 accepted events. Ignoring the swap costs more."""
    fresh = events(20_000, 2)
    fresh = fresh.select(fresh.accepted)
    found = exact(fresh) - trained.log_prob(fresh.reco, fresh.truth)  # type: ignore[attr-defined]
    error = float(found.std()) / math.sqrt(len(fresh))
    assert -5 * error < float(found.mean()) < 0.2


def test_acceptance_and_its_harmonic(trained: TrainableTransfer) -> None:
    """Mean and first harmonic of ε(φ) = 0.7 + 0.3 cos φ, each to 5 σ at a third of the training's
    events, as c is 1.6 wide: σ of the mean is √(0.21 · 3/20,000) = 0.006, of the harmonic √2 more."""
    phi = math.pi * (2 * (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000 - 1)
    for c in (-0.5, 0.0, 0.5):
        truth = Features(torch.stack([0 * phi + c, phi], 1), ("c", "phi"), ("", "rad"))
        chance = trained.log_acceptance(truth).exp()  # type: ignore[attr-defined]
        assert float(chance.mean()) == pytest.approx(0.7, abs=0.03)
        assert float((2 * chance * phi.cos()).mean()) == pytest.approx(0.3, abs=0.042)


def test_gradients_reach_the_truth(trained: TrainableTransfer) -> None:
    """∂ log T/∂z by autograd against differences; the median, as float32 and curvature spoil some."""
    sample = events(40, 3)
    sample = sample.select(sample.accepted)
    z = sample.truth.dense.clone().requires_grad_()
    names = (sample.truth.names, sample.truth.units)
    total = trained.log_prob(sample.reco, Features(z, *names)).sum()  # type: ignore[attr-defined]
    (gradient,) = torch.autograd.grad(total, z)
    step = torch.tensor([1e-3, 0.0], dtype=torch.float64)
    up = trained.log_prob(sample.reco, Features(z.detach() + step, *names))  # type: ignore[attr-defined]
    down = trained.log_prob(sample.reco, Features(z.detach() - step, *names))  # type: ignore[attr-defined]
    difference = (up - down) / 2e-3
    off = (difference - gradient[:, 0]).abs() / (1 + difference.abs())
    assert float(off.median()) < 0.02


@pytest.mark.parametrize("circle", [False, True])
def test_draws_undo_the_cumulated_distribution(circle: bool) -> None:
    """The density is the derivative of the share below a draw: 1/density = dx/duniform."""
    rng = torch.Generator().manual_seed(8)
    column = torch.randn(2000, generator=rng, dtype=torch.float64)
    marginal = Marginal.around(column) if circle else Marginal.through(column, "x")
    head = Conditional(marginal, 3, 5)
    raw = head.start() + torch.randn((200, head.size), generator=rng, dtype=torch.float64)
    uniform = 0.02 + 0.96 * torch.rand(200, generator=rng, dtype=torch.float64)
    x = head.draw(uniform, raw)
    slope = (head.draw(uniform + 1e-6, raw) - head.draw(uniform - 1e-6, raw)) / 2e-6
    assert torch.allclose(-slope.log(), head.log_density(x, raw), atol=1e-4)
    if not circle:
        assert torch.allclose(head.log_below(x, raw), uniform.log(), atol=1e-9)
