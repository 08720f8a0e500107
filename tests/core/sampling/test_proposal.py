"""Mixtures of mappings: their density, draws without bias, closed parts, one part alone; groups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.sampling.composition import Composition
from crosshook.core.sampling.proposal import ContinuousOnly, Grouped, Proposal, Stack

if TYPE_CHECKING:
    from torch import Tensor

K = 2


class Powers:
    """u = r^p with a power for each channel, in every dimension."""

    def __init__(self, *powers: float) -> None:
        self.powers = torch.tensor(powers, dtype=torch.float64)
        self.asked = 0

    def _map(self, r: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
        return r**p, (torch.log(p) + (p - 1) * torch.log(r)).sum(dim=1)

    def forward(self, r: Tensor, channel: Tensor, condition: Any = None) -> Any:
        return self._map(r, self.powers[channel][:, None])

    def inverse(self, u: Tensor, channel: Tensor, condition: Any = None) -> Any:
        self.asked += len(u)
        return self._map(u, 1 / self.powers[channel][:, None])


SHARES = torch.tensor([[0.5, 0.3, 0.2], [0.4, 0.0, 0.6]], dtype=torch.float64)


def _parts() -> list[Any]:
    return [Powers(2.0, 0.5), Powers(0.7, 3.0), Stack([])]


def _numbers(n: int, d: int = 2) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(5)
    return torch.rand((n, d), dtype=torch.float64, generator=rng), torch.arange(n) % K


def test_density_is_the_balance_heuristic() -> None:
    """q = Σ_s a_s q_s, the same whether a point was drawn or given."""
    parts = _parts()
    r, channel = _numbers(4000)
    proposal = Proposal(parts, SHARES)
    assert proposal.n_pick == 1
    u, log_q = proposal.draw(r, channel)
    columns = [part.inverse(u, channel)[1].exp() for part in parts]
    wanted = (SHARES[channel] * torch.stack(columns, dim=1)).sum(dim=1)
    torch.testing.assert_close(log_q.exp(), wanted, rtol=1e-10, atol=0)
    torch.testing.assert_close(proposal.log_density(u, channel), log_q, rtol=0, atol=1e-10)


def test_density_is_normalised() -> None:
    """∫ q du = 1 by midpoints of u = t³, which tames the ends; error 10⁻⁴ from their spacing."""
    t = ((torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000)[:, None]
    proposal = Proposal(_parts(), SHARES)
    for c in range(K):
        channel = torch.full((20_000,), c)
        q = proposal.log_density(t**3, channel).exp()
        assert float((q * 3 * t[:, 0] ** 2).mean()) == pytest.approx(1.0, abs=1e-3)


def test_weights_are_unbiased() -> None:
    """E[f/q] = ∫ f within 5 σ, for f = 2u in one dimension; the pick is the last number."""
    r, channel = _numbers(40_000)
    u, log_q = Proposal(_parts(), SHARES).draw(r, channel)
    for c in range(K):
        weight = (2 * u[:, 0] / log_q.exp())[channel == c]
        assert abs(float(weight.mean()) - 1) < 5 * float(weight.std()) / len(weight) ** 0.5


def test_closed_parts_are_never_drawn_nor_asked() -> None:
    parts = _parts()
    r, _ = _numbers(1000)
    r[:3, -1] = torch.tensor([0.0, 0.4, 1.0 - 2.0**-53], dtype=torch.float64)
    channel = torch.ones(1000, dtype=torch.int64)
    u, _ = Proposal(parts, SHARES).draw(r, channel)
    first = r[:, -1] < 0.4
    torch.testing.assert_close(u[first], r[first, :1] ** 0.5)
    torch.testing.assert_close(u[~first], r[~first, :1])
    assert parts[1].asked == 0


def test_one_part_is_the_mapping() -> None:
    """Bit by bit, without a number to choose; so is a part that has all shares."""
    mapping = Powers(2.0, 0.5)
    r, channel = _numbers(100)
    wanted, log_det = mapping.forward(r, channel)
    only = torch.tensor([[0.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    for proposal in (Proposal([mapping]), Proposal([Stack([]), mapping], only)):
        assert proposal.n_pick == 0
        u, log_q = proposal.draw(r, channel)
        assert torch.equal(u, wanted)
        assert torch.equal(log_q, -log_det)


def test_no_points() -> None:
    u, log_q = Proposal(_parts(), SHARES).draw(*_numbers(0))
    assert (u.shape, log_q.shape) == ((0, 1), (0,))


def test_stack_is_the_composition() -> None:
    outer, inner = Powers(2.0, 0.5), Powers(0.7, 3.0)
    r, channel = _numbers(100)
    u, log_det = Stack([outer, inner]).forward(r, channel)
    torch.testing.assert_close(u, outer.forward(inner.forward(r, channel)[0], channel)[0])
    back, log_back = Stack([outer, inner]).inverse(u, channel)
    torch.testing.assert_close(back, r, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_back, -log_det, rtol=0, atol=1e-10)


def test_discrete_dimensions_pass_through() -> None:
    r, channel = _numbers(50, 3)
    u, log_det = ContinuousOnly(Powers(2.0, 0.5), 2).forward(r, channel)
    assert torch.equal(u[:, 2], r[:, 2])
    assert torch.equal(log_det, Powers(2.0, 0.5).forward(r[:, :2], channel)[1])


def test_groups_share_a_mapping() -> None:
    shared = Grouped(Powers(2.0, 0.5), torch.tensor([1, 0, 1]))
    r, _ = _numbers(3)
    u, _ = shared.forward(r, torch.tensor([0, 1, 2]))
    power = torch.tensor([[0.5], [2.0], [0.5]], dtype=torch.float64)
    torch.testing.assert_close(u, r**power)
    torch.testing.assert_close(shared.inverse(u, torch.tensor([0, 1, 2]))[0], r)


@pytest.mark.parametrize(
    "composition",
    [
        Composition(),
        Composition(((0.5, 0.25, 0.25), (1.0, 0.0, 0.0)), Slot("vegas", {"bins": 8}), True),
        Composition(None, Slot("vegas"), groups=(0, 1, 0)),
    ],
)
def test_composition_survives_json(composition: Composition) -> None:
    assert Composition.from_json(json.loads(json.dumps(composition.as_json()))) == composition


def test_a_grouped_mapping_is_built_for_its_groups() -> None:
    context = BuildContext(dimensions=2, channels=3)
    assert Composition(groups=(0, 1, 0)).context(context).channels == 2
    assert Composition().context(context).channels == 3
