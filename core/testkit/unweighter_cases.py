"""Weights, pilots and surrogates that unweighters are tried on, of several kinds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.interfaces.unweighter import Pilot
from crosshook.core.testkit.acceptance import WeightClasses
from crosshook.core.testkit.shrink import with_smallest
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.core.testkit.finding import Finding
    from crosshook.core.testkit.subject import Subject

CASES = (Case(channels=1), Case(channels=5))
EXACT = ("plain", "negative", "sparse", "one huge weight")
MISSES = {
    "inexact surrogate": (1.0, 2 / 3, 1.4),
    "wrong surrogate": (1.0, 1e3, 1e-3, 0.0, -1.0),
}
"""Surrogate over weight, where it is not the weight itself."""
PILOTS = (*EXACT, *MISSES)
POINTS = 5000
"""Of a pilot stage."""
SIMPLE = {"channel": (0,), "weight": (1.0, 2.0, -1.0), "surrogate": (1.0, 2.0, -1.0)}
"""What the smallest pilot of a finding, or its smallest candidates, may be made of."""


def columns(subject: Subject, case: Case, n: int, kind: str) -> dict[str, Tensor]:
    """Candidates of one kind: weights of spread e, channels, surrogates and uniform numbers.

    Args:
        subject: seeds the generator.
        case: the number of channels.
        n: rows.
        kind: one of `PILOTS`. `sparse` has 60 % zeros and an empty last channel; one weight of
            `one huge weight` is 10⁶ times the others. The surrogate of `wrong surrogate` is off
            by 10³ or 10⁻³, 0, or of the other sign for most of them.
    """
    rng = subject.generator(f"unweight/{kind}/{case}/{n}")
    weight = torch.exp(torch.randn(n, generator=rng, dtype=torch.float64, device="cpu"))
    channel = torch.randint(0, case.channels, (n,), generator=rng, device="cpu")
    weight = weight * (1.0 + channel)
    chance = torch.rand(n, generator=rng, dtype=torch.float64, device="cpu")
    noise = torch.randn(n, generator=rng, dtype=torch.float64, device="cpu")
    if kind == "negative":
        weight = torch.where(chance < 0.2, -weight, weight)
    if kind == "sparse":
        weight = torch.where(chance < 0.6, torch.zeros_like(weight), weight)
        if case.channels > 1:
            channel = channel.clamp(max=case.channels - 2)
    if kind == "one huge weight" and n:
        weight[n // 2] *= 1e6
    surrogate = weight.clone()
    if kind == "inexact surrogate":
        surrogate = weight * torch.exp(0.3 * noise)
    if kind == "wrong surrogate":
        misses = torch.tensor(MISSES[kind], dtype=torch.float64, device="cpu")
        surrogate = weight * misses[(chance * len(misses)).long()]
    found = {"weight": weight, "surrogate": surrogate, "channel": channel}
    return {key: tensor.to(subject.device) for key, tensor in found.items()}


def pilot_columns(subject: Subject, case: Case, kind: str) -> dict[str, Tensor]:
    """Weights and channels of a pilot stage, and surrogates where they are not the weights."""
    found = columns(subject, case, POINTS, kind)
    return {name: found[name] for name in found if name != "surrogate" or kind not in EXACT}


def fitted(subject: Subject, case: Case, kind: str) -> Unweighter:
    """A fresh unweighter, fitted to a pilot of that kind."""
    return fitted_to(subject, case, pilot_columns(subject, case, kind))


def fitted_to(subject: Subject, case: Case, points: Mapping[str, Tensor]) -> Unweighter:
    """A fresh unweighter, fitted to the points of a pilot stage."""
    unweighter = cast("Unweighter", subject.build(case))
    unweighter.fit(pilot_of(points, case), subject.generator("fit"))
    return unweighter


def pilot_of(points: Mapping[str, Tensor], case: Case) -> Pilot:
    """A pilot stage out of its columns."""
    return Pilot(points["weight"], points["channel"], case.channels, points.get("surrogate"))


@dataclass(frozen=True)
class Stage:
    """An unweighter fitted to a pilot, as the checks look at it.

    Attributes:
        unweighter: fitted.
        pilot: the columns of the pilot.
        case: the number of channels.
        kind: of the pilot.
        device: of candidates.
    """

    unweighter: Unweighter
    pilot: Mapping[str, Tensor]
    case: Case
    kind: str
    device: str

    @property
    def misses(self) -> tuple[float, ...]:
        """Surrogates over weights that belong to the pilot."""
        return MISSES.get(self.kind, (1.0,))

    @property
    def place(self) -> str:
        """The pilot, for findings."""
        pilot = f"pilot of n={len(self.pilot['weight'])}: {self.kind}"
        return f"{self.case}, {pilot}" if str(self.case) else pilot

    def uniform(self, n: int, value: float) -> Tensor:
        """The same uniform number throughout, `(n, n_uniform)`."""
        shape = (n, self.unweighter.n_uniform)
        return torch.full(shape, value, dtype=torch.float64, device=self.device)


def with_smallest_pilot(
    subject: Subject, look: Callable[[Stage], Finding | None], kinds: Sequence[str] = PILOTS
) -> Iterator[Finding]:
    """The first finding on an unweighter fitted to a pilot, with the smallest pilot that shows it.

    Args:
        subject: the component.
        look: a check.
        kinds: of pilots.
    """
    for case in CASES:
        for kind in kinds:
            finding = with_smallest(
                partial(_look_at, subject, case, kind, look),
                pilot_columns(subject, case, kind),
                SIMPLE,
                where=f"{case}, pilot: {kind}" if str(case) else f"pilot: {kind}",
            )
            if finding is not None:
                yield finding
                return


def _look_at(
    subject: Subject,
    case: Case,
    kind: str,
    look: Callable[[Stage], Finding | None],
    points: Mapping[str, Tensor],
) -> Finding | None:
    unweighter = fitted_to(subject, case, points)
    return look(Stage(unweighter, points, case, kind, subject.device))


def classes_of(
    unweighter: Unweighter, sizes: tuple[float, ...], misses: tuple[float, ...] = (1.0,)
) -> WeightClasses:
    """Weights of both signs at given multiples of each channel's maximum.

    Args:
        unweighter: fitted.
        sizes: |w| over the maximum.
        misses: surrogates over the weight.
    """
    maxima = unweighter.maxima()
    scale = torch.where(maxima > 0, maxima, torch.ones_like(maxima))
    size = maxima.new_tensor([sign * s for s in sizes for sign in (1.0, -1.0)])
    miss = maxima.new_tensor(misses)
    weight = (scale[:, None] * size).reshape(-1)
    channel = torch.arange(len(maxima), device=maxima.device).repeat_interleave(len(size))
    return WeightClasses(
        channel.repeat_interleave(len(miss)),
        weight.repeat_interleave(len(miss)),
        (weight[:, None] * miss).reshape(-1),
    )
