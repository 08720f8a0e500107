"""Checks of unweighters: exact expectation at a fixed fitted state, nothing lost, nothing made up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.testkit.acceptance import (
    KnownCandidates,
    asking_by_repetition,
    expectation_by_repetition,
    expectation_by_scan,
    kept_factor,
)
from crosshook.core.testkit.compare import first_row, show_row
from crosshook.core.testkit.exercise import Exercise
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.shrink import DRAWS, with_fewest, with_smallest
from crosshook.core.testkit.unweighter_cases import (
    CASES,
    EXACT,
    MISSES,
    PILOTS,
    SIMPLE,
    classes_of,
    columns,
    fitted,
    fitted_to,
    pilot_columns,
    pilot_of,
    with_smallest_pilot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.core.testkit.acceptance import WeightClasses
    from crosshook.core.testkit.subject import Case, Subject
    from crosshook.core.testkit.unweighter_cases import Stage

ROWS = (0, 1, 1000)
SIZES = (1e-9, 1e-3, 0.1, 0.5, 0.99, 1.0, 1.0001, 1.5, 10.0, 1e4)
REPEATED = (0.3, 0.7, 1.0, 2.0)


def _outcome(built: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """kept · factor of each row, so that outcomes can be compared row by row."""
    unweighter = cast("Unweighter", built)
    candidates = KnownCandidates(inputs["channel"], inputs["weight"], inputs["surrogate"])
    kept = unweighter.unweight(candidates, inputs["uniform"])
    factor = torch.zeros_like(inputs["weight"]).index_put((kept.index,), kept.factor)
    return {"kept · factor": factor}


def exercises(subject: Subject) -> Iterator[Exercise]:
    """unweight for every kind of weights, number of channels and number of rows."""
    for case in CASES:
        for kind in PILOTS:
            unweighter = fitted(subject, case, kind)
            for n in ROWS:
                yield Exercise(
                    f"unweight ({kind})",
                    case,
                    unweighter,
                    partial(fitted, subject, case, kind),
                    candidates_of(subject, case, kind, n, unweighter.n_uniform),
                    _outcome,
                    {"kept · factor": ()},
                    simple=SIMPLE,
                )


def candidates_of(
    subject: Subject, case: Case, kind: str, n: int, n_uniform: int
) -> dict[str, Tensor]:
    """n candidates with their uniform numbers."""
    rng = subject.generator(f"uniform/{n}")
    uniform = torch.rand((n, n_uniform), generator=rng, dtype=torch.float64, device="cpu")
    return columns(subject, case, n, kind) | {"uniform": uniform.to(subject.device)}


def _describe(classes: WeightClasses, maxima: Tensor, row: int) -> str:
    channel = int(classes.channel[row])
    return (
        f"candidate: weight {float(classes.weight[row]):.6g}, surrogate {float(classes.surrogate[row]):.6g}, "
        f"channel {channel} with maximum {float(maxima[channel]):.6g}"
    )


def maxima_are_usable(subject: Subject) -> Iterator[Finding]:
    """maxima() gives one finite number per channel, ≥ 0, and > 0 where the pilot had weight."""
    yield from with_smallest_pilot(subject, _unusable)


def _unusable(stage: Stage) -> Finding | None:
    maxima, k = stage.unweighter.maxima(), stage.case.channels
    if tuple(maxima.shape) != (k,):
        message = f"maxima() has shape {tuple(maxima.shape)}, wanted ({k},)"
        return Finding(message, stage.place)
    size = stage.pilot["weight"].abs()
    live = torch.zeros_like(maxima).index_add(0, stage.pilot["channel"], size) > 0
    channel = first_row(~maxima.isfinite() | (maxima < 0) | (live & ~(maxima > 0)))
    if channel < 0:
        return None
    message = f"the maximum of channel {channel} is {float(maxima[channel])}"
    return Finding(message, stage.place)


def expectation_is_exact(subject: Subject) -> Iterator[Finding]:
    """E_uniform[kept · factor] = 1 for every weight ≠ 0, tiny, negative or far above the maximum:
    the uniform number is scanned and every threshold bisected, to 10⁻¹² + 2⁻⁵² · max/|w|.
    """
    judged: set[str] = set()
    yield from with_smallest_pilot(subject, partial(_biased, judged))
    if not judged:
        reason = "kept · factor is not piecewise constant in the uniform number"
        raise NotApplicable(reason)


def _biased(judged: set[str], stage: Stage) -> Finding | None:
    unweighter = stage.unweighter
    if unweighter.n_uniform != 1:
        reason = f"takes {unweighter.n_uniform} uniform numbers a point"
        raise NotApplicable(reason)
    classes = classes_of(unweighter, SIZES, stage.misses)
    value, regular = expectation_by_scan(unweighter, classes)
    maxima = unweighter.maxima()
    ratio = maxima[classes.channel] / classes.weight.abs()
    if bool(regular.any()):
        judged.add(stage.kind)
    row = first_row(regular & ~((value - 1.0).abs() <= 1e-12 + ratio * 2.0**-52))
    if row < 0:
        return None
    message = (
        f"biased: E[kept·factor] = {float(value[row]):.10g}, not 1 "
        f"({_regime(classes, maxima, row)})"
    )
    given = _describe(classes, maxima, row)
    return Finding(message, stage.place, given, {"expectation": float(value[row])})


def _regime(classes: WeightClasses, maxima: Tensor, row: int) -> str:
    size = abs(float(classes.weight[row]))
    limit = float(maxima[int(classes.channel[row])])
    if size > limit:
        return "an overweight point: its excess is lost or doubled"
    return "a point below the maximum"


def expectation_by_repetition_is_one(subject: Subject) -> Iterator[Finding]:
    """E_uniform[kept · factor] = 1 over 10⁵ draws for each weight, and over all weights together,
    within 5σ of the sample's own error.
    """
    yield from _with_fewest_draws(subject, _biased_on_average, 100_000)


def _biased_on_average(subject: Subject, kind: str, times: int) -> Finding | None:
    unweighter = fitted(subject, CASES[0], kind)
    classes = classes_of(unweighter, REPEATED, MISSES.get(kind, (1.0,)))
    rng = subject.generator("repetition")
    mean, error = expectation_by_repetition(unweighter, classes, times, rng)
    maxima = unweighter.maxima()
    row = first_row(~((mean - 1.0).abs() <= 5.0 * error + 1e-9))
    place = f"{CASES[0].draws(times)}, pilot: {kind}"
    if row >= 0:
        message = f"biased: E[kept·factor] = {float(mean[row]):.5f} ± {float(error[row]):.5f}"
        message = f"{message}, not 1 ({_regime(classes, maxima, row)})"
        return Finding(message, place, _describe(classes, maxima, row))
    total, spread = float(mean.mean()), float(error.square().sum().sqrt()) / len(mean)
    if abs(total - 1.0) <= 5.0 * spread + 1e-9:
        return None
    message = f"biased: E[kept·factor] over all weights is {total:.5f} ± {spread:.5f}, not 1"
    return Finding(message, place)


def chance_is_that_of_asking(subject: Subject) -> Iterator[Finding]:
    """Kept.chance, in (0, 1], is how often the exact weight of a candidate is asked for: over 10⁴
    draws for each weight and surrogate within 5σ + 10 of the number asked for; always where it is
    None or 1. The cross section divides by it.
    """
    yield from _with_fewest_draws(subject, _misstated, 10_000)


def _misstated(subject: Subject, kind: str, times: int) -> Finding | None:
    unweighter = fitted(subject, CASES[0], kind)
    classes = classes_of(unweighter, REPEATED, MISSES.get(kind, (1.0,)))
    rng = subject.generator("asking")
    known, stated = asking_by_repetition(unweighter, classes, times, rng)
    chance = stated[:, 0]
    steady = (stated == chance[:, None]).all(dim=1) & (chance > 0) & (chance <= 1)
    allowed = 5.0 * (times * chance * (1 - chance)).sqrt() + 10.0 * (chance < 1)
    row = first_row(~(steady & ((known.sum(dim=1) - times * chance).abs() <= allowed)))
    if row < 0:
        return None
    message = (
        f"an exact weight is asked for {int(known[row].sum())} times of {times}, and the "
        f"chance is said to be {float(chance[row]):.6g}"
    )
    given = _describe(classes, unweighter.maxima(), row)
    return Finding(message, f"{CASES[0].draws(times)}, pilot: {kind}", given)


def _with_fewest_draws(
    subject: Subject, look: Callable[[Subject, str, int], Finding | None], times: int
) -> Iterator[Finding]:
    for kind in ("negative", *MISSES):
        finding = with_fewest(partial(look, subject, kind), times, DRAWS)
        if finding is not None:
            yield finding
            return


def zero_weight_is_never_kept(subject: Subject) -> Iterator[Finding]:
    """A point of weight 0 is never kept, not even at uniform = 0."""
    yield from with_smallest_pilot(subject, _keeps_zeros)


def _keeps_zeros(stage: Stage) -> Finding | None:
    k = stage.case.channels
    zeros = torch.zeros(k, dtype=torch.float64, device=stage.device)
    channel = torch.arange(k, device=stage.device)
    for v in (0.0, 2.0**-53, 0.5, 1.0 - 2.0**-53):
        for surrogate in (zeros, zeros + 1.0):
            candidates = KnownCandidates(channel, zeros, surrogate)
            kept = stage.unweighter.unweight(candidates, stage.uniform(k, v))
            if kept.index.numel():
                given = f"candidate: weight 0, surrogate {float(surrogate[0]):g}, uniform = {v:g}"
                message = f"keeps a point of weight 0 at uniform = {v:g}"
                return Finding(message, stage.place, given)
    return None


def overweights_are_kept(subject: Subject) -> Iterator[Finding]:
    """A known weight above the maximum is always kept, with its excess: factor = 1."""
    yield from with_smallest_pilot(subject, _loses_overweights, EXACT)


def _loses_overweights(stage: Stage) -> Finding | None:
    classes = classes_of(stage.unweighter, (1.0001, 1.5, 100.0))
    maxima = stage.unweighter.maxima()
    for v in (0.0, 0.3, 0.9, 1.0 - 2.0**-53):
        out = kept_factor(stage.unweighter, classes, stage.uniform(len(classes.weight), v))
        row = first_row(~((out - 1.0).abs() <= 1e-9))
        if row >= 0:
            fate = f"keeps with factor {float(out[row]):.6g}" if out[row] else "drops"
            message = f"{fate} an overweight point at uniform = {v:g}"
            return Finding(message, stage.place, _describe(classes, maxima, row))
    return None


def kept_weights_are_equal(subject: Subject) -> Iterator[Finding]:
    """Known weights up to the maximum come out equal: factor · |w| = the channel's maximum."""
    yield from with_smallest_pilot(subject, _unequal, EXACT)


def _unequal(stage: Stage) -> Finding | None:
    classes = classes_of(stage.unweighter, (1e-3, 0.1, 0.5, 0.99))
    maxima = stage.unweighter.maxima()
    factor = kept_factor(stage.unweighter, classes, stage.uniform(len(classes.weight), 1e-6))
    out, limit = factor * classes.weight.abs(), maxima[classes.channel]
    row = first_row((out > 0) & (limit > 0) & ~((out - limit).abs() <= 1e-9 * limit))
    if row < 0:
        return None
    message = f"a kept weight is {float(out[row]):.10g}, not the maximum"
    return Finding(message, stage.place, _describe(classes, maxima, row))


def kept_rows_are_in_order(subject: Subject) -> Iterator[Finding]:
    """Kept.index is int64, ascending without repeats and within the candidates; factor has one
    finite, positive number for each.
    """
    yield from _with_fewest_candidates(subject, _disordered, ROWS)


def _disordered(
    subject: Subject, case: Case, kind: str, inputs: Mapping[str, Tensor]
) -> Finding | None:
    candidates = KnownCandidates(inputs["channel"], inputs["weight"], inputs["surrogate"])
    kept = fitted(subject, case, kind).unweight(candidates, inputs["uniform"])
    index, factor, n = kept.index, kept.factor, len(inputs["weight"])
    message = ""
    if index.dtype != torch.int64 or index.dim() != 1:
        message = f"index is {index.dtype} of shape {tuple(index.shape)}"
    elif index.numel() and (int(index.min()) < 0 or int(index.max()) >= n):
        message = f"index runs from {int(index.min())} to {int(index.max())} of {n}"
    elif bool((index[1:] <= index[:-1]).any()):
        message = "index is not ascending or holds a row twice"
    elif factor.shape != index.shape:
        message = f"{index.numel()} kept rows, but factor has shape {tuple(factor.shape)}"
    elif not bool((factor.isfinite() & (factor > 0)).all()):
        message = f"a factor is {float(factor.min())}; factors are positive and finite"
    return Finding(message, f"{case.rows(n)}, pilot: {kind}") if message else None


def fitted_state_is_frozen(subject: Subject) -> Iterator[Finding]:
    """unweight changes nothing: after other candidates, overweights among them, the same candidates
    meet the same decisions, and maxima() gives the same numbers.
    """
    yield from _with_fewest_candidates(subject, _thaws, (1000,))


def _thaws(
    subject: Subject, case: Case, kind: str, inputs: Mapping[str, Tensor]
) -> Finding | None:
    unweighter = fitted(subject, case, kind)
    before = unweighter.maxima().clone()
    first = _outcome(unweighter, inputs)["kept · factor"]
    huge = {name: 1e3 * inputs[name] for name in ("weight", "surrogate")}
    _outcome(unweighter, {**inputs, **huge})
    row = first_row(_outcome(unweighter, inputs)["kept · factor"] != first)
    place = f"{case.rows(len(first))}, pilot: {kind}"
    if row >= 0:
        message = "decisions change after other candidates were unweighted"
        return Finding(message, place, show_row(inputs, row))
    channel = first_row(unweighter.maxima() != before)
    if channel < 0:
        return None
    message = (
        f"the maximum of channel {channel} changes from {float(before[channel]):.6g} to "
        f"{float(unweighter.maxima()[channel]):.6g} after the fit"
    )
    return Finding(message, place)


def _with_fewest_candidates(
    subject: Subject,
    look: Callable[[Subject, Case, str, Mapping[str, Tensor]], Finding | None],
    rows: tuple[int, ...],
) -> Iterator[Finding]:
    for case in CASES:
        for kind in PILOTS:
            n_uniform = fitted(subject, case, kind).n_uniform
            for n in rows:
                inputs = candidates_of(subject, case, kind, n, n_uniform)
                finding = with_smallest(
                    partial(look, subject, case, kind), inputs, SIMPLE, where=str(case)
                )
                if finding is not None:
                    yield finding
                    return


def fit_keeps_to_its_inputs(subject: Subject) -> Iterator[Finding]:
    """fit leaves the pilot alone, uses no generator but the one it is given, and gives the same
    maxima for the same pilot and generator; its report is a tuple of sentences.
    """
    case, kind = CASES[-1], "negative"
    look = partial(_meddles, subject, case, kind)
    finding = with_smallest(look, pilot_columns(subject, case, kind), SIMPLE)
    if finding is not None:
        yield finding


def _meddles(
    subject: Subject, case: Case, kind: str, points: Mapping[str, Tensor]
) -> Finding | None:
    given = {name: value.clone() for name, value in points.items()}
    state = torch.get_rng_state()
    unweighter = cast("Unweighter", subject.build(case))
    notes = unweighter.fit(pilot_of(given, case), subject.generator("fit"))
    message = ""
    if not all(torch.equal(given[name], points[name]) for name in points):
        message = "fit mutates its pilot"
    elif not torch.equal(state, torch.get_rng_state()):
        message = "fit changes global state: torch's generator"
    elif not isinstance(notes, tuple) or not all(isinstance(n, str) for n in notes):
        message = f"fit returns {notes!r}, not a tuple of sentences"
    else:
        torch.rand(5, device="cpu")
        again = fitted_to(subject, case, points).maxima()
        if not torch.equal(again, unweighter.maxima()):
            message = "fit gives different maxima for the same pilot and generator"
    torch.set_rng_state(state)
    place = f"{case.rows(len(points['weight']))}, pilot: {kind}"
    return Finding(message, place) if message else None


CHECKS = (
    maxima_are_usable,
    expectation_is_exact,
    expectation_by_repetition_is_one,
    chance_is_that_of_asking,
    zero_weight_is_never_kept,
    overweights_are_kept,
    kept_weights_are_equal,
    kept_rows_are_in_order,
    fitted_state_is_frozen,
    fit_keeps_to_its_inputs,
)
