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
from crosshook.core.testkit.unweighter_cases import (
    CASES,
    EXACT,
    MISSES,
    PILOTS,
    classes_of,
    columns,
    fitted,
    pilot,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.core.testkit.acceptance import WeightClasses
    from crosshook.core.testkit.subject import Subject

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
                inputs = columns(subject, case, n, kind)
                shape = (n, unweighter.n_uniform)
                rng = subject.generator(f"uniform/{n}")
                uniform = torch.rand(shape, generator=rng, dtype=torch.float64, device="cpu")
                inputs["uniform"] = uniform.to(subject.device)
                yield Exercise(
                    f"unweight ({kind})",
                    case,
                    unweighter,
                    partial(fitted, subject, case, kind),
                    inputs,
                    _outcome,
                    {"kept · factor": ()},
                )


def _describe(classes: WeightClasses, maxima: Tensor, row: int) -> str:
    channel = int(classes.channel[row])
    return (
        f"weight {float(classes.weight[row]):.6g}, surrogate {float(classes.surrogate[row]):.6g}, "
        f"channel {channel} with maximum {float(maxima[channel]):.6g}"
    )


def maxima_are_usable(subject: Subject) -> Iterator[Finding]:
    """maxima() gives one finite number per channel, ≥ 0, and > 0 where the pilot had weight."""
    for case in CASES:
        for kind in PILOTS:
            maxima = fitted(subject, case, kind).maxima()
            given = pilot(subject, case, kind)
            label = f"{case.rows(5000)}, pilot: {kind}"
            if tuple(maxima.shape) != (case.channels,):
                message = f"maxima() has shape {tuple(maxima.shape)}, wanted ({case.channels},)"
                yield Finding(message, label)
                return
            live = torch.zeros_like(maxima).index_add(0, given.channel, given.weight.abs()) > 0
            bad = ~maxima.isfinite() | (maxima < 0) | (live & ~(maxima > 0))
            row = first_row(bad)
            if row >= 0:
                yield Finding(f"the maximum of channel {row} is {float(maxima[row])}", label)
                return


def expectation_is_exact(subject: Subject) -> Iterator[Finding]:
    """E_uniform[kept · factor] = 1 for every weight ≠ 0, tiny, negative or far above the maximum:
    the uniform number is scanned and every threshold bisected, to 10⁻¹² + 2⁻⁵² · max/|w|.
    """
    judged = False
    for case in CASES:
        for kind in PILOTS:
            unweighter = fitted(subject, case, kind)
            if unweighter.n_uniform != 1:
                reason = f"takes {unweighter.n_uniform} uniform numbers a point"
                raise NotApplicable(reason)
            classes = classes_of(unweighter, SIZES, MISSES.get(kind, (1.0,)))
            value, regular = expectation_by_scan(unweighter, classes)
            maxima = unweighter.maxima()
            ratio = maxima[classes.channel] / classes.weight.abs()
            bad = regular & ~((value - 1.0).abs() <= 1e-12 + ratio * 2.0**-52)
            judged |= bool(regular.any())
            row = first_row(bad)
            if row >= 0:
                message = (
                    f"biased: E[kept·factor] = {float(value[row]):.10g}, not 1 "
                    f"({_regime(classes, maxima, row)})"
                )
                given = _describe(classes, maxima, row)
                figures = {"expectation": float(value[row])}
                yield Finding(message, f"{case}, pilot: {kind}", given, figures)
                return
    if not judged:
        reason = "kept · factor is not piecewise constant in the uniform number"
        raise NotApplicable(reason)


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
    case, times = CASES[0], 100_000
    for kind in ("negative", *MISSES):
        unweighter = fitted(subject, case, kind)
        classes = classes_of(unweighter, REPEATED, MISSES.get(kind, (1.0,)))
        rng = subject.generator("repetition")
        mean, error = expectation_by_repetition(unweighter, classes, times, rng)
        maxima = unweighter.maxima()
        row = first_row(~((mean - 1.0).abs() <= 5.0 * error + 1e-9))
        place = f"{case.rows(times)}, pilot: {kind}"
        if row >= 0:
            message = f"biased: E[kept·factor] = {float(mean[row]):.5f} ± {float(error[row]):.5f}"
            message = f"{message}, not 1 ({_regime(classes, maxima, row)})"
            yield Finding(message, place, _describe(classes, maxima, row))
            return
        total, spread = float(mean.mean()), float(error.square().sum().sqrt()) / len(mean)
        if abs(total - 1.0) > 5.0 * spread + 1e-9:
            yield Finding(f"biased: E[kept·factor] = {total:.5f} ± {spread:.5f}, not 1", place)
            return


def chance_is_that_of_asking(subject: Subject) -> Iterator[Finding]:
    """Kept.chance, in (0, 1], is how often the exact weight of a candidate is asked for: over 10⁴
    draws for each weight and surrogate within 5σ + 10 of the number asked for; always where it is
    None or 1. The cross section divides by it.
    """
    case, times = CASES[0], 10_000
    for kind in ("negative", *MISSES):
        unweighter = fitted(subject, case, kind)
        classes = classes_of(unweighter, REPEATED, MISSES.get(kind, (1.0,)))
        rng = subject.generator("asking")
        known, stated = asking_by_repetition(unweighter, classes, times, rng)
        chance = stated[:, 0]
        steady = (stated == chance[:, None]).all(dim=1) & (chance > 0) & (chance <= 1)
        allowed = 5.0 * (times * chance * (1 - chance)).sqrt() + 10.0 * (chance < 1)
        row = first_row(~(steady & ((known.sum(dim=1) - times * chance).abs() <= allowed)))
        if row >= 0:
            message = (
                f"an exact weight is asked for {int(known[row].sum())} times of {times}, and the "
                f"chance is said to be {float(chance[row]):.6g}"
            )
            given = _describe(classes, unweighter.maxima(), row)
            yield Finding(message, f"{case.rows(times)}, pilot: {kind}", given)
            return


def zero_weight_is_never_kept(subject: Subject) -> Iterator[Finding]:
    """A point of weight 0 is never kept, not even at uniform = 0."""
    for case in CASES:
        for kind in PILOTS:
            unweighter = fitted(subject, case, kind)
            for v in (0.0, 2.0**-53, 0.5, 1.0 - 2.0**-53):
                zeros = torch.zeros(case.channels, dtype=torch.float64, device=subject.device)
                channel = torch.arange(case.channels, device=subject.device)
                shape = (case.channels, unweighter.n_uniform)
                uniform = torch.full(shape, v, dtype=torch.float64, device=subject.device)
                for surrogate in (zeros, zeros + 1.0):
                    kept = unweighter.unweight(KnownCandidates(channel, zeros, surrogate), uniform)
                    if kept.index.numel():
                        place = f"{case.rows(case.channels)}, pilot: {kind}"
                        yield Finding(f"keeps a point of weight 0 at uniform = {v:g}", place)
                        return


def overweights_are_kept(subject: Subject) -> Iterator[Finding]:
    """A known weight above the maximum is always kept, with its excess: factor = 1."""
    for case in CASES:
        for kind in EXACT:
            unweighter = fitted(subject, case, kind)
            classes = classes_of(unweighter, (1.0001, 1.5, 100.0))
            maxima = unweighter.maxima()
            for v in (0.0, 0.3, 0.9, 1.0 - 2.0**-53):
                shape = (len(classes.weight), unweighter.n_uniform)
                uniform = torch.full(shape, v, dtype=torch.float64, device=subject.device)
                out = kept_factor(unweighter, classes, uniform)
                row = first_row(~((out - 1.0).abs() <= 1e-9))
                if row >= 0:
                    fate = f"keeps with factor {float(out[row]):.6g}" if out[row] else "drops"
                    message = f"{fate} an overweight point at uniform = {v:g}"
                    given = _describe(classes, maxima, row)
                    yield Finding(message, f"{case}, pilot: {kind}", given)
                    return


def kept_weights_are_equal(subject: Subject) -> Iterator[Finding]:
    """Known weights up to the maximum come out equal: factor · |w| = the channel's maximum."""
    for case in CASES:
        for kind in EXACT:
            unweighter = fitted(subject, case, kind)
            classes = classes_of(unweighter, (1e-3, 0.1, 0.5, 0.99))
            maxima = unweighter.maxima()
            shape = (len(classes.weight), unweighter.n_uniform)
            uniform = torch.full(shape, 1e-6, dtype=torch.float64, device=subject.device)
            out = kept_factor(unweighter, classes, uniform) * classes.weight.abs()
            limit = maxima[classes.channel]
            bad = (out > 0) & (limit > 0) & ~((out - limit).abs() <= 1e-9 * limit)
            row = first_row(bad)
            if row >= 0:
                message = f"a kept weight is {float(out[row]):.10g}, not the maximum"
                given = _describe(classes, maxima, row)
                yield Finding(message, f"{case}, pilot: {kind}", given)
                return


def kept_rows_are_in_order(subject: Subject) -> Iterator[Finding]:
    """Kept.index is int64, ascending without repeats and within the candidates; factor has one
    finite, positive number for each.
    """
    for case in CASES:
        for kind in PILOTS:
            unweighter = fitted(subject, case, kind)
            for n in ROWS:
                inputs = columns(subject, case, n, kind)
                shape = (n, unweighter.n_uniform)
                rng = subject.generator(f"uniform/{n}")
                uniform = torch.rand(shape, generator=rng, dtype=torch.float64, device="cpu").to(
                    subject.device
                )
                candidates = KnownCandidates(
                    inputs["channel"], inputs["weight"], inputs["surrogate"]
                )
                kept = unweighter.unweight(candidates, uniform)
                index, factor = kept.index, kept.factor
                message = ""
                if index.dtype != torch.int64 or index.dim() != 1:
                    message = f"index is {index.dtype} of shape {tuple(index.shape)}"
                elif index.numel() and (int(index.min()) < 0 or int(index.max()) >= n):
                    message = f"index runs from {int(index.min())} to {int(index.max())} of {n}"
                elif bool((index[1:] <= index[:-1]).any()):
                    message = "index is not ascending or holds a row twice"
                elif factor.shape != index.shape:
                    message = (
                        f"{index.numel()} kept rows, but factor has shape {tuple(factor.shape)}"
                    )
                elif not bool((factor.isfinite() & (factor > 0)).all()):
                    message = f"a factor is {float(factor.min())}; factors are positive and finite"
                if message:
                    yield Finding(message, f"{case.rows(n)}, pilot: {kind}")
                    return


def fitted_state_is_frozen(subject: Subject) -> Iterator[Finding]:
    """unweight changes nothing: after other candidates, overweights among them, the same candidates
    meet the same decisions, and maxima() gives the same numbers.
    """
    for case in CASES:
        for kind in PILOTS:
            unweighter = fitted(subject, case, kind)
            before = unweighter.maxima().clone()
            inputs = columns(subject, case, 1000, kind)
            shape = (1000, unweighter.n_uniform)
            rng = subject.generator("uniform/frozen")
            uniform = torch.rand(shape, generator=rng, dtype=torch.float64, device="cpu").to(
                subject.device
            )
            inputs["uniform"] = uniform
            first = _outcome(unweighter, inputs)["kept · factor"]
            huge = {**inputs, "weight": inputs["weight"] * 1e3}
            huge["surrogate"] = inputs["surrogate"] * 1e3
            _outcome(unweighter, huge)
            row = first_row(_outcome(unweighter, inputs)["kept · factor"] != first)
            place = f"{case.rows(1000)}, pilot: {kind}"
            if row >= 0:
                message = "decisions change after other candidates were unweighted"
                yield Finding(message, place, show_row(inputs, row))
                return
            row = first_row(unweighter.maxima() != before)
            if row >= 0:
                message = (
                    f"the maximum of channel {row} changes from {float(before[row]):.6g} to "
                    f"{float(unweighter.maxima()[row]):.6g} after the fit"
                )
                yield Finding(message, place)
                return


def fit_keeps_to_its_inputs(subject: Subject) -> Iterator[Finding]:
    """fit leaves the pilot alone, uses no generator but the one it is given, and gives the same
    maxima for the same pilot and generator; its report is a tuple of sentences.
    """
    case, kind = CASES[-1], "negative"
    given = pilot(subject, case, kind)
    before = (given.weight.clone(), given.channel.clone())
    state = torch.get_rng_state()
    unweighter = cast("Unweighter", subject.build(case))
    notes = unweighter.fit(given, subject.generator("fit"))
    message = ""
    if not torch.equal(given.weight, before[0]) or not torch.equal(given.channel, before[1]):
        message = "fit mutates its pilot"
    elif not torch.equal(state, torch.get_rng_state()):
        message = "fit changes global state: torch's generator"
    elif not isinstance(notes, tuple) or not all(isinstance(n, str) for n in notes):
        message = f"fit returns {notes!r}, not a tuple of sentences"
    else:
        torch.rand(5, device="cpu")
        again = fitted(subject, case, kind).maxima()
        torch.set_rng_state(state)
        if not torch.equal(again, unweighter.maxima()):
            message = "fit gives different maxima for the same pilot and generator"
    if message:
        yield Finding(message, f"{case.rows(5000)}, pilot: {kind}")


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
