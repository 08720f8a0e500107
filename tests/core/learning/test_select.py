"""The choice after a training: maxima by excess share, the better part, never an exploding one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from crosshook.core.learning import select
from crosshook.core.learning.select import Fresh, choose
from crosshook.core.statistics import maximum_weight

N = 4000
FLAT = torch.zeros(N, dtype=torch.float64)
U = (torch.arange(N, dtype=torch.float64) + 0.5) / N
ONE = torch.zeros(N, dtype=torch.int64)


def _fresh(log_a: torch.Tensor, learned: torch.Tensor, warm: torch.Tensor = FLAT) -> Fresh:
    """Points of the flat density on a grid: sums over them are integrals."""
    return Fresh(ONE, torch.stack([learned, warm, FLAT], dim=1), FLAT, (log_a,))


def test_maximum_is_that_of_plain_weights() -> None:
    """Points of q itself have equal weights 1, where the excess share has a plain formula."""
    rng = np.random.default_rng(3)
    w = rng.exponential(size=N) ** 2
    found = select._largest(torch.log(torch.from_numpy(w)), FLAT, FLAT)
    assert found == pytest.approx(maximum_weight(w, "excess-share", select.SHARE), rel=1e-9)


def test_maximum_of_reweighted_points() -> None:
    """∫ (a - M q)₊ = 10⁻³ ∫ a for a = 2u, q = 1: (1 - M/2)² = 10⁻³; from points of ρ = 2u."""
    u = torch.sqrt(U)
    log_a = torch.log(2 * u)
    found = select._largest(log_a, FLAT, log_a)
    assert found == pytest.approx(2 * (1 - math.sqrt(1e-3)), rel=1e-3)


@pytest.mark.parametrize("objective", ["variance", "efficiency"])
def test_a_constant_needs_nothing(objective: str) -> None:
    """A learned density that is no better loses against the identity."""
    wavy = torch.log(1 + 0.3 * torch.sin(2 * math.pi * U))
    choice = choose(_fresh(FLAT, wavy, wavy), 1, objective)  # type: ignore[arg-type]
    assert choice.shares.tolist() == [[0.0, 0.0, 1.0]]
    assert float(choice.deviations[0]) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("objective", ["variance", "efficiency"])
@pytest.mark.parametrize("better", [0, 1])
def test_the_better_part_is_chosen(objective: str, better: int) -> None:
    """One part has the shape of the integrand, the other its reverse."""
    log_a = torch.log(2 * (0.1 + 0.9 * U) / 1.1)
    parts = [log_a, log_a.flip(0)] if better == 0 else [log_a.flip(0), log_a]
    choice = choose(_fresh(log_a, *parts), 1, objective)  # type: ignore[arg-type]
    # What learned keeps a guard of the identity, which costs as much as its share.
    assert float(choice.shares[0, better]) >= 1 - select.GUARD
    named = {j.name: j for j in choice.judged}
    assert named["chosen"].efficiency == pytest.approx(1.0, abs=5e-3)
    assert named["untrained"].relative_deviation > 0.4


@pytest.mark.parametrize("objective", ["variance", "efficiency"])
def test_weights_that_explode_are_not_chosen(objective: str) -> None:
    """Perfect on all but a hundredth of the integral, of which it knows nothing."""
    log_q = torch.where(U < 0.99, torch.full_like(U, 1 / 0.99).log(), torch.full_like(U, -30.0))
    choice = choose(_fresh(FLAT + 0.1 * U, log_q), 1, objective)  # type: ignore[arg-type]
    assert float(choice.shares[0, 0]) < 1.0
    shares = choice.shares[0]
    mixed = torch.logsumexp(torch.stack([log_q, FLAT, FLAT], dim=1) + torch.log(shares), dim=1)
    assert float((0.1 * U - mixed).max()) < math.log(100)


def test_channels_choose_by_themselves() -> None:
    channel = torch.arange(N) % 2
    log_a = torch.where(channel == 0, FLAT, torch.log(0.05 + 1.9 * U))
    fresh = Fresh(
        channel, torch.stack([torch.log(0.05 + 1.9 * U), FLAT, FLAT], dim=1), FLAT, (log_a,)
    )
    choice = choose(fresh, 2, "efficiency")
    assert choice.shares[0, 0] == 0.0
    assert choice.shares[1, 0] >= 1 - select.GUARD


def test_trained_weights_must_be_better() -> None:
    good, bad = FLAT, torch.log(0.05 + 1.9 * U)
    for targets, kept in (((bad, good), True), ((good, bad), False), ((good, good), False)):
        fresh = Fresh(ONE, torch.stack([FLAT, FLAT, FLAT], dim=1), FLAT, targets)
        assert choose(fresh, 1, "efficiency").learned_weights is kept


def test_a_channel_of_zeros() -> None:
    choice = choose(_fresh(FLAT - math.inf, FLAT), 1, "efficiency")
    assert bool(choice.shares.isfinite().all())
    assert choice.deviations.tolist() == [0.0]


def test_channels_of_a_group_choose_together() -> None:
    """What the mapping gains in the larger channel outweighs what it loses in the smaller one.

    Channel 1 alone would take the identity: its integrand is flat, and the learned density is not.
    """
    channel = torch.cat([ONE, ONE + 1])
    steep = torch.log(2 * (0.1 + 0.9 * U) / 1.1)
    log_a = torch.cat([steep + math.log(10.0), FLAT])
    flat = torch.cat([FLAT, FLAT])
    fresh = Fresh(channel, torch.stack([torch.cat([steep, steep]), flat, flat], 1), flat, (log_a,))
    alone = choose(fresh, 2, "variance").shares
    together = choose(fresh, 2, "variance", (0, 0)).shares
    assert float(alone[0, 0]) >= 1 - select.GUARD
    assert float(alone[1, 0]) == 0.0
    assert together[0].tolist() == together[1].tolist()
    assert float(together[0, 0]) > 0


@pytest.mark.parametrize("objective", ["variance", "efficiency"])
@pytest.mark.parametrize("share", [0.02, 0.5, 50.0])
def test_a_group_takes_what_is_best_for_its_sum(objective: str, share: float) -> None:
    """Against every mixture in both channels: deviations and maxima of plain sums over the grid."""
    steep = torch.log(2 * (0.1 + 0.9 * U) / 1.1)
    targets = (steep + math.log(share), FLAT)
    both = torch.cat([ONE, ONE + 1])
    flat = torch.cat([FLAT, FLAT])
    parts = torch.stack([torch.cat([steep, steep]), flat, flat], 1)
    fresh = Fresh(both, parts, flat, (torch.cat(targets),))
    chosen = choose(fresh, 2, objective, (0, 0)).shares  # type: ignore[arg-type]

    def figure(mixture: tuple[float, ...]) -> float:
        q = mixture[0] * torch.exp(steep) + mixture[1] + mixture[2]
        total = 0.0
        for target in targets:
            w = torch.exp(target) / q
            size = float((q * w).mean())
            if objective == "variance":
                total += math.sqrt(float((q * (w - size).square()).mean()))
            else:  # ∫ (a - M q)₊ = SHARE ∫ a by bisection
                low, high = 0.0, float(w.max())
                for _ in range(60):
                    m = 0.5 * (low + high)
                    above = float((q * (w - m).clamp_min(0)).mean()) > select.SHARE * size
                    low, high = (m, high) if above else (low, m)
                total += high
        return total

    best = min(figure(mixture) for mixture in select.MIXTURES)
    # no mixture beats it by more than the gain asked for; 1e-3 for the step of a maximum on a grid
    assert figure(tuple(chosen[0].tolist())) <= best / (1 - select.GAIN) + 1e-3
    assert torch.equal(chosen[0], chosen[1])
