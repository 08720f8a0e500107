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
from crosshook.core.testkit.shrink import DRAWS, with_fewest, with_smallest
from crosshook.core.testkit.subject import Case
from crosshook.core.testkit.unfolding_problem import (
    N_MEASURED,
    SMEARING,
    Problem,
    distance,
    make,
    normal,
    shape_of,
    shares,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.unfolder import EventWiseUnfolder, Unfolded, Unfolder
    from crosshook.core.testkit.subject import Subject

CASE = Case(features=1)
CASES = (CASE,)
NOISE = 0.05
"""Distance that statistics and the randomness of a training may make with all events."""


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


def problem_of(subject: Subject, smearing: float = SMEARING) -> Problem:
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
    plain = Exercise(
        "unfold",
        CASE,
        fitted(subject, problem),
        partial(fitted, subject, problem),
        _columns(problem),
        _unfold,
        row_wise=False,
        trains=True,
        fitted_to=lambda inputs: fitted(subject, Problem(**inputs)),
    )
    yield plain
    call = partial(_fit_and_unfold, subject)
    yield replace(plain, label="fit", call=call, fitted_to=None)


def _noise(n: int) -> float:
    """Distance that statistics and the randomness of a training may make with n events."""
    return float(NOISE * (N_MEASURED / n) ** 0.5)


def _with_fewest_events(
    subject: Subject,
    look: Callable[[Subject, Problem], Finding | None],
    fewest: int = DRAWS,
    smearing: float = SMEARING,
) -> Iterator[Finding]:
    """What a check says of the problem, with the fewest events that show it."""
    problem = problem_of(subject, smearing)
    finding = with_fewest(lambda n: look(subject, problem.first(n)), N_MEASURED, fewest)
    if finding is not None:
        yield finding


def families_are_complete(subject: Subject) -> Iterator[Finding]:
    """unfold gives truth rows and, for each family, finite weights `(n, k)` with k labels; among
    the families are `nominal` with one column and one of kind iteration.
    """
    yield from _with_fewest_events(subject, _incomplete, 1)


def _incomplete(subject: Subject, problem: Problem) -> Finding | None:
    result = unfolded(subject, problem)
    n = len(result.truth)
    if "nominal" not in result.families:
        message = f"no family nominal, only: {', '.join(result.families) or 'none'}"
    else:
        message = "; ".join(_family_defects(result, n))
    return Finding(message, CASE.draws(len(problem.data))) if message else None


def _family_defects(result: Unfolded, n: int) -> Iterator[str]:
    if not any(f.kind == "iteration" for f in result.families.values()):
        yield "no family of kind iteration"
    for name, family in result.families.items():
        shape = tuple(family.weights.shape)
        wanted = (n, 1) if name == "nominal" else (n, len(family.labels))
        if shape != wanted or len(family.labels) != wanted[1]:
            yield (
                f"family {name} has weights {shape} and {len(family.labels)} labels for {n} "
                "truth rows"
            )
        elif not bool(family.weights.isfinite().all()):
            yield f"family {name} has weights that are not finite"
    if not float(result.families["nominal"].weights.sum()) > 0.0:
        yield "the nominal weights do not add up to anything positive"


def closure(subject: Subject) -> Iterator[Finding]:
    """Where the data have the simulation's own truth, that truth comes out."""
    yield from _with_fewest_events(subject, _open)


def _open(subject: Subject, problem: Problem) -> Finding | None:
    n = len(problem.data)
    own = normal(200_000, subject.generator("closure")).to(subject.device)
    found = distance(shape_of(unfolded(subject, problem)), shares(own, torch.ones_like(own)))
    if found < 2.0 * _noise(n):
        return None
    message = f"no closure: the unfolded spectrum is {found:.3f} from the truth"
    return Finding(message, CASE.draws(n), figures={"distance": found})


def measured_weights_are_honoured(subject: Subject) -> Iterator[Finding]:
    """Data with weights exp(0.8 x) come from a truth further up: the mean moves with the weights,
    as it does when the same events are drawn in proportion to them.
    """
    yield from _with_fewest_events(subject, _data_weights)


def _data_weights(subject: Subject, problem: Problem) -> Finding | None:
    n = len(problem.data)
    tilt = (0.8 * problem.data).exp()
    tilt = tilt / tilt.mean()
    drawn = torch.multinomial(
        tilt.cpu(), n, replacement=True, generator=subject.generator("tilt")
    ).to(subject.device)
    weighted = shape_of(unfolded(subject, replace(problem, data_weight=tilt)))
    repeated = shape_of(unfolded(subject, replace(problem, data=problem.data[drawn])))
    flat = shape_of(unfolded(subject, problem))
    effect = distance(repeated, flat)
    if not effect > 2.0 * NOISE:
        message = f"the data do not matter: another truth changes the result by {effect:.3f}"
        return Finding(message, CASE.draws(n), figures={"distance": effect})
    message = "the weights of the measured events are ignored"
    return _nearer(weighted, repeated, flat, message, n)


def simulation_weights_are_honoured(subject: Subject) -> Iterator[Finding]:
    """A simulated event of weight 5 counts as five events: weights and repeated rows give the same
    spectrum. The detector is poor here, so that the prior matters.
    """
    yield from _with_fewest_events(subject, _simulation_weights, smearing=2.0)


def _simulation_weights(subject: Subject, problem: Problem) -> Finding | None:
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
    message = "the weights of the simulation are ignored"
    return _nearer(weighted, repeated, flat, message, len(problem.data))


def _nearer(got: Tensor, wanted: Tensor, ignoring: Tensor, message: str, n: int) -> Finding | None:
    """A finding if the result is nearer to what ignoring an input gives than to what is right."""
    right, wrong = distance(got, wanted), distance(got, ignoring)
    effect = distance(wanted, ignoring)
    if not effect > 2.0 * _noise(n) or right < 0.5 * effect:
        return None
    text = f"{message}: {right:.3f} from the right spectrum, {wrong:.3f} from the wrong one"
    figures = {"right": right, "wrong": wrong, "effect": effect}
    return Finding(text, CASE.draws(n), figures=figures)


def only_the_scale_of_weights_is_free(subject: Subject) -> Iterator[Finding]:
    """Twice the weights everywhere in the simulation, or everywhere in the data, is the same
    measurement: the shape of the result stays.
    """
    yield from _with_fewest_events(subject, _scale_matters)


def _scale_matters(subject: Subject, problem: Problem) -> Finding | None:
    n = len(problem.data)
    plain = shape_of(unfolded(subject, problem))
    doubled = {
        "the simulation": replace(problem, weight=2.0 * problem.weight),
        "the data": replace(problem, data_weight=2.0 * problem.data_weight),
    }
    for what, other in doubled.items():
        found = distance(shape_of(unfolded(subject, other)), plain)
        if not found < _noise(n):
            message = f"doubling all weights of {what} changes the shape by {found:.3f}"
            return Finding(message, CASE.draws(n), figures={"distance": found})
    return None


def absent_values_do_not_matter(subject: Subject) -> Iterator[Finding]:
    """What stands in the reco columns of missed events and the truth columns of fakes is ignored:
    other values there give the same result.
    """
    yield from _with_fewest_events(subject, _placeholders_matter, 1)


def _placeholders_matter(subject: Subject, problem: Problem) -> Finding | None:
    spectra = []
    for filling in (-999.0, 7.0):
        other = torch.full_like(problem.truth, filling)
        filled = replace(
            problem,
            truth=torch.where(problem.has_truth, problem.truth, other),
            reco=torch.where(problem.has_reco, problem.reco, other),
        )
        spectra.append(shape_of(unfolded(subject, filled)))
    found = distance(*spectra)
    if found <= subject.tolerance:
        return None
    message = f"values of missed events or fakes matter: they change the shape by {found:.3f}"
    return Finding(message, CASE.draws(len(problem.data)), figures={"distance": found})


def background_is_subtracted(subject: Subject) -> Iterator[Finding]:
    """Data with 25 % background at x = 3 and its simulation give the spectrum of clean data."""
    yield from _with_fewest_events(subject, _background_counts)


def _background_counts(subject: Subject, problem: Problem) -> Finding | None:
    rng, n = subject.generator("background"), len(problem.data)
    seen, simulated = ((3.0 + 0.3 * normal(n // 4, rng)).to(subject.device) for _ in range(2))
    dirty = replace(
        problem,
        data=torch.cat([problem.data, seen]),
        data_weight=torch.cat([problem.data_weight, torch.ones_like(seen)]),
    )
    informed = replace(dirty, background=simulated, background_weight=torch.ones_like(simulated))
    clean, ignoring, got = (
        shape_of(unfolded(subject, each)) for each in (problem, dirty, informed)
    )
    return _nearer(got, clean, ignoring, "the background is ignored", n)


def posterior_has_a_row_per_draw(subject: Subject) -> Iterator[Finding]:
    """posterior gives n · n_draws truth rows, event by event, and log-weights `(n, n_draws)`; the
    same generator gives the same draws.
    """
    if not subject.capabilities.event_wise:
        reason = "not declared event-wise"
        raise NotApplicable(reason)
    problem = problem_of(subject)
    unfolder = cast("EventWiseUnfolder", fitted(subject, problem))
    look = partial(_badly_drawn, subject, problem, unfolder)
    finding = with_smallest(look, {"data": problem.data[:20]}, {"data": (0.0, 1.0)})
    if finding is not None:
        yield finding


def _badly_drawn(
    subject: Subject, problem: Problem, unfolder: EventWiseUnfolder, given: Mapping[str, Tensor]
) -> Finding | None:
    data, n = given["data"], len(given["data"])
    few = replace(problem, data=data, data_weight=torch.ones_like(data)).measured()
    truth, weight = unfolder.posterior(few, 3, subject.generator("posterior"))
    again, _ = unfolder.posterior(few, 3, subject.generator("posterior"))
    message = ""
    if len(truth) != 3 * n:
        message = f"truth rows: {len(truth)}, wanted 3 draws of each of {n} events"
    elif tuple(weight.shape) != (n, 3):
        message = f"log-weights have shape {tuple(weight.shape)}, wanted ({n}, 3)"
    elif bool(weight.isnan().any()) or not bool(truth.dense.isfinite().all()):
        message = "a draw or its weight is not a number"
    elif not torch.equal(truth.dense, again.dense):
        message = "posterior changes though its generator is the same"
    return Finding(message, f"{CASE.rows(n)}, n_draws=3") if message else None


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
