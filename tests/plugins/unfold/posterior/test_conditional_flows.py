"""The unfolders by a posterior on Gaussians, where posterior and iterations are known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Measured, Simulation
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.unfolder import EventWiseUnfolder, Unfolded

N = 6000
SMEARING = 0.5
MEAN, WIDTH = 0.2, 0.8
"""Of the truth in nature; in the simulation 0 and 1."""
ITERATIONS = 4
OPTIONS: dict[str, dict[str, object]] = {
    "conditional-flow": {"epochs": 20, "hidden": 24, "bins": 8},
    "conditional-flow-matching": {"epochs": 50, "hidden": 32, "depth": 2, "steps": 5},
}


def normal(n: int, purpose: str) -> Tensor:
    return torch.randn(n, generator=torch_generator(11, purpose), dtype=torch.float64)


def column(values: Tensor) -> Features:
    return Features(values[:, None], ("x",), ("GeV",))


def ones(n: int) -> Tensor:
    return torch.ones(n, dtype=torch.float64)


def build(name: str, **options: object) -> EventWiseUnfolder:
    chosen = {**OPTIONS[name], "iterations": ITERATIONS, "draws": 4, "ratio_epochs": 3, **options}
    context = BuildContext(features=("x",))
    slot = {"use": name, "options": chosen}
    return cast("EventWiseUnfolder", default_registry().build("unfolder", slot, context))


def simulated(n: int = N) -> Simulation:
    truth = normal(n, "truth")
    reco = truth + SMEARING * normal(n, "smearing")
    everywhere = torch.ones(n, dtype=torch.bool)
    return Simulation(column(truth), column(reco), ones(n), everywhere, everywhere)


def nature(n: int = N) -> tuple[Tensor, Tensor]:
    """Truth and reco of n events."""
    truth = MEAN + WIDTH * normal(n, "nature")
    return truth, truth + SMEARING * normal(n, "smearing in nature")


@dataclass(frozen=True)
class Fitted:
    """One method after its fit to the Gaussian problem."""

    name: str
    unfolder: EventWiseUnfolder
    result: Unfolded


@pytest.fixture(scope="module", params=list(OPTIONS))
def fitted(request: pytest.FixtureRequest) -> Fitted:
    unfolder = build(request.param)
    reco = nature()[1]
    unfolder.fit(simulated(), Measured(column(reco), ones(N)), None, torch_generator(3, "fit"))
    return Fitted(request.param, unfolder, unfolder.unfold())


def exact_iterations() -> list[tuple[float, float]]:
    """Mean and standard deviation of the truth after each iteration with perfect networks: for a
    Gaussian prior, posterior and data, all of this is on a grid; see also benchmarks/unfolding.py.
    """
    x = torch.linspace(-6.0, 6.0, 601, dtype=torch.float64)
    dx = float(x[1] - x[0])

    def gaussian(values: Tensor, mean: Tensor | float, width: float) -> Tensor:
        pull = (values - mean) / width
        return torch.exp(-0.5 * pull**2) / (width * math.sqrt(2 * math.pi))

    response = gaussian(x[:, None], x[None, :], SMEARING)
    density, seen = gaussian(x, 0.0, 1.0), gaussian(x, MEAN, math.hypot(WIDTH, SMEARING))
    found = []
    for _ in range(ITERATIONS):
        density = density * (response.T @ (seen / (response @ density * dx))) * dx
        mean = float((x * density).sum() * dx)
        found.append((mean, math.sqrt(float(((x - mean) ** 2 * density).sum() * dx))))
    return found


def test_iterations_follow_expectation_maximisation(fitted: Fitted) -> None:
    """5σ: the mean of N measured and of N simulated events, of standard deviation 1 each, are
    known to 1/√N, the widths to 1/√(2N), and unfolding amplifies neither by more than the full
    response, 1.25 (the posterior's slope is 0.8).
    """
    truth = fitted.result.truth.dense[:, 0]
    weights = fitted.result.families["iterations"].weights
    error = 5 * 1.25 * math.sqrt(2 / N)
    for k, (mean, width) in enumerate(exact_iterations()):
        share = weights[:, k] / weights[:, k].sum()
        found = float((share * truth).sum())
        assert found == pytest.approx(mean, abs=error)
        variance = float((share * (truth - found) ** 2).sum())
        assert math.sqrt(variance) == pytest.approx(width, abs=error / math.sqrt(2))


def test_number_of_events_is_kept(fitted: Fitted) -> None:
    """Nothing is missed and nothing is fake: every iteration has as many events as the data."""
    for weights in fitted.result.families["iterations"].weights.T:
        assert float(weights.sum()) == pytest.approx(N, rel=1e-9)


def test_ranks_of_the_posterior_are_uniform(fitted: Fitted) -> None:
    """Simulation-based calibration (1804.06788): the truth of an event of the simulation has a
    uniform rank among draws, that of one of nature a uniform rank among weighted draws.

    Tolerances are 5σ of so many ranks, plus for the weighted ones 5/√N for the prior found.
    """
    events, draws = 2000, 30
    uniform = 1 / 12
    for purpose, mean, width in (("simulation", 0.0, 1.0), ("nature", MEAN, WIDTH)):
        truth = mean + width * normal(events, f"{purpose}, ranks")
        reco = truth + SMEARING * normal(events, f"{purpose}, smearing")
        drawn, log_weight = fitted.unfolder.posterior(
            Measured(column(reco), ones(events)), draws, torch_generator(5, "draws")
        )
        values = drawn.dense[:, 0].view(events, draws)
        weight = log_weight.exp() / draws
        assert torch.allclose(weight.sum(dim=1), ones(events))
        if purpose == "simulation":
            weight = torch.full_like(weight, 1 / draws)
        rank = (weight * (values < truth[:, None])).sum(dim=1)
        prior = 0.0 if purpose == "simulation" else 5 / math.sqrt(N)
        # A rank among draws has ⟨p(1 - p)⟩ = 1/6 of their weights' squares in its variance, and
        # the squared distance of a uniform number from 1/2 the variance 1/180.
        of_draws = float((weight**2).sum(dim=1).mean()) / 6
        error = 5 * math.sqrt(uniform / events) + prior
        assert float(rank.mean()) == pytest.approx(0.5, abs=error)
        error = 5 * math.sqrt(1 / 180 / events) + prior / 4
        assert float(rank.var()) == pytest.approx(uniform + of_draws, abs=error)


def test_posterior_is_the_exact_one(fitted: Fitted) -> None:
    """Before reweighting, truth N(0, 1) seen with smearing σ has the posterior
    N(x/(1 + σ²), σ²/(1 + σ²)); mean and width over events are held to 5σ of N training events.
    """
    events, draws = 400, 20
    reco = torch.linspace(-1.5, 1.5, events, dtype=torch.float64)
    drawn, _ = fitted.unfolder.posterior(
        Measured(column(reco), ones(events)), draws, torch_generator(6, "draws")
    )
    values = drawn.dense[:, 0].view(events, draws)
    width = SMEARING / math.hypot(1.0, SMEARING)
    off = values - reco[:, None] / (1 + SMEARING**2)
    error = 5 * width * math.sqrt(1 / N + 1 / (events * draws))
    assert float(off.mean()) == pytest.approx(0.0, abs=error)
    assert float(off.std()) == pytest.approx(width, abs=error)


@pytest.mark.parametrize("missed", ["expectation", "prior"])
def test_missed_events_and_fakes(missed: str) -> None:
    """An efficiency that rises with truth, and 10 % fakes at high reco: the number of events in
    nature comes out, with its mean; kept at the prior, lost events keep their shape.
    """
    base, n = simulated(), N
    truth, data = nature()

    def seen(values: Tensor, purpose: str) -> Tensor:
        chance = torch.rand(n, generator=torch_generator(12, purpose), dtype=torch.float64)
        return chance < 0.5 + 0.4 * torch.tanh(values)

    fakes = 2.0 + 0.5 * normal(2 * n // 10, "fakes")
    mine, theirs = fakes.chunk(2)
    nothing = torch.zeros(len(mine), dtype=torch.bool)
    simulation = Simulation(
        column(torch.cat([base.truth.dense[:, 0], torch.full_like(mine, math.nan)])),
        column(torch.cat([base.reco.dense[:, 0], mine])),
        ones(n + len(mine)),
        torch.cat([base.has_truth, nothing]),
        torch.cat([seen(base.truth.dense[:, 0], "simulation"), ~nothing]),
    )
    reco = torch.cat([data[seen(truth, "nature")], theirs])
    unfolder = build("conditional-flow", missed=missed)
    unfolder.fit(
        simulation, Measured(column(reco), ones(len(reco))), None, torch_generator(4, "fit")
    )
    result = unfolder.unfold()
    weight, rows = result.families["nominal"].weights[:, 0], result.truth.dense[:, 0]
    assert len(rows) == n
    found = float((weight * rows).sum() / weight.sum())
    error = 5 * 1.25 * math.sqrt(2 / (n / 2))
    if missed == "expectation":
        assert float(weight.sum()) == pytest.approx(n, rel=error)
        assert found == pytest.approx(exact_iterations()[-1][0], abs=error)
    else:
        lost = ~simulation.has_reco[:n]
        assert torch.allclose(weight[lost], weight[lost][0].expand(int(lost.sum())))


def test_same_generator_same_result_and_saved_state_too(fitted: Fitted) -> None:
    again = build(fitted.name)
    tensors, values = fitted.unfolder.state()  # type: ignore[attr-defined]
    again.load_state(tensors, values)  # type: ignore[attr-defined]
    few = Measured(column(nature()[1][:10]), ones(10))
    first, log_first = fitted.unfolder.posterior(few, 3, torch_generator(9, "draws"))
    second, log_second = again.posterior(few, 3, torch_generator(9, "draws"))
    assert torch.equal(first.dense, second.dense)
    assert torch.equal(log_first, log_second)
    assert again.unfold().truth.units == ("GeV",)
    assert again.unfold().notes == fitted.result.notes


def test_sets_and_negative_weights() -> None:
    """Sets stay with their rows, with their names after loading too; negative weights are told."""
    n, few = 100, {"epochs": 1, "iterations": 1, "draws": 1, "ratio_epochs": 1}
    simulation = simulated(n)
    objects = torch.zeros((n, 2, 1), dtype=torch.float64), torch.ones((n, 2), dtype=torch.bool)
    truth = replace(
        simulation.truth,
        sets={"jet": objects},
        set_names={"jet": ("pt",)},
        set_units={"jet": ("GeV",)},
    )
    weight = ones(n)
    weight[:3] = -1.0
    unfolder = build("conditional-flow", **few)
    unfolder.fit(
        replace(simulation, truth=truth, weight=weight),
        Measured(column(nature(n)[1]), ones(n)),
        None,
        torch_generator(3, "fit"),
    )
    assert any(
        "3 of 100 simulated weights are negative" in note for note in unfolder.unfold().notes
    )
    again = build("conditional-flow", **few)
    again.load_state(*unfolder.state())  # type: ignore[attr-defined]
    assert again.unfold().truth.set_names == {"jet": ("pt",)}
    assert again.unfold().truth.set_units == {"jet": ("GeV",)}


def broken(what: str) -> tuple[Simulation, Measured, Measured | None]:
    """A small problem with one thing wrong."""
    simulation = simulated(200)
    measured = Measured(column(nature(100)[1]), ones(100))
    never = torch.zeros(200, dtype=torch.bool)
    hole = simulation.reco.dense.clone()
    hole[17] = math.nan
    other = replace(measured.reco, names=("y",))
    nothing = Features(torch.zeros((200, 0), dtype=torch.float64), ())
    return {
        "all fake": (replace(simulation, has_truth=never), measured, None),
        "all missed": (replace(simulation, has_reco=never), measured, None),
        "no weights": (replace(simulation, weight=0.0 * ones(200)), measured, None),
        "empty data": (simulation, Measured(column(ones(0)), ones(0)), None),
        "only background": (simulation, measured, measured),
        "a hole": (replace(simulation, reco=column(hole[:, 0])), measured, None),
        "a hole in a weight": (simulation, replace(measured, weight=measured.weight / 0), None),
        "a hole in the background": (
            simulation,
            measured,
            replace(measured, weight=math.nan * ones(100)),
        ),
        "another column": (simulation, replace(measured, reco=other), None),
        "no columns": (replace(simulation, truth=nothing), measured, None),
    }[what]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("all fake", "0 of 200 simulated events have truth, reco and a weight"),
        ("all missed", "0 of 200 simulated events"),
        ("no weights", "0 of 200 simulated events"),
        ("empty data", "0 events are left"),
        ("only background", "0 events are left"),
        ("a hole", "row 17 of those used, column x: nan"),
        ("a hole in a weight", "column weight: inf"),
        ("a hole in the background", "background: row 0 of those used, column weight: nan"),
        ("another column", "measured columns y; simulated x"),
        ("no columns", "no dense column"),
    ],
)
def test_bad_input_is_refused(what: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build("conditional-flow").fit(*broken(what), torch_generator(1, "fit"))


def test_constant_columns_single_events_and_huge_weights_are_no_trouble() -> None:
    """Two truth columns, one of them constant; one measured event of weight 10⁹."""
    simulation = simulated(200)
    rows = torch.cat([simulation.truth.dense, torch.full((200, 1), 4.0)], dim=1)
    simulation = replace(simulation, truth=Features(rows, ("x", "c"), ("", "")))
    one = Measured(column(ones(1)), 1e9 * ones(1))
    unfolder = build("conditional-flow", epochs=1)
    unfolder.fit(simulation, one, None, torch_generator(2, "fit"))
    assert float(unfolder.unfold().families["nominal"].weights.sum()) == pytest.approx(1e9)
    drawn, _ = unfolder.posterior(one, 5, torch_generator(2, "draws"))
    assert torch.equal(drawn.dense[:, 1], 4.0 * ones(5))


def test_asked_too_early() -> None:
    with pytest.raises(ConfigurationError, match="before fit"):
        build("conditional-flow").unfold()
