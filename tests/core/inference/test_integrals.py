"""Integrals of events against quadrature, their errors, and what they are drawn with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.core import random
from crosshook.core.context import BuildContext
from crosshook.core.errors import NumericalError
from crosshook.core.inference.fiducial import fiducial_cross_section
from crosshook.core.inference.integrals import IntegralSettings, integrate_events
from crosshook.core.inference.latent_grid import refine_latents
from crosshook.core.inference.likelihood import ProcessShare, combined, log_likelihood
from crosshook.core.inference.proposal import EventProposal
from crosshook.core.inference.simulated import simulate_events
from crosshook.core.progress import Silent
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.interfaces.features import Features

EVENTS, N, REPLICAS = 250, 256, 8


@pytest.fixture(scope="module")
def events(toy: Any) -> Features:
    rng = random.torch_generator(3, "events")
    return simulate_events(toy.model, toy.module.Detector(), toy.theta[3], EVENTS, rng).reco


def exact(toy: Any, events: Features) -> torch.Tensor:
    y, q = events.dense.T.numpy()
    return torch.from_numpy(toy.module.exact_log_likelihood(y, q, toy.theta[:, 0].numpy()))


@pytest.mark.parametrize("sequence", ["sobol", "random"])
def test_the_toy_is_integrated_with_honest_errors(
    toy: Any, events: Features, sequence: str
) -> None:
    detector = toy.module.Detector()
    rng = random.torch_generator(3, "fiducial")
    fiducial = fiducial_cross_section(toy.model, [detector], toy.theta, rng)
    settings = IntegralSettings(N, REPLICAS, sequence, 4)  # type: ignore[arg-type]
    found = integrate_events(
        toy.model, [detector], toy.proposal, events, toy.theta, settings, Silent(), keep=True
    )
    index = torch.arange(len(toy.grid))
    share = ProcessShare("toy", found, fiducial, index, torch.zeros(len(toy.grid)))
    made = combined(toy.grid, [share])
    away = made.nominal - exact(toy, events)

    # an error out of 8 replicas is of a Student's t with 7 degrees of freedom: variance 7/5; the
    # square of a pull scatters by about 3.5 then, and θ of one event hang together
    pulls = away[:, 0] / made.relative_error[:, 0]
    assert float(pulls.square().mean()) == pytest.approx(1.4, abs=5 * 3.5 / EVENTS**0.5)
    # the bias of log I is taken away: what is left is noise
    spread = away.std(dim=0) / EVENTS**0.5
    assert bool((away.mean(dim=0).abs() < 5 * spread).all())
    # ESS of random points is what their errors say: error² = (1/ESS − 1)/N, ESS as a share
    if sequence == "random":
        expected = ((1 / made.effective - 1) / N).mean()
        assert float(made.relative_error.square().mean()) == pytest.approx(
            float(expected), rel=5 * (2 / (7 * EVENTS)) ** 0.5
        )
    assert float(made.effective.mean()) > 0.3

    # the error of a difference of log-likelihoods: replicas give it with the same 7 degrees
    summed = log_likelihood(made)
    difference = away.sum(dim=0)
    pull = (difference - difference[summed.best]) / summed.integral_error
    pull = pull[summed.integral_error > 0]
    assert float(pull.abs().max()) < 8  # t with 7 degrees: 1e-4 two-sided is 7.1 once over


def test_the_cross_section_is_that_of_the_closed_form(toy: Any) -> None:
    rng = random.torch_generator(3, "fiducial")
    detectors = [toy.module.Detector(), toy.module.Detector(acceptance=False)]
    found = fiducial_cross_section(toy.model, detectors, toy.theta, rng)
    closed = torch.from_numpy(toy.module.exact_fiducial(toy.theta[:, 0].numpy()))
    # 8 nets give the error with 7 degrees of freedom, and so the quadrature in the closed form
    assert bool(((found.value[0] - closed).abs() < 8 * found.error + 1e-9).all())
    assert float((found.error / closed).max()) < 1e-4
    # nothing lost: ∫(1 − B cos) = 1, by the same nets
    assert bool(((found.value[1] - 1).abs() < 1e-4).all())
    whole = toy.model.cross_section(toy.theta[:2])
    assert bool(((whole.value - 1).abs() < 8 * whole.error + 1e-9).all())


def test_uniform_points_are_far_worse(toy: Any, events: Features) -> None:
    settings = IntegralSettings(1024, REPLICAS, "random", 4)
    found = integrate_events(
        toy.model,
        [toy.module.Detector()],
        EventProposal(None, None),
        events.select(slice(0, 40)),
        toy.theta[:2],
        settings,
        Silent(),
        keep=False,
    )
    assert float(found.effective.mean()) < 0.1
    assert found.deviations is None


def test_integrals_do_not_depend_on_how_they_are_shared_out(toy: Any, events: Features) -> None:
    def of(some: Features, threads: int = 1) -> torch.Tensor:
        settings = IntegralSettings(N, REPLICAS, "sobol", 4, threads)
        return integrate_events(
            toy.model,
            [toy.module.Detector()],
            toy.proposal,
            some,
            toy.theta[:3],
            settings,
            Silent(),
            keep=False,
        ).log_value

    whole = of(events)
    assert torch.equal(whole, of(events))
    assert torch.equal(whole, of(events, threads=2))
    assert of(events.select(slice(0, 0))).shape == (1, 0, 3)


def draws(proposal: EventProposal, events: Features, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    numbers = random.uniform(9, "draws", 0, (len(events), n, proposal.numbers(2)))
    return proposal.draw(events, numbers)


def test_a_mixture_of_anchors_knows_its_density(
    toy: Any, events: Features, teach: Callable[..., EventProposal]
) -> None:
    told = teach(toy.model, toy.module.Detector(), toy.theta, 3)
    assert told.anchors is not None
    assert len(told.anchors) == 3
    few = events.select(slice(0, 20))
    u, log_q = draws(told, few, 999)
    # E_q[f/q] = ∫f = 1 for a density f that q covers: here a polynomial over the square
    value = 36 * (u * (1 - u)).prod(dim=2)
    ratio = value * torch.exp(-log_q)
    error = float(ratio.std()) / ratio.numel() ** 0.5
    assert float(ratio.mean()) == pytest.approx(1.0, abs=5 * error)


def test_a_grid_of_latents_keeps_the_density_right(toy: Any, events: Features) -> None:
    registry = default_registry()
    detector = toy.module.Detector()
    rng = random.torch_generator(6, "latents")
    context = BuildContext(rng=rng, registry=registry)
    refined = refine_latents(toy.proposal, toy.model, detector, toy.theta, 60, context)
    assert refined.warm is not None
    few = events.select(slice(0, 20))
    u, log_q = draws(refined, few, 1000)
    # E_q[f/q] = ∫f = 1 for the density f of the mapping alone, which is about as narrow as q
    told = toy.proposal.conditions(few).repeat_interleave(1000, dim=0)
    channel = torch.zeros(len(told), dtype=torch.int64)
    with torch.no_grad():
        log_f = toy.proposal.mapping.inverse(u.reshape(-1, 2), channel, told)[1]
    ratio = torch.exp(log_f - log_q.reshape(-1))
    error = float(ratio.std()) / ratio.numel() ** 0.5
    assert float(ratio.mean()) == pytest.approx(1.0, abs=5 * error)


class Blind:
    """A detector that sees nothing."""

    def log_prob(self, reco: Features, truth: Features) -> torch.Tensor:
        return torch.zeros_like(reco.dense[:, 0])

    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        return truth.repeated(n_draws)

    def log_acceptance(self, truth: Features) -> torch.Tensor:
        return torch.full_like(truth.dense[:, 0], -math.inf)


def test_zero_acceptance_is_said(toy: Any) -> None:
    rng = random.torch_generator(3, "blind")
    with pytest.raises(NumericalError, match=r"toy: σ_fid = 0 pb at θ = .*acceptance.* is zero"):
        fiducial_cross_section(toy.model, [Blind()], toy.theta, rng)
    with pytest.raises(NumericalError, match=r"toy at alpha = 0: 0 of .* the acceptance is zero"):
        simulate_events(toy.model, Blind(), toy.theta[0], 10, rng)


class Broken(Blind):
    """A detector whose density is no number."""

    def log_prob(self, reco: Features, truth: Features) -> torch.Tensor:
        return torch.full_like(reco.dense[:, 0], math.nan)


def test_what_is_no_number_is_not_averaged_away(toy: Any, events: Features) -> None:
    settings = IntegralSettings(16, 2, "random", 4)
    with pytest.raises(NumericalError, match=r"log of ε\(z\) T\(x\|z\) is NaN"):
        integrate_events(
            toy.model,
            [Broken()],
            EventProposal(None, None),
            events,
            toy.theta,
            settings,
            Silent(),
            keep=False,
        )
