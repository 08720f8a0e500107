"""Checks of amplitude surrogates: what predict returns, how it depends on α_s and on the order of
identical legs.

Trainable components are checked after a small training on a made-up |M|² of gluons; others as the
registry builds them.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.surrogates.training_set import AmplitudeTable, TableSource
from crosshook.core.testkit.compare import disagreement, first_row, show_row
from crosshook.core.testkit.exercise import Exercise
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.shrink import DRAWS, UNIT, with_fewest, with_smallest
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate
    from crosshook.core.interfaces.training import Source
    from crosshook.core.testkit.subject import Subject

CASES = (Case(legs=4), Case(legs=5))
ROWS = (0, 1, 1000)
SIMPLE = {"alpha_s": (0.1,), "condition": UNIT}
"""What the smallest input of a finding may be made of; momenta stay on their mass shells."""
ENERGY = 1000.0
GLUON = 21


def surrogate_of(subject: Subject, case: Case) -> AmplitudeSurrogate:
    """The surrogate of a case, built and trained once."""
    if not subject.capabilities.trainable:
        return cast("AmplitudeSurrogate", subject.built(case))
    trained = subject.trained(case, lambda built: source(subject, case, built))
    return cast("AmplitudeSurrogate", trained)


def source(subject: Subject, case: Case, built: object) -> Source:
    """Points of gluons with |M|² = α_s^(m-2) ŝ^(4-m) Σ ŝ²/((p_a·p_i)(p_b·p_i)), enough for a training.

    Args:
        subject: gives the random numbers and how many points.
        case: the number of legs m.
        built: the surrogate; it has no say in where the points are.
    """
    legs, inputs = case.legs, points(subject, case, subject.evaluations)
    value = squared_amplitude(inputs, legs)
    table = AmplitudeTable(
        inputs["momenta"],
        inputs["process"],
        inputs["alpha_s"],
        value,
        torch.ones_like(value),
        ((GLUON,) * legs,),
        (legs - 2,),
        condition=inputs.get("condition"),
    )
    return cast("Source", TableSource(table))


def squared_amplitude(inputs: Mapping[str, Tensor], legs: int) -> Tensor:
    """The made-up |M|² of points, `(n,)`; see `source`."""
    p = inputs["momenta"]
    s = 2.0 * _dot(p[:, 0], p[:, 1])
    poles = torch.stack(
        [s.square() / (_dot(p[:, 0], p[:, i]) * _dot(p[:, 1], p[:, i])) for i in range(2, legs)]
    )
    return inputs["alpha_s"] ** (legs - 2) * s ** (4 - legs) * poles.sum(0)


def _dot(one: Tensor, two: Tensor) -> Tensor:
    return one[:, 0] * two[:, 0] - (one[:, 1:] * two[:, 1:]).sum(dim=1)


def momenta(n: int, legs: int, rng: torch.Generator) -> Tensor:
    """Massless momenta of a collision at 1 TeV, flat in phase space, `(n, m, 4)` in GeV.

    RAMBO (Comput. Phys. Commun. 40 (1986) 359): isotropic massless vectors, boosted to rest and
    scaled to the energy.
    """
    out = legs - 2
    numbers = torch.rand((n, out, 4), generator=rng, dtype=torch.float64, device="cpu")
    cosine, angle = 2.0 * numbers[..., 0] - 1.0, 2.0 * math.pi * numbers[..., 1]
    energy = -(numbers[..., 2] * numbers[..., 3]).clamp(min=1e-300).log()
    sine = (1.0 - cosine.square()).clamp(min=0.0).sqrt()
    direction = torch.stack([sine * angle.cos(), sine * angle.sin(), cosine], dim=2)
    space = energy[..., None] * direction
    total = energy.sum(dim=1)
    drift = space.sum(dim=1)
    mass = (total.square() - drift.square().sum(dim=1)).sqrt()
    boost, gamma = -drift / mass[:, None], total / mass
    along = (boost[:, None] * space).sum(dim=2)
    new_energy = gamma[:, None] * energy + along
    shift = energy + along / (1.0 + gamma[:, None])
    new_space = space + boost[:, None] * shift[..., None]
    scale = (ENERGY / mass)[:, None, None]
    final = scale * torch.cat([new_energy[..., None], new_space], dim=2)
    half = 0.5 * ENERGY
    beams = torch.tensor(
        [[half, 0.0, 0.0, half], [half, 0.0, 0.0, -half]], dtype=torch.float64, device="cpu"
    )
    return torch.cat([beams.expand(n, 2, 4), final], dim=1)


def points(subject: Subject, case: Case, n: int) -> dict[str, Tensor]:
    """Momenta of subprocess 0 and couplings from 0.08 to 0.16."""
    rng = subject.generator(f"momenta/{case}/{n}")
    inputs = {
        "momenta": momenta(n, case.legs, rng),
        "process": torch.zeros(n, dtype=torch.int64, device="cpu"),
        "alpha_s": 0.08 + 0.08 * torch.rand(n, generator=rng, dtype=torch.float64, device="cpu"),
    }
    if subject.conditions:
        shape = (n, subject.conditions)
        inputs["condition"] = torch.rand(shape, generator=rng, dtype=torch.float64, device="cpu")
    return {key: tensor.to(subject.device) for key, tensor in inputs.items()}


def _predict(built: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    chosen = cast("AmplitudeSurrogate", built)
    found = chosen.predict(
        inputs["momenta"], inputs["process"], inputs["alpha_s"], inputs.get("condition")
    )
    results = {"log_abs": found.log_abs, "sign": found.sign}
    if found.log_std is not None:
        results["log_std"] = found.log_std
    return results


def exercises(subject: Subject) -> Iterator[Exercise]:
    """predict, for every case and number of rows."""
    for case in CASES:
        for n in ROWS:
            yield Exercise(
                "predict",
                case,
                surrogate_of(subject, case),
                partial(subject.build, case),
                points(subject, case, n),
                _predict,
                {"log_abs": (), "sign": (), "log_std": ()},
                simple=SIMPLE,
            )


def prediction_is_a_number_with_a_sign(subject: Subject) -> Iterator[Finding]:
    """sign is +1 or −1, log_abs is finite or −∞ (|M|² = 0), and log_std, if given, is finite."""
    yield from _first(subject, _no_number)


def _no_number(subject: Subject, case: Case, inputs: Mapping[str, Tensor]) -> Finding | None:
    found = _predict(surrogate_of(subject, case), inputs)
    bad = {
        "sign": found["sign"].abs() != 1.0,
        "log_abs": ~(found["log_abs"] < torch.inf),
        "log_std": ~found.get("log_std", torch.zeros_like(found["sign"])).isfinite(),
    }
    for name, where in bad.items():
        row = first_row(where)
        if row >= 0:
            message = f"{name} is {float(found[name][row])}"
            return Finding(message, case.rows(len(where)), show_row(inputs, row))
    return None


def coupling_enters_as_a_power(subject: Subject) -> Iterator[Finding]:
    """|M|² ∝ α_s^k with one integer k: log_abs(c·α_s) − log_abs(α_s) = k log c at every point."""
    yield from _first(subject, _no_power)


def _no_power(subject: Subject, case: Case, inputs: Mapping[str, Tensor]) -> Finding | None:
    surrogate = surrogate_of(subject, case)
    first = _predict(surrogate, inputs)["log_abs"]
    scaled = {**inputs, "alpha_s": inputs["alpha_s"] * 1.5}
    power = (_predict(surrogate, scaled)["log_abs"] - first) / math.log(1.5)
    judged = first.isfinite()
    power = power[judged]
    if not len(power):
        return None
    nearest = power.round()
    row = first_row(((power - nearest).abs() > subject.tolerance) | (nearest != nearest[0]))
    if row < 0:
        return None
    message = f"α_s enters with power {float(power[row]):.6g}"
    if len(power) > 1 and float(nearest.min()) != float(nearest.max()):
        message += f", and with {float(power[0]):.6g} at another point"
    given = show_row({name: value[judged] for name, value in inputs.items()}, row)
    return Finding(f"{message}: not one integer", case.rows(len(first)), given)


def training_tells_points_apart(subject: Subject) -> Iterator[Finding]:
    """After the training, log_abs is nearer to log|M|² of other points than their mean is: the root
    mean square of the difference is below the standard deviation of log|M|².
    """
    if not subject.capabilities.trainable:
        reason = "not trainable: what it stands for is not known"
        raise NotApplicable(reason)
    for case in CASES:
        finding = with_fewest(partial(_no_better, subject, case), 1000, DRAWS)
        if finding is not None:
            yield finding
            return


def _no_better(subject: Subject, case: Case, n: int) -> Finding | None:
    inputs = points(subject, case, n)
    true = squared_amplitude(inputs, case.legs).log()
    off = _predict(surrogate_of(subject, case), inputs)["log_abs"] - true
    rms, spread = float(off.square().mean().sqrt()), float(true.std())
    if rms < spread:
        return None
    message = f"log_abs is off by {rms:.3g} (rms) where log|M|² spreads by {spread:.3g}"
    return Finding(message, case.draws(n))


def identical_legs_may_be_exchanged(subject: Subject) -> Iterator[Finding]:
    """Trained on gluons, it predicts the same for two of them exchanged: |M|²(..., p_i, p_j, ...) =
    |M|²(..., p_j, p_i, ...), incoming ones included.
    """
    if not subject.capabilities.trainable:
        reason = "not trainable: what its legs are is not known"
        raise NotApplicable(reason)
    yield from _first(subject, _told_apart)


def _told_apart(subject: Subject, case: Case, inputs: Mapping[str, Tensor]) -> Finding | None:
    surrogate = surrogate_of(subject, case)
    wanted = _predict(surrogate, inputs)
    for i, j in ((0, 1), (2, 3), (case.legs - 2, case.legs - 1)):
        order = list(range(case.legs))
        order[i], order[j] = j, i
        got = _predict(surrogate, {**inputs, "momenta": inputs["momenta"][:, order]})
        for name, value in wanted.items():
            finding = disagreement(
                f"{name} with legs {i} and {j} exchanged",
                got[name],
                value,
                subject.tolerance,
                case.rows(len(value)),
                inputs,
            )
            if finding is not None:
                return finding
    return None


def _first(
    subject: Subject,
    look: Callable[[Subject, Case, Mapping[str, Tensor]], Finding | None],
) -> Iterator[Finding]:
    """The first finding of a case, with the smallest input that shows it."""
    for case in CASES:
        finding = with_smallest(
            partial(look, subject, case), points(subject, case, 1000), SIMPLE, where=str(case)
        )
        if finding is not None:
            yield finding
            return


CHECKS = (
    prediction_is_a_number_with_a_sign,
    coupling_enters_as_a_power,
    training_tells_points_apart,
    identical_legs_may_be_exchanged,
)
