"""Checks of unfolders: complete results, weights honoured, rows without truth or reco ignored.

Distances between unfolded spectra are total variations over ten bins. With 4000 events the
statistical distance of two samples of one distribution is below 0.03; the effects looked for are
made several times larger.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.testkit.exercise import Exercise
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.subject import Case
from crosshook.core.testkit.unfolding_problem import (
    N_MEASURED,
    Problem,
    distance,
    make,
    normal,
    shape_of,
    shares,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.unfolder import EventWiseUnfolder, Unfolded, Unfolder
    from crosshook.core.testkit.subject import Subject

CASE = Case(features=1)
CASES = (CASE,)
NOISE = 0.05
"""Distance that statistics and the randomness of a training may make."""


def fitted(subject: Subject, problem: Problem) -> Unfolder:
    """A fresh unfolder, fitted to a problem; always with the same generator."""
    unfolder = cast("Unfolder", subject.build(CASE))
    unfolder.fit(
        problem.simulation(),
        problem.measured(),
        problem.subtracted(),
        subject.generator("fit"),
    )
    return unfolder


def unfolded(subject: Subject, problem: Problem) -> Unfolded:
    """The result of a fresh fit."""
    return fitted(subject, problem).unfold()


def problem_of(subject: Subject, smearing: float = 0.5) -> Problem:
    """The problem of the kit."""
    return make(subject.generator("unfolding"), subject.device, smearing)


def _columns(problem: Problem) -> dict[str, Tensor]:
    names = ("truth", "reco", "weight", "has_truth", "has_reco", "data", "data_weight")
    return {name: getattr(problem, name) for name in names}


def _results(result: Unfolded) -> dict[str, Tensor]:
    families = {name: family.weights for name, family in result.families.items()}
    return {"truth": result.truth.dense, **families}


def _fit_and_unfold(
    subject: Subject, built: object, inputs: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    return _results(unfolded(subject, Problem(**inputs)))


def _unfold(built: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return _results(cast("Unfolder", built).unfold())


def exercises(subject: Subject) -> Iterator[Exercise]:
    """unfold after a fit, and both together."""
    problem = problem_of(subject)
    built, inputs = fitted(subject, problem), _columns(problem)
    fresh = partial(fitted, subject, problem)
    yield Exercise("unfold", CASE, built, fresh, inputs, _unfold, row_wise=False, trains=True)
    call = partial(_fit_and_unfold, subject)
    yield Exercise("fit", CASE, built, fresh, inputs, call, row_wise=False, trains=True)


def families_are_complete(subject: Subject) -> Iterator[Finding]:
    """unfold gives truth rows and, for each family, finite weights `(n, k)` with k labels; among
    the families are `nominal` with one column and one of kind iteration.
    """
    result = unfolded(subject, problem_of(subject))
    n = len(result.truth)
    case = CASE.rows(n)
    if "nominal" not in result.families:
        yield Finding(f"no family nominal, only: {', '.join(result.families) or 'none'}", case)
        return
    if not any(f.kind == "iteration" for f in result.families.values()):
        yield Finding("no family of kind iteration", case)
    for name, family in result.families.items():
        shape = tuple(family.weights.shape)
        wanted = (n, 1) if name == "nominal" else (n, len(family.labels))
        if shape != wanted or len(family.labels) != wanted[1]:
            yield Finding(
                f"family {name} has weights {shape} and {len(family.labels)} labels for {n} "
                "truth rows",
                case,
            )
        elif not bool(family.weights.isfinite().all()):
            yield Finding(f"family {name} has weights that are not finite", case)
    if not float(result.families["nominal"].weights.sum()) > 0.0:
        yield Finding("the nominal weights do not add up to anything positive", case)


def closure(subject: Subject) -> Iterator[Finding]:
    """Where the data have the simulation's own truth, that truth comes out."""
    problem = problem_of(subject)
    own = normal(200_000, subject.generator("closure")).to(subject.device)
    found = distance(shape_of(unfolded(subject, problem)), shares(own, torch.ones_like(own)))
    if not found < 2.0 * NOISE:
        message = f"no closure: the unfolded spectrum is {found:.3f} from the truth"
        yield Finding(message, CASE.rows(N_MEASURED), figures={"distance": found})


def measured_weights_are_honoured(subject: Subject) -> Iterator[Finding]:
    """Data with weights exp(0.8 x) come from a truth further up: the mean moves with the weights,
    as it does when the same events are drawn in proportion to them.
    """
    problem = problem_of(subject)
    tilt = (0.8 * problem.data).exp()
    tilt = tilt / tilt.mean()
    drawn = torch.multinomial(
        tilt.cpu(), N_MEASURED, replacement=True, generator=subject.generator("tilt")
    ).to(subject.device)
    weighted = shape_of(unfolded(subject, replace(problem, data_weight=tilt)))
    repeated = shape_of(unfolded(subject, replace(problem, data=problem.data[drawn])))
    flat = shape_of(unfolded(subject, problem))
    effect = distance(repeated, flat)
    if not effect > 2.0 * NOISE:
        message = f"the data do not matter: another truth changes the result by {effect:.3f}"
        yield Finding(message, CASE.rows(N_MEASURED), figures={"distance": effect})
        return
    yield from _nearer(weighted, repeated, flat, "the weights of the measured events are ignored")


def simulation_weights_are_honoured(subject: Subject) -> Iterator[Finding]:
    """A simulated event of weight 5 counts as five events: weights and repeated rows give the same
    spectrum. The detector is poor here, so that the prior matters.
    """
    problem = problem_of(subject, smearing=2.0)
    heavy = (problem.truth > 0) & problem.has_truth
    weight = torch.where(heavy, 5.0, 1.0).to(problem.weight)
    times = torch.where(heavy, 5, 1)
    rows = torch.arange(len(times), device=times.device).repeat_interleave(times)
    copies = replace(
        problem,
        **{
            name: getattr(problem, name)[rows]
            for name in ("truth", "reco", "weight", "has_truth", "has_reco")
        },
    )
    weighted = shape_of(unfolded(subject, replace(problem, weight=weight)))
    repeated = shape_of(unfolded(subject, copies))
    flat = shape_of(unfolded(subject, problem))
    yield from _nearer(weighted, repeated, flat, "the weights of the simulation are ignored")


def _nearer(got: Tensor, wanted: Tensor, ignoring: Tensor, message: str) -> Iterator[Finding]:
    """A finding if the result is nearer to what ignoring an input gives than to what is right."""
    right, wrong = distance(got, wanted), distance(got, ignoring)
    effect = distance(wanted, ignoring)
    if effect > 2.0 * NOISE and not right < 0.5 * effect:
        text = f"{message}: {right:.3f} from the right spectrum, {wrong:.3f} from the wrong one"
        figures = {"right": right, "wrong": wrong, "effect": effect}
        yield Finding(text, CASE.rows(N_MEASURED), figures=figures)


def only_the_scale_of_weights_is_free(subject: Subject) -> Iterator[Finding]:
    """Twice the weights everywhere in the simulation, or everywhere in the data, is the same
    measurement: the shape of the result stays.
    """
    problem = problem_of(subject)
    plain = shape_of(unfolded(subject, problem))
    doubled = {
        "the simulation": replace(problem, weight=2.0 * problem.weight),
        "the data": replace(problem, data_weight=2.0 * problem.data_weight),
    }
    for what, other in doubled.items():
        found = distance(shape_of(unfolded(subject, other)), plain)
        if not found < NOISE:
            message = f"doubling all weights of {what} changes the shape by {found:.3f}"
            yield Finding(message, CASE.rows(N_MEASURED), figures={"distance": found})


def absent_values_do_not_matter(subject: Subject) -> Iterator[Finding]:
    """What stands in the reco columns of missed events and the truth columns of fakes is ignored:
    other values there give the same result.
    """
    problem = problem_of(subject)
    spectra = []
    for filling in (-999.0, 7.0):
        other = torch.full_like(problem.truth, filling)
        spectra.append(
            shape_of(
                unfolded(
                    subject,
                    replace(
                        problem,
                        truth=torch.where(problem.has_truth, problem.truth, other),
                        reco=torch.where(problem.has_reco, problem.reco, other),
                    ),
                )
            )
        )
    found = distance(*spectra)
    if not found <= subject.tolerance:
        message = f"values of missed events or fakes matter: they change the shape by {found:.3f}"
        yield Finding(message, CASE.rows(N_MEASURED), figures={"distance": found})


def background_is_subtracted(subject: Subject) -> Iterator[Finding]:
    """Data with 25 % background at x = 3 and its simulation give the spectrum of clean data."""
    problem = problem_of(subject)
    rng = subject.generator("background")
    n = N_MEASURED // 4
    seen, simulated = ((3.0 + 0.3 * normal(n, rng)).to(subject.device) for _ in range(2))
    dirty = replace(
        problem,
        data=torch.cat([problem.data, seen]),
        data_weight=torch.cat([problem.data_weight, torch.ones_like(seen)]),
    )
    informed = replace(dirty, background=simulated, background_weight=torch.ones_like(simulated))
    clean, ignoring, got = (
        shape_of(unfolded(subject, each)) for each in (problem, dirty, informed)
    )
    yield from _nearer(got, clean, ignoring, "the background is ignored")


def posterior_has_a_row_per_draw(subject: Subject) -> Iterator[Finding]:
    """posterior gives n · n_draws truth rows, event by event, and log-weights `(n, n_draws)`; the
    same generator gives the same draws.
    """
    if not subject.capabilities.event_wise:
        reason = "not declared event-wise"
        raise NotApplicable(reason)
    problem = problem_of(subject)
    unfolder = cast("EventWiseUnfolder", fitted(subject, problem))
    few = replace(problem, data=problem.data[:20], data_weight=problem.data_weight[:20])
    truth, weight = unfolder.posterior(few.measured(), 3, subject.generator("posterior"))
    again, _ = unfolder.posterior(few.measured(), 3, subject.generator("posterior"))
    message = ""
    if len(truth) != 60:
        message = f"20 events with 3 draws give {len(truth)} truth rows"
    elif tuple(weight.shape) != (20, 3):
        message = f"log-weights have shape {tuple(weight.shape)}, wanted (20, 3)"
    elif bool(weight.isnan().any()) or not bool(truth.dense.isfinite().all()):
        message = "a draw or its weight is not a number"
    elif not torch.equal(truth.dense, again.dense):
        message = "posterior changes though its generator is the same"
    if message:
        yield Finding(message, CASE.rows(20))


CHECKS = (
    families_are_complete,
    closure,
    measured_weights_are_honoured,
    simulation_weights_are_honoured,
    only_the_scale_of_weights_is_free,
    absent_values_do_not_matter,
    background_is_subtracted,
    posterior_has_a_row_per_draw,
)
