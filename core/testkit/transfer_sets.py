"""Checks of transfer functions that know angles, or sets of objects of any number and order."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import torch

from crosshook.core.testkit.compare import disagreement
from crosshook.core.testkit.envelope import Envelope
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.shrink import DRAWS, with_fewest, with_smallest
from crosshook.core.testkit.transfer_cases import (
    ANGLES,
    JETS,
    SETS,
    SIMPLE,
    function_of,
    inputs,
    named,
    with_jets,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.testkit.subject import Subject

TURN = 2.0 * math.pi
N_DRAWS = 10_000
TRUTHS = 2
FEWEST = 200
"""Draws of a number of objects below which its density is not integrated."""


def angles_are_periodic(subject: Subject) -> Iterator[Finding]:
    """Columns in rad are points on a circle: T and ε do not change when an angle of x or z is turned
    by 2π, ∫ T dx over one turn is 1 within 5σ, and draws lie within one turn.
    """
    if not subject.capabilities.trainable:
        reason = "not declared trainable: it cannot be told of angles"
        raise NotApplicable(reason)
    finding = (
        with_smallest(partial(_not_periodic, subject), inputs(subject, ANGLES, 1000), SIMPLE)
        or with_fewest(partial(_beyond_a_turn, subject), N_DRAWS)
        or with_fewest(partial(_not_one_over_a_turn, subject), N_DRAWS, DRAWS)
    )
    if finding is not None:
        yield finding


def _not_periodic(subject: Subject, given: Mapping[str, Tensor]) -> Finding | None:
    function = function_of(subject, ANGLES)
    reco, truth = given["reco"], given["truth"]
    once = reco.new_tensor([0.0, TURN])
    plain = function.log_prob(named(reco, ANGLES), named(truth, ANGLES))
    for what, got, wanted in (
        (
            "log_prob changes when an angle of x",
            function.log_prob(named(reco + once, ANGLES), named(truth, ANGLES)),
            plain,
        ),
        (
            "log_prob changes when an angle of z",
            function.log_prob(named(reco, ANGLES), named(truth - once, ANGLES)),
            plain,
        ),
        (
            "log_acceptance changes when an angle of z",
            function.log_acceptance(named(truth + once, ANGLES)),
            function.log_acceptance(named(truth, ANGLES)),
        ),
    ):
        finding = disagreement(
            f"{what} is turned by 2π",
            got,
            wanted,
            subject.tolerance,
            ANGLES.rows(len(reco)),
            given,
        )
        if finding is not None:
            return finding
    return None


def _beyond_a_turn(subject: Subject, n: int) -> Finding | None:
    drawn = _angles_drawn(subject, n)[1]
    width = float(drawn[:, 1].max() - drawn[:, 1].min())
    if width <= TURN:
        return None
    return Finding(f"draws of an angle are {width:.3f} apart, more than 2π", ANGLES.draws(n))


def _not_one_over_a_turn(subject: Subject, n: int) -> Finding | None:
    function = function_of(subject, ANGLES)
    truth, drawn = _angles_drawn(subject, n)
    for i in range(TRUTHS):
        own = drawn[i * n : (i + 1) * n]
        envelope = Envelope(own[:, :1])
        rng = subject.generator("turn envelope")
        x = envelope.draw(2 * n, rng)
        angle = torch.rand(len(x), generator=rng, dtype=torch.float64, device="cpu")
        rows = torch.cat([x, TURN * (angle.to(x.device)[:, None] - 0.5)], dim=1)
        z = named(truth[i].expand(len(x), -1), ANGLES)
        log_g = envelope.log_density(x) - math.log(TURN)
        ratio = (function.log_prob(named(rows, ANGLES), z) - log_g).exp()
        mean, error = float(ratio.mean()), float(ratio.std()) / len(x) ** 0.5
        if not abs(mean - 1.0) <= 5.0 * error + subject.tolerance:
            return Finding(
                f"∫ T(x|z) dx over one turn of the angle is {mean:.4f} ± {error:.4f}, not 1",
                ANGLES.draws(len(x)),
                f"z = {truth[i].tolist()}",
                {"integral": mean, "error": error},
            )
    return None


def _angles_drawn(subject: Subject, n: int) -> tuple[Tensor, Tensor]:
    """A few truth rows, and n draws of each."""
    truth = inputs(subject, ANGLES, 1000)["truth"][:TRUTHS]
    drawn = function_of(subject, ANGLES).sample(named(truth, ANGLES), n, subject.generator("turn"))
    return truth, drawn.dense


def order_of_objects_means_nothing(subject: Subject) -> Iterator[Finding]:
    """The objects of a set have no order: T does not change when they are permuted, nor with what is
    written where there is no object.
    """
    _must_have_sets(subject)
    finding = with_smallest(partial(_ordered, subject), inputs(subject, SETS, 1000), SIMPLE)
    if finding is not None:
        yield finding


def _ordered(subject: Subject, given: Mapping[str, Tensor]) -> Finding | None:
    function = function_of(subject, SETS)
    truth = named(given["truth"], SETS)
    plain = function.log_prob(with_jets(given, SETS), truth)
    backwards = {**given, "jets": given["jets"].flip(1), "there": given["there"].flip(1)}
    noise = torch.where(
        given["there"][:, :, None], given["jets"], given["truth"][:, :, None] - 7.0
    )
    for what, changed in (
        ("the objects of a set are permuted", backwards),
        ("something else is written where no object is", {**given, "jets": noise}),
    ):
        found = function.log_prob(with_jets(changed, SETS), truth)
        finding = disagreement(
            f"log_prob changes when {what}",
            found,
            plain,
            subject.tolerance,
            SETS.rows(len(plain)),
            given,
        )
        if finding is not None:
            return finding
    return None


def sets_are_normalised(subject: Subject) -> Iterator[Finding]:
    """A set counts once, whatever the order of its objects: integrated over sets of k objects at
    fixed z, T is the chance of k objects that `sample` has, for every k, within 5σ.
    """
    _must_have_sets(subject)
    finding = with_fewest(partial(_counted_otherwise, subject), N_DRAWS, FEWEST)
    if finding is not None:
        yield finding


def _counted_otherwise(subject: Subject, n: int) -> Finding | None:
    function = function_of(subject, SETS)
    truth = inputs(subject, SETS, TRUTHS)["truth"]
    drawn = function.sample(named(truth, SETS), n, subject.generator("sets"))
    values, there = drawn.sets[JETS]
    for i in range(TRUTHS):
        rows = slice(i * n, (i + 1) * n)
        number = there[rows].sum(dim=1)
        for k in range(int(number.max()) + 1):
            chosen = number == k
            if int(chosen.sum()) < FEWEST:
                continue
            objects = _sorted(values[rows][chosen], there[rows][chosen], k)
            sample = torch.cat([drawn.dense[rows][chosen], objects.flatten(1)], dim=1)
            envelope = Envelope(sample)
            points = envelope.draw(2 * n, subject.generator(f"sets envelope {k}"))
            jets = points[:, 1:].reshape(len(points), k, 2)
            inside = _inside(jets)
            log_t = points.new_full((len(points),), -torch.inf)
            tensors = {
                "reco": points[inside, :1],
                "jets": jets[inside],
                "there": torch.ones_like(jets[inside][:, :, 0], dtype=torch.bool),
            }
            z = named(truth[i].expand(int(inside.sum()), -1), SETS)
            log_t[inside] = function.log_prob(with_jets(tensors, SETS), z)
            ratio = (log_t - envelope.log_density(points)).exp()
            mean, error = float(ratio.mean()), float(ratio.std()) / len(points) ** 0.5
            share = float(chosen.double().mean())
            error = (error**2 + share * (1 - share) / n) ** 0.5
            if not abs(mean - share) <= 5.0 * error + subject.tolerance:
                return Finding(
                    f"∫ T over sets of {k} objects is {mean:.4f} ± {error:.4f}; "
                    f"sample gives {k} objects in {share:.4f} of its draws",
                    SETS.draws(len(points)),
                    f"z = {truth[i].tolist()}",
                    {"integral": mean, "share": share, "error": error},
                )
    return None


def _sorted(values: Tensor, there: Tensor, k: int) -> Tensor:
    """The k objects of every row, by falling first column, `(n, k, q)`."""
    order = torch.where(there, values[:, :, 0], -torch.inf).argsort(dim=1, descending=True)[:, :k]
    return values.gather(1, order[:, :, None].expand(-1, -1, values.shape[2]))


def _inside(jets: Tensor) -> Tensor:
    """Rows whose objects are in falling order and whose angles lie in one turn: each set once."""
    falling = (jets[:, :-1, 0] >= jets[:, 1:, 0]).all(dim=1)
    return falling & (jets[:, :, 1].abs() <= math.pi).all(dim=1)


def _must_have_sets(subject: Subject) -> None:
    if not subject.capabilities.sets:
        reason = "not declared to take sets"
        raise NotApplicable(reason)
