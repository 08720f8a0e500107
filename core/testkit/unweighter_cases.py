"""Weights, pilots and surrogates that unweighters are tried on, of several kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.interfaces.unweighter import Pilot
from crosshook.core.testkit.acceptance import WeightClasses
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.core.testkit.subject import Subject

CASES = (Case(channels=1), Case(channels=5))
EXACT = ("plain", "negative", "sparse", "one huge weight")
MISSES = {
    "inexact surrogate": (1.0, 2 / 3, 1.4),
    "wrong surrogate": (1.0, 1e3, 1e-3, 0.0, -1.0),
}
"""Surrogate over weight, where it is not the weight itself."""
PILOTS = (*EXACT, *MISSES)


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


def pilot(subject: Subject, case: Case, kind: str) -> Pilot:
    """A pilot stage of 5000 points."""
    found = columns(subject, case, 5000, kind)
    surrogate = None if kind in EXACT else found["surrogate"]
    return Pilot(found["weight"], found["channel"], case.channels, surrogate)


def fitted(subject: Subject, case: Case, kind: str) -> Unweighter:
    """A fresh unweighter, fitted to a pilot of that kind."""
    unweighter = cast("Unweighter", subject.build(case))
    unweighter.fit(pilot(subject, case, kind), subject.generator("fit"))
    return unweighter


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
