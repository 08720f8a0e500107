"""Ranks: repeated values come back exactly, everything else within its neighbours."""

from __future__ import annotations

import math

import pytest
import torch

from crosshook.core.random import torch_generator
from crosshook.plugins.unfold.posterior.ranks import Columns, Ranks

N = 20_000


def uniform(n: int = N) -> torch.Tensor:
    return torch.rand(n, generator=torch_generator(7, "ranks"), dtype=torch.float64)


def spread(n: int = N) -> torch.Tensor:
    return torch.rand(n, generator=torch_generator(8, "ranks"), dtype=torch.float64)


def momentum_fraction() -> torch.Tensor:
    """A continuous column above 0.1, and 0 where nothing was found, in 2 % of the rows."""
    u = uniform()
    return torch.where(u < 0.02, torch.zeros_like(u), 0.1 + 0.4 * u)


COLUMNS = {
    "continuous": -torch.log1p(-uniform()),
    "integers": torch.floor(-20.0 * torch.log1p(-uniform())),
    "with an atom": momentum_fraction(),
    "few values": torch.floor(4.0 * uniform()) / 3.0,
    "constant": torch.full((N,), 2.5, dtype=torch.float64),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_values_come_back(name: str) -> None:
    column = COLUMNS[name]
    ranks = Ranks.of(column, torch.ones_like(column))
    back = ranks.at(ranks.ranks(column, spread()))
    exact = torch.isin(column, ranks.atoms)
    assert torch.equal(back[exact], column[exact])
    # Knots keep every third value at least, so that neighbours in rank are 3/N apart.
    order = torch.argsort(torch.argsort(column[~exact]))
    again = torch.argsort(torch.argsort(back[~exact]))
    assert not len(order) or int((order - again).abs().max()) <= 3


@pytest.mark.parametrize("name", COLUMNS)
def test_ranks_are_uniform(name: str) -> None:
    """Kolmogorov's distance of N ranks is below 2.2/√N in all but 1 of 10⁴ samples; knots add
    3/N. Ranks of a sample by itself are far better, atoms spread at random are as good.
    """
    column = COLUMNS[name]
    found = Ranks.of(column, torch.ones_like(column)).ranks(column, spread()).sort().values
    wanted = (torch.arange(N, dtype=torch.float64) + 0.5) / N
    assert float((found - wanted).abs().max()) < 2.2 / math.sqrt(N)


def test_any_rank_gives_a_value_of_the_column() -> None:
    ranks = Ranks.of(momentum_fraction(), torch.ones(N, dtype=torch.float64))
    found = ranks.at(spread())
    nothing = found == 0.0
    assert bool((nothing | ((found >= 0.1) & (found <= 0.5))).all())
    # 0.02 within five binomial standard deviations of both samples
    assert abs(float(nothing.double().mean()) - 0.02) < 5 * math.sqrt(2 * 0.02 * 0.98 / N)
    integers = Ranks.of(COLUMNS["integers"], torch.ones(N, dtype=torch.float64)).at(spread())
    assert torch.equal(integers, integers.round())


def test_values_of_other_samples_have_ranks_in_order() -> None:
    for column in COLUMNS.values():
        ranks = Ranks.of(column, torch.ones_like(column))
        others = torch.linspace(-30.0, 300.0, 4001, dtype=torch.float64)
        found = ranks.ranks(others)
        assert bool((found.diff() >= 0.0).all())
        assert bool(((found > 0.0) & (found < 1.0)).all())


def test_weights_count_as_repeated_rows() -> None:
    column = uniform(200)
    weight = torch.floor(3.0 * spread(200))
    weighted = Ranks.of(column, weight).ranks(column)
    repeated = Ranks.of(
        column.repeat_interleave(weight.long()), torch.ones(int(weight.sum()), dtype=torch.float64)
    )
    seen = weight > 0
    assert torch.allclose(weighted[seen], repeated.ranks(column)[seen], atol=0.02)


def test_isolated_atoms_are_inputs_of_their_own() -> None:
    rows = torch.stack([COLUMNS["with an atom"], COLUMNS["integers"]], dim=1)
    columns = Columns.of(rows, torch.ones(N, dtype=torch.float64))
    inputs = columns.inputs(rows)
    assert inputs.shape == (N, columns.width) == (N, 3)
    assert torch.equal(inputs[:, 2] == 1.0, rows[:, 0] == 0.0)


def test_state() -> None:
    rows = torch.stack(list(COLUMNS.values()), dim=1)
    columns = Columns.of(rows, torch.ones(N, dtype=torch.float64))
    again = Columns.from_state(columns.state("c"), "c", rows.shape[1])
    assert torch.equal(again.inputs(rows), columns.inputs(rows))
