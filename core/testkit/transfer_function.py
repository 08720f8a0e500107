"""Checks of transfer functions: a normalised density over accepted events, and its sampler.

Truth and reconstruction have the same dense columns here. Trainable components are checked after a
small training on the events of a made-up detector, others as the registry builds them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.testkit.compare import first_row, show_row
from crosshook.core.testkit.envelope import Envelope
from crosshook.core.testkit.exercise import Exercise
from crosshook.core.testkit.finding import Finding
from crosshook.core.testkit.shrink import DRAWS, with_fewest, with_smallest
from crosshook.core.testkit.transfer_cases import (
    CASES,
    SIMPLE,
    cases,
    fresh,
    function_of,
    inputs,
    named,
    source,  # noqa: F401 - looked up by name in `checks`
    truths,
    with_jets,
)
from crosshook.core.testkit.transfer_sets import (
    angles_are_periodic,
    order_of_objects_means_nothing,
    sets_are_normalised,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.testkit.subject import Case, Subject

ROWS = (0, 1, 1000)
TRUTHS = 2
N_DRAWS = 20_000


def _log_prob(case: Case, built: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    chosen = cast("TransferFunction", built)
    truth = named(inputs["truth"], case)
    return {"log_prob": chosen.log_prob(with_jets(inputs, case), truth)}


def _log_acceptance(case: Case, built: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    chosen = cast("TransferFunction", built)
    return {"log_acceptance": chosen.log_acceptance(named(inputs["truth"], case))}


def _sample(
    subject: Subject, case: Case, built: object, inputs: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    chosen = cast("TransferFunction", built)
    drawn = chosen.sample(named(inputs["truth"], case), 3, subject.generator("sample"))
    return {"sample": drawn.dense, **{name: values for name, (values, _) in drawn.sets.items()}}


def exercises(subject: Subject) -> Iterator[Exercise]:
    """log_prob, log_acceptance and sample, for every case and number of rows."""
    for case in cases(subject):
        built = function_of(subject, case)
        again = partial(fresh, subject, case)
        for n in ROWS:
            both = inputs(subject, case, n)
            one = {"truth": both["truth"]}
            yield Exercise(
                "log_prob",
                case,
                built,
                again,
                both,
                partial(_log_prob, case),
                {"log_prob": ()},
                simple=SIMPLE,
            )
            yield Exercise(
                "log_acceptance",
                case,
                built,
                again,
                one,
                partial(_log_acceptance, case),
                {"log_acceptance": ()},
                simple=SIMPLE,
            )
            yield Exercise(
                "sample",
                case,
                built,
                again,
                one,
                partial(_sample, subject, case),
                simple=SIMPLE,
                row_wise=False,
            )


def _blocks(subject: Subject, case: Case, n: int) -> Iterator[tuple[Tensor, Tensor]]:
    """A truth row and its n draws, for a few rows sampled in one call."""
    function = function_of(subject, case)
    truth = truths(subject, case, TRUTHS)
    drawn = function.sample(named(truth, case), n, subject.generator("blocks")).dense
    for i in range(TRUTHS):
        yield truth[i], drawn[i * n : (i + 1) * n]


def density_is_normalised(subject: Subject) -> Iterator[Finding]:
    """∫ T(x|z) dx = 1 at fixed z over accepted events, by importance sampling within 5σ."""
    yield from _with_fewest_draws(subject, _not_one)


def _not_one(subject: Subject, case: Case, n: int) -> Finding | None:
    function = function_of(subject, case)
    for z, drawn in _blocks(subject, case, n):
        envelope = Envelope(drawn)
        x = envelope.draw(2 * n, subject.generator("envelope"))
        truth = named(z.expand(len(x), -1), case)
        ratio = (function.log_prob(named(x, case), truth) - envelope.log_density(x)).exp()
        mean, error = float(ratio.mean()), float(ratio.std()) / len(x) ** 0.5
        if not abs(mean - 1.0) <= 5.0 * error + subject.tolerance:
            return Finding(
                f"T is not normalised: ∫ T(x|z) dx = {mean:.4f} ± {error:.4f}, not 1",
                case.draws(len(x)),
                f"z = {z.tolist()}",
                {"integral": mean, "error": error},
            )
    return None


def sample_follows_log_prob(subject: Subject) -> Iterator[Finding]:
    """Draws of sample have the density exp(log_prob), the draws of a truth row together: for an
    envelope g and any bounded φ, E_sample[φ g/(g + T)] = E_g[φ T/(g + T)], within 5σ.
    """
    yield from _with_fewest_draws(subject, _other_density)


def _other_density(subject: Subject, case: Case, n: int) -> Finding | None:
    function = function_of(subject, case)
    for z, drawn in _blocks(subject, case, n):
        envelope = Envelope(drawn)
        x = envelope.draw(n, subject.generator("envelope"))
        truth = named(z.expand(n, -1), case)
        sides = []
        for points, sign in ((drawn, -1.0), (x, 1.0)):
            log_ratio = function.log_prob(named(points, case), truth)
            log_ratio = log_ratio - envelope.log_density(points)
            sides.append(torch.sigmoid(sign * log_ratio))
        middle, spread = drawn.median(dim=0).values, drawn.std(dim=0).clamp(min=1e-12)
        for what, left, right in _test_functions(drawn, x, middle, spread):
            a, b = sides[0] * left, sides[1] * right
            difference = float(a.mean() - b.mean())
            error = float((a.var() + b.var()) / n) ** 0.5
            if not abs(difference) <= 5.0 * error + subject.tolerance:
                return Finding(
                    f"sample does not follow log_prob: the means of {what} differ by "
                    f"{difference:.4f} ± {error:.4f}",
                    case.draws(n),
                    f"z = {z.tolist()}",
                    {"difference": difference, "error": error},
                )
    return None


def _with_fewest_draws(
    subject: Subject, look: Callable[[Subject, Case, int], Finding | None]
) -> Iterator[Finding]:
    for case in CASES:
        finding = with_fewest(partial(look, subject, case), N_DRAWS, DRAWS)
        if finding is not None:
            yield finding
            return


def _test_functions(
    drawn: Tensor, x: Tensor, middle: Tensor, spread: Tensor
) -> Iterator[tuple[str, Tensor, Tensor]]:
    yield "1", torch.ones_like(drawn[:, 0]), torch.ones_like(x[:, 0])
    left, right = (drawn - middle) / spread, (x - middle) / spread
    for i in range(drawn.shape[1]):
        yield f"tanh(x{i})", left[:, i].tanh(), right[:, i].tanh()
        yield f"exp(−x{i}²)", (-left[:, i].square()).exp(), (-right[:, i].square()).exp()


def acceptance_is_a_probability(subject: Subject) -> Iterator[Finding]:
    """log ε(z) ≤ 0 and not NaN, near and far from where truth usually is."""
    for case in CASES:
        look = partial(_above_one, case, function_of(subject, case))
        inputs = {"truth": truths(subject, case, 1000) * 3.0}
        finding = with_smallest(look, inputs, SIMPLE)
        if finding is not None:
            yield finding
            return


def _above_one(
    case: Case, function: TransferFunction, inputs: Mapping[str, Tensor]
) -> Finding | None:
    found = function.log_acceptance(named(inputs["truth"], case))
    row = first_row(~(found <= 0.0))
    if row < 0:
        return None
    message = f"acceptance {float(found[row].exp()):.6g} above 1"
    return Finding(message, case.rows(len(found)), show_row(inputs, row))


def densities_are_not_infinite(subject: Subject) -> Iterator[Finding]:
    """log_prob is finite or −∞ anywhere, also far from the truth; never NaN or +∞."""
    for case in CASES:
        truth = truths(subject, case, 1000)
        reco = (
            truth * torch.logspace(-3, 6, 1000, dtype=torch.float64, device=truth.device)[:, None]
        )
        look = partial(_infinite, case, function_of(subject, case))
        finding = with_smallest(look, {"reco": reco, "truth": truth}, SIMPLE)
        if finding is not None:
            yield finding
            return


def _infinite(
    case: Case, function: TransferFunction, inputs: Mapping[str, Tensor]
) -> Finding | None:
    found = function.log_prob(named(inputs["reco"], case), named(inputs["truth"], case))
    row = first_row(~(found < torch.inf))
    if row < 0:
        return None
    message = f"log_prob is {float(found[row])}"
    return Finding(message, case.rows(len(found)), show_row(inputs, row))


def sample_has_a_row_per_draw(subject: Subject) -> Iterator[Finding]:
    """sample gives n · n_draws finite rows under the names of the reconstruction, repeats itself
    for the same generator and not for another, and leaves n = 0 empty.
    """
    for case in CASES:
        for n, draws in ((0, 3), (1, 1), (7, 3)):
            look = partial(_badly_drawn, subject, case, draws)
            finding = with_smallest(look, {"truth": truths(subject, case, n)}, SIMPLE)
            if finding is not None:
                yield finding
                return


def _badly_drawn(
    subject: Subject, case: Case, draws: int, given: Mapping[str, Tensor]
) -> Finding | None:
    function, n = function_of(subject, case), len(given["truth"])
    truth = named(given["truth"], case)
    drawn = function.sample(truth, draws, subject.generator("one"))
    again = function.sample(truth, draws, subject.generator("one"))
    other = function.sample(truth, draws, subject.generator("two"))
    message = ""
    if len(drawn) != n * draws:
        message = f"rows drawn: {len(drawn)}, wanted {n} rows with {draws} draws"
    elif len(drawn.names) != drawn.dense.shape[1]:
        message = f"columns drawn: {drawn.dense.shape[1]}, with {len(drawn.names)} names"
    elif not bool(drawn.dense.isfinite().all()):
        message = "a draw is not finite"
    elif not torch.equal(drawn.dense, again.dense):
        message = "sample changes though its generator is the same"
    elif n and torch.equal(drawn.dense, other.dense):
        message = "sample ignores its generator: two seeds give the same draws"
    return Finding(message, f"{case.rows(n)}, n_draws={draws}") if message else None


CHECKS = (
    acceptance_is_a_probability,
    densities_are_not_infinite,
    sample_has_a_row_per_draw,
    density_is_normalised,
    sample_follows_log_prob,
    angles_are_periodic,
    order_of_objects_means_nothing,
    sets_are_normalised,
)
