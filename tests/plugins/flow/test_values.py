"""Discrete dimensions of a flow: bins, probabilities given the values before, and gradients."""

from __future__ import annotations

import itertools

import pytest
import torch

from crosshook.core.sampling.discrete import locate
from crosshook.plugins.flow.values import ValuesHead

COUNTS = (2, 3)


@pytest.fixture
def head() -> ValuesHead:
    """Uneven probabilities that depend on the context."""
    rng = torch.Generator().manual_seed(3)
    made = ValuesHead(
        COUNTS, 1, hidden=5, rng=rng, dtype=torch.float64, device=torch.device("cpu")
    )
    with torch.no_grad():
        for matrix in made.get_submodule("last").parameters():
            matrix += torch.randn(matrix.shape, dtype=torch.float64, generator=rng)
    return made


def _every(context: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The middle of every bin."""
    values = torch.tensor(list(itertools.product(*map(range, COUNTS))), dtype=torch.float64)
    u = (values + 0.5) / torch.tensor(COUNTS, dtype=torch.float64)
    return u, torch.full((len(u), 1), context, dtype=torch.float64)


@torch.no_grad()
def test_probabilities_add_up(head: ValuesHead) -> None:
    """Σ q/(2·3) over all values is 1 in every context, and differs between contexts."""
    found = []
    for context in (0.1, 0.9):
        u, given = _every(context)
        _, log_q, _ = head.walk(u, given, to_points=False)
        probability = log_q.exp() / 6
        assert float(probability.sum()) == pytest.approx(1.0, abs=1e-12)
        found.append(probability)
    assert not torch.allclose(found[0], found[1], atol=1e-3)


@torch.no_grad()
def test_round_trip_keeps_to_the_bins(head: ValuesHead) -> None:
    rng = torch.Generator().manual_seed(4)
    r = torch.rand((5000, 2), dtype=torch.float64, generator=rng)
    context = torch.full((5000, 1), 0.3, dtype=torch.float64)
    u, log_det, seen = head.walk(r, context, to_points=True)
    back, log_back, again = head.walk(u, context, to_points=False)
    torch.testing.assert_close(back, r, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_back, -log_det, rtol=0, atol=1e-12)
    assert torch.equal(seen, again)
    # One-hot columns of the values, after the context.
    value = torch.floor(u * torch.tensor(COUNTS, dtype=torch.float64)).to(torch.int64)
    assert torch.equal(seen[:, 1:3].argmax(dim=1), value[:, 0])
    assert torch.equal(seen[:, 3:6].argmax(dim=1), value[:, 1])


@torch.no_grad()
def test_frequencies_are_the_probabilities(head: ValuesHead) -> None:
    n = 20_000
    rng = torch.Generator().manual_seed(5)
    r = torch.rand((n, 2), dtype=torch.float64, generator=rng)
    u, _, _ = head.walk(r, torch.full((n, 1), 0.3, dtype=torch.float64), to_points=True)
    value = torch.floor(u * torch.tensor(COUNTS, dtype=torch.float64)).to(torch.int64)
    counted = torch.bincount(value[:, 0] * 3 + value[:, 1], minlength=6) / n
    middle, context = _every(0.3)
    wanted = head.walk(middle, context, to_points=False)[1].exp() / 6
    # 5 σ of a binomial
    assert bool(((counted - wanted).abs() < 5 * (wanted * (1 - wanted) / n).sqrt()).all())


@torch.no_grad()
def test_ends(head: ValuesHead) -> None:
    for r in (0.0, 1.0 - 2.0**-53, 1.0):
        given = torch.full((1, 2), r, dtype=torch.float64)
        context = torch.full((1, 1), 0.5, dtype=torch.float64)
        for way in (True, False):
            other, log_det, _ = head.walk(given, context, to_points=way)
            assert bool(((other >= 0) & (other <= 1)).all())
            assert bool(log_det.isfinite().all())


def test_gradients_reach_the_network(head: ValuesHead) -> None:
    """∂ log p_i/∂ raw_j of a softmax sums to 0 over j: what one value gains others lose."""
    u, context = _every(0.4)
    _, log_q, _ = head.walk(u, context, to_points=False)
    log_q[0].backward()  # type: ignore[no-untyped-call]
    for end in head.get_submodule("end").parameters():
        assert end.grad is not None
        assert float(end.grad.abs().max()) > 1e-3
        assert float(end.grad.sum()) == pytest.approx(0.0, abs=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("count", [49, 98])
def test_values_whose_bins_do_not_start_where_they_divide(count: int) -> None:
    """1/49 · 49 < 1 in float64: a point at the lower end of its bin is still found there."""
    rng = torch.Generator().manual_seed(9)
    made = ValuesHead(
        (count,), 0, hidden=5, rng=rng, dtype=torch.float64, device=torch.device("cpu")
    )
    none = torch.zeros((count, 0), dtype=torch.float64)
    lower = made._knots(0, none)[0, :-1]
    u, _, found = made.walk(lower[:, None], none, to_points=True)
    assert torch.equal(found.argmax(dim=1), torch.arange(count))
    assert torch.equal(locate(u[:, 0], count), torch.arange(count))
