"""Two partons, two or three jets: the transformer learns which jets may come from which parton."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations

import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.training import Budget
from crosshook.core.registry import default_registry
from crosshook.core.transfer.paired import PairedEvents, PairedTable, TrainableTransfer
from crosshook.plugins.transfer.level import Level

N = 4000
WIDTH, EXTRA = 0.2, 0.3
OPTIONS = {"width": 16, "heads": 2, "blocks": 1, "epochs": 8, "acceptance_epochs": 1, "batch": 128}


def events(n: int, seed: int) -> PairedEvents:
    """log pT of two partons, 3 + normal, smeared by 0.2; an extra jet 2 + normal in 30 %."""
    rng = torch.Generator().manual_seed(seed)
    partons = 3.0 + torch.randn((n, 2), generator=rng, dtype=torch.float64)
    noise = torch.randn((n, 2), generator=rng, dtype=torch.float64)
    extra = 2.0 + torch.randn((n, 1), generator=rng, dtype=torch.float64)
    jets = torch.cat([partons + WIDTH * noise, extra], dim=1)[:, :, None]
    there = torch.ones((n, 3), dtype=torch.bool)
    there[:, 2] = torch.rand(n, generator=rng, dtype=torch.float64) < EXTRA
    dense = torch.randn((n, 1), generator=rng, dtype=torch.float64)
    return PairedEvents(
        Features(partons, ("first", "second")),
        Features(dense, ("noise",), ("",), {"jet": (jets, there)}, {"jet": ("log_pt",)}),
        torch.ones(n, dtype=torch.bool),
        torch.ones(n, dtype=torch.float64),
    )


def gauss(x: torch.Tensor, mean: torch.Tensor | float, width: float) -> torch.Tensor:
    return -0.5 * ((x - mean) / width).square() - math.log(width * math.sqrt(2 * math.pi))


def exact(sample: PairedEvents) -> torch.Tensor:
    """log T of sets, summed over all assignments of jets."""
    jets, there = sample.reco.sets["jet"]
    x, z = jets[:, :, 0], sample.truth.dense
    found = torch.full((len(sample), 6), -torch.inf, dtype=torch.float64)
    for i, (a, b, c) in enumerate(permutations(range(3))):
        both = gauss(x[:, a], z[:, 0], WIDTH) + gauss(x[:, b], z[:, 1], WIDTH)
        three = both + gauss(x[:, c], 2.0, 1.0) + math.log(EXTRA)
        two = both + math.log(1 - EXTRA) if c == 2 else torch.full_like(both, -torch.inf)
        found[:, i] = torch.where(there[:, 2], three, two)
    return torch.logsumexp(found, dim=1) + gauss(sample.reco.dense[:, 0], 0.0, 1.0)


@pytest.fixture(scope="module")
def trained() -> TrainableTransfer:
    context = BuildContext(rng=torch.Generator().manual_seed(4))
    slot = {"use": "transformer-flow", "options": OPTIONS}
    function = default_registry().build("transfer_function", slot, context)
    assert isinstance(function, TrainableTransfer)
    function.fit(PairedTable(events(N, 1)), Budget(N), context)
    return function


def test_assignments_are_learned(trained: TrainableTransfer) -> None:
    """Without knowing which parton a jet comes from, −log T would be larger by
    2 log(√(1 + 0.2²)/0.2) = 3.3 nats; a tenth of that is left at most."""
    fresh = events(2000, 2)
    found = trained.log_prob(fresh.reco, fresh.truth)  # type: ignore[attr-defined]
    missing = float((exact(fresh) - found).mean())
    assert -0.02 < missing < 0.33


def test_number_of_jets_is_learned(trained: TrainableTransfer) -> None:
    """30 % ± 4 σ of √(0.3 · 0.7/4000) in the training and as much in the draws."""
    truth = events(4000, 3).truth
    drawn = trained.sample(truth, 1, torch.Generator().manual_seed(5))  # type: ignore[attr-defined]
    number = drawn.sets["jet"][1].sum(dim=1)
    error = math.sqrt(2 * EXTRA * (1 - EXTRA) / 4000)
    assert float((number == 3).double().mean()) == pytest.approx(EXTRA, abs=4 * error)
    jets = drawn.sets["jet"][0][:, :, 0]
    assert bool((jets[:, 0] >= jets[:, 1]).all())


def test_events_with_wrong_objects(trained: TrainableTransfer) -> None:
    sample = events(3, 6)
    bare = Features(sample.reco.dense, ("noise",))
    with pytest.raises(
        InputError, match="reco: sets none; the transfer function was trained with jet"
    ):
        trained.log_prob(bare, sample.truth)  # type: ignore[attr-defined]
    jets, there = sample.reco.sets["jet"]
    more = Features(
        sample.reco.dense,
        ("noise",),
        ("",),
        {"jet": (torch.cat([jets, jets + 0.1], 1), torch.cat([there, there], 1))},
        {"jet": ("log_pt",)},
    )
    assert bool((trained.log_prob(more, sample.truth) == -torch.inf).all())  # type: ignore[attr-defined]


def test_more_true_objects_than_in_the_training_are_refused() -> None:
    """An acceptance of an event that was cut to fit would be that of another event."""
    sample = events(20, 6)
    partons = {"parton": sample.reco.sets["jet"]}
    truth = replace(sample.truth, sets=partons, set_names={"parton": ("log_pt",)})
    level = Level.of(truth, None, 1, "truth")
    assert len(level.flat(truth)) == 20
    values, there = partons["parton"]
    more = {"parton": (torch.cat([values, values], 1), torch.cat([there, there], 1))}
    with pytest.raises(InputError, match=r"truth: event \d+ has \d parton; .* trained with 3"):
        level.flat(replace(truth, sets=more))


def test_heads_divide_the_width() -> None:
    slot = {"use": "transformer-flow", "options": {"width": 10, "heads": 4}}
    with pytest.raises(ConfigurationError, match="width 10 is no multiple of 4 heads"):
        default_registry().build("transfer_function", slot, BuildContext())
