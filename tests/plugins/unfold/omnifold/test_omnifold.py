"""OmniFold against closed forms: expectation maximisation, absolute numbers, background, signs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Measured, Simulation
from crosshook.core.model import load_model, save_model
from tests.plugins.unfold.omnifold.problems import (
    FAST,
    column,
    generator,
    jets,
    mean_and_sd,
    nature,
    normal,
    omnifold,
    simulated,
)

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.interfaces.unfolder import Unfolded
    from crosshook.plugins.unfold.omnifold.unfolder import OmniFold

N = 8000
EXACT = {1: (0.160, 0.877), 2: (0.190, 0.834), 3: (0.197, 0.816)}
"""Mean and standard deviation of the exact expectation maximisation after each iteration."""
MEAN_ERROR = (0.89 / N) ** 0.5 / 0.72
"""σ of the unfolded mean: that of the measured one over the share 0.64/0.89 of its variance."""
SD_ERROR = (0.89 / (2 * N)) ** 0.5 / 0.72


def weights(result: Unfolded, family: str = "nominal") -> Tensor:
    return result.families[family].weights


def test_every_iteration_is_one_of_expectation_maximisation() -> None:
    simulation = simulated(N, generator(1))
    _, measured = nature(N, generator(2))
    unfolder = omnifold()
    report = unfolder.fit(simulation, measured, None, generator(3))
    found = unfolder.unfold()
    assert len(report.losses) == 2 * len(unfolder.history) == 6
    for number, (mean, sd) in EXACT.items():
        got = mean_and_sd(found.truth.dense[:, 0], weights(found, "iterations")[:, number - 1])
        assert got[0] == pytest.approx(mean, abs=5 * MEAN_ERROR)
        assert got[1] == pytest.approx(sd, abs=5 * SD_ERROR)
        # Everything is seen: every iteration keeps the data's number of events.
        assert float(weights(found, "iterations")[:, number - 1].sum()) == pytest.approx(N)
    assert unfolder.history[-1].step < unfolder.history[0].step


def test_misses_and_fakes_give_the_number_of_true_events() -> None:
    rng = generator(4)
    simulation = simulated(N, rng)
    chance = torch.rand(N, generator=rng, dtype=torch.float64)
    nan = torch.full((N,), float("nan"), dtype=torch.float64)
    simulation = replace(
        simulation,
        truth=column(torch.where(chance < 0.05, nan, simulation.truth.dense[:, 0])),
        reco=column(torch.where(chance > 0.8, nan, simulation.reco.dense[:, 0])),
        has_truth=chance >= 0.05,
        has_reco=chance <= 0.8,
        weight=0.01 * simulation.weight,
    )
    _, measured = nature(N, rng)
    found = omnifold()
    found.fit(simulation, measured, None, generator(5))
    # 5 of 80 reconstructed events are fakes; 75 of 95 true ones are reconstructed.
    expected = N * (75 / 80) / (75 / 95)
    # σ of the number: binomial of the simulation's shares; the data are fixed.
    error = expected * ((0.0625 * 0.9375 / 6400) + (0.21 / 0.79 / 7600)) ** 0.5
    assert float(weights(found.unfold()).sum()) == pytest.approx(expected, abs=5 * error)


@pytest.mark.parametrize("missed", ["expectation", "previous"])
def test_missed_events_take_the_mean_or_what_they_had(missed: str) -> None:
    """Nothing above 0.5 is seen: with `previous` the first iteration leaves its number alone."""
    rng = generator(6)
    simulation = simulated(N, rng)
    seen = simulation.truth.dense[:, 0] < 0.5
    simulation = replace(simulation, has_reco=seen)
    # The data are half of what the simulation expects at low truth, all of it at high truth.
    kept = seen & ((simulation.truth.dense[:, 0] > -0.5) | (torch.arange(N) % 2 == 0))
    measured = Measured(column(simulation.reco.dense[kept, 0]), simulation.weight[kept])
    found = omnifold(missed=missed, iterations=1)
    found.fit(simulation, measured, None, generator(7))
    scale = float(kept.sum() / seen.sum())
    ratio = float(weights(found.unfold())[~seen].sum() / (~seen).sum()) / scale
    if missed == "previous":
        assert ratio == pytest.approx(1.0, abs=0.1)
    else:
        assert ratio > 1.1


def test_background_is_taken_off_by_positive_weights() -> None:
    rng = generator(8)
    simulation = simulated(N, rng)
    _, clean = nature(N, rng)
    seen, expected = (3.0 + 0.3 * normal(N // 4, rng) for _ in range(2))
    one = torch.ones(N // 4, dtype=torch.float64)
    dirty = Measured(
        column(torch.cat([clean.reco.dense[:, 0], seen])), torch.cat([clean.weight, one])
    )
    found = omnifold()
    report = found.fit(simulation, dirty, Measured(column(expected), one), generator(9))
    got = found.unfold()
    assert float(weights(got).sum()) == pytest.approx(N)
    mean, _ = mean_and_sd(got.truth.dense[:, 0], weights(got)[:, 0])
    # The subtraction's own fluctuation, at 3: sqrt(2 · 2000) events of 8000.
    error = MEAN_ERROR + 3.0 * 4000**0.5 / N
    assert mean == pytest.approx(EXACT[3][0], abs=5 * error)
    assert any("2000 events are subtracted" in note for note in report.notes)


def test_negative_generator_weights_count_negatively() -> None:
    """A third of the events at z > 0 with weight -1 is a simulation with a third less there."""
    rng = generator(10)
    simulation = simulated(N, rng)
    z = simulation.truth.dense[:, 0]
    negative = (z > 0) & (torch.arange(N) % 6 == 0)
    simulation = replace(simulation, weight=torch.where(negative, -1.0, 1.0).double())
    rest = (z <= 0) | (torch.arange(N) % 3 == 0) | (torch.arange(N) % 3 == 1)
    # Data with the simulation's own signed density: nothing is to be learned.
    measured = Measured(
        column(simulation.reco.dense[rest, 0]), torch.ones(int(rest.sum())).double()
    )
    found = omnifold(iterations=2)
    found.fit(simulation, measured, None, generator(11))
    got = weights(found.unfold())[:, 0]
    assert bool((got[negative] <= 0).all())
    assert bool((got[~negative] >= 0).all())
    share = float(got[z > 0].sum() / got.sum())
    error = 0.5 * (2 / N) ** 0.5 / 0.72
    assert share == pytest.approx(0.4, abs=5 * error)


def test_clipped_ratios_are_counted() -> None:
    _, measured = nature(2000, generator(12))
    found = omnifold(iterations=1, clip=1.05)
    report = found.fit(simulated(2000, generator(13)), measured, None, generator(14))
    (only,) = found.history
    assert only.clipped > 500
    assert 0.25 < only.clipped_weight < 1.0
    assert any("clipped at 1.05" in note for note in report.notes)


def test_particles_of_jets_are_seen_as_sets() -> None:
    """Truth multiplicity 8 against 10, through a detector that loses a fifth of the particles."""
    n = 4000
    truth, reco = jets(n, 8.0, generator(15))
    one = torch.ones(n, dtype=torch.float64)
    real, seen = jets(n, 10.0, generator(16))
    found = omnifold(iterations=4, epochs=16)
    found.fit(
        Simulation(truth, reco, one, one > 0, one > 0), Measured(seen, one), None, generator(17)
    )
    got = found.unfold()

    def mean(features: Features, weight: Tensor) -> float:
        count = features.sets["particles"][1].sum(dim=1).double()
        return float((count * weight).sum() / weight.sum())

    before, after, wanted = mean(truth, one), mean(got.truth, weights(got)[:, 0]), mean(real, one)
    # Four iterations leave (1 - s)^4 of the way with s = 0.8, the share of truth in reco's variance.
    error = (10 / n) ** 0.5 / 0.8
    left = (wanted - before) * 0.2**4
    assert wanted - 5 * error - left < after < wanted + 5 * error


def test_trees_do_as_networks_do() -> None:
    pytest.importorskip("sklearn")
    _, measured = nature(N, generator(2))
    found = omnifold(network="trees", leaves=8)
    found.fit(simulated(N, generator(1)), measured, None, generator(18))
    got = found.unfold()
    mean, sd = mean_and_sd(got.truth.dense[:, 0], weights(got)[:, 0])
    assert mean == pytest.approx(EXACT[3][0], abs=5 * MEAN_ERROR)
    assert sd == pytest.approx(EXACT[3][1], abs=5 * SD_ERROR)


def test_a_saved_unfolding_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    simulation = simulated(1000, generator(19))
    _, measured = nature(1000, generator(20))
    little = {"ensemble": 2, "epochs": 2, "later_epochs": 1, "iterations": 2}
    whole = omnifold(**little)
    slot = Slot("omnifold", {**FAST, **little})

    def keep() -> None:
        if len(whole.history) == 1:
            save_model(whole, tmp_path, "unfolder", slot, BuildContext())

    whole.keep = keep
    whole.fit(simulation, measured, None, generator(21))
    resumed = _loaded(tmp_path)
    assert len(resumed.history) == 1
    resumed.fit(simulation, measured, None, generator(21))
    assert resumed.history == whole.history
    for name, family in whole.unfold().families.items():
        assert torch.equal(family.weights, resumed.unfold().families[name].weights), name
    # Other data are another unfolding.
    other = _loaded(tmp_path)
    _, fewer = nature(900, generator(22))
    other.fit(simulation, fewer, None, generator(21))
    assert float(weights(other.unfold()).sum()) == pytest.approx(900)


def _loaded(path: Path) -> OmniFold:
    from crosshook.plugins.unfold.omnifold.unfolder import OmniFold

    loaded = load_model(path, BuildContext())
    assert isinstance(loaded, OmniFold)
    return loaded


def test_what_cannot_be_unfolded_is_refused() -> None:
    simulation = simulated(100, generator(23))
    _, measured = nature(100, generator(24))
    none = torch.zeros(100, dtype=torch.bool)
    with pytest.raises(ConfigurationError, match="fit comes first"):
        omnifold().unfold()
    with pytest.raises(InputError, match="0 of 100 simulated events have truth"):
        omnifold().fit(replace(simulation, has_truth=none), measured, None, generator(25))
    one = Measured(measured.reco.select(slice(0, 1)), measured.weight[:1])
    with pytest.raises(InputError, match="1 measured and background events"):
        omnifold().fit(simulation, one, None, generator(25))
    with pytest.raises(InputError, match="sum of weights of 0"):
        omnifold().fit(simulation, measured, measured, generator(25))
    other = replace(measured, reco=replace(measured.reco, names=("y",)))
    with pytest.raises(InputError, match="columns of data or background are y"):
        omnifold().fit(simulation, other, None, generator(25))
    measured.reco.dense[7, 0] = float("inf")
    with pytest.raises(InputError, match="row 7 of those used, column x: inf"):
        omnifold().fit(simulation, measured, None, generator(25))


def test_a_constant_column_does_no_harm() -> None:
    rng = generator(26)
    simulation = simulated(2000, rng)
    truth, measured = nature(2000, rng)
    flat = torch.zeros(2000, 1, dtype=torch.float64)

    def wider(features: Features) -> Features:
        return Features(torch.cat([features.dense, flat], dim=1), ("x", "c"), ("", ""))

    found = omnifold(iterations=1)
    found.fit(
        replace(simulation, truth=wider(simulation.truth), reco=wider(simulation.reco)),
        replace(measured, reco=wider(measured.reco)),
        None,
        generator(27),
    )
    assert bool(weights(found.unfold()).isfinite().all())
    assert len(truth) == 2000
