"""What transfer functions are tried on: a made-up detector, and features as tensors by name.

Truth is x0, x1, …, standard normal, with angles uniform. The detector shows 1.1 z + (0.2 + 0.1 |z|)
times a normal number, angles smeared by 0.4, and up to `objects` jets whose number, pT and direction
depend on x0. It keeps events with the chance exp(−x0²/10).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.interfaces.features import Features
from crosshook.core.testkit.subject import Case
from crosshook.core.transfer.paired import PairedEvents, PairedTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.interfaces.training import Source, Stateful
    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.testkit.subject import Subject

CASES = (Case(features=1), Case(features=2))
ANGLES = Case(features=2, angles=1)
SETS = Case(features=1, objects=3)
JETS = "jets"
SIMPLE = {"reco": (0.0, 1.0), "truth": (0.0, 1.0)}
"""What the smallest input of a finding may be made of."""


def cases(subject: Subject) -> tuple[Case, ...]:
    """The cases a transfer function is tried in: with angles if it can be told of them, with
    jets if it takes sets.
    """
    able = subject.capabilities
    angles = (ANGLES,) if able.trainable else ()
    return (*CASES, *angles, *((SETS,) if able.sets else ()))


def function_of(subject: Subject, case: Case) -> TransferFunction:
    """The transfer function of a case, built and trained once."""
    if not subject.capabilities.trainable:
        return cast("TransferFunction", subject.built(case))
    trained = subject.trained(case, lambda built: source(subject, case, built))
    return cast("TransferFunction", trained)


def fresh(subject: Subject, case: Case) -> object:
    """The transfer function built anew, with the state of the trained one."""
    built = subject.build(case)
    if subject.capabilities.stateful:
        tensors, values = cast("Stateful", function_of(subject, case)).state()
        copies = {name: tensor.clone() for name, tensor in tensors.items()}
        cast("Stateful", built).load_state(copies, values)
    return built


def named(columns: Tensor, case: Case) -> Features:
    """Dense features under the names the component was built with."""
    names = tuple(f"x{i}" for i in range(case.features))
    plain = case.features - case.angles
    return Features(columns, names, ("",) * plain + ("rad",) * case.angles)


def with_jets(inputs: Mapping[str, Tensor], case: Case) -> Features:
    """Reconstructed features of tensors `reco`, and `jets` with their mask `there`."""
    plain = named(inputs["reco"], case)
    if not case.objects:
        return plain
    return Features(
        plain.dense,
        plain.names,
        plain.units,
        {JETS: (inputs["jets"], inputs["there"])},
        {JETS: ("pt", "phi")},
        {JETS: ("GeV", "rad")},
    )


def truths(subject: Subject, case: Case, n: int) -> Tensor:
    """True values, `(n, f)`."""
    return _truths(case, n, subject.generator(f"truth/{case}/{n}")).to(subject.device)


def _truths(case: Case, n: int, rng: torch.Generator) -> Tensor:
    shape = (n, case.features)
    z = torch.randn(shape, generator=rng, dtype=torch.float64, device="cpu")
    if case.angles:
        turn = torch.rand(shape, generator=rng, dtype=torch.float64, device="cpu")
        plain = case.features - case.angles
        z = torch.cat([z[:, :plain], math.pi * (2 * turn[:, plain:] - 1)], dim=1)
    return z


def shown(case: Case, z: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
    """What the detector shows of truth `(n, f)` on the CPU: `reco`, and jets if the case has any."""
    noise = torch.randn(z.shape, generator=rng, dtype=torch.float64, device="cpu")
    reco = 1.1 * z + (0.2 + 0.1 * z.abs()) * noise
    if case.angles:
        plain = case.features - case.angles
        turned = torch.remainder(z + 0.4 * noise + math.pi, 2 * math.pi) - math.pi
        reco = torch.cat([reco[:, :plain], turned[:, plain:]], dim=1)
    if not case.objects:
        return {"reco": reco}
    shape = (len(z), case.objects)
    first, second, number = (
        torch.randn(shape, generator=rng, dtype=torch.float64, device="cpu") for _ in range(3)
    )
    pt = torch.exp(3.0 + 0.3 * z[:, :1] + 0.4 * first)
    phi = torch.remainder(z[:, :1] + second + math.pi, 2 * math.pi) - math.pi
    there = number > -0.5 * z[:, :1]
    jets = torch.stack([pt, phi], dim=2) * there[:, :, None]
    return {"reco": reco, "jets": jets, "there": there}


def inputs(subject: Subject, case: Case, n: int) -> dict[str, Tensor]:
    """n rows of `truth` and of what the detector shows of them."""
    rng = subject.generator(f"truth/{case}/{n}")
    z = _truths(case, n, rng)
    found = {"truth": z, **shown(case, z, rng)}
    return {name: tensor.to(subject.device) for name, tensor in found.items()}


def source(subject: Subject, case: Case, built: object) -> Source:
    """Simulated events, enough for a training.

    Args:
        subject: gives the random numbers and how many events.
        case: the shape of the task.
        built: the transfer function; it has no say in what the detector does.
    """
    rng = subject.generator(f"training/{case}")
    z = _truths(case, subject.evaluations, rng)
    seen = shown(case, z, rng)
    chance = torch.rand(len(z), generator=rng, dtype=torch.float64, device="cpu")
    events = PairedEvents(
        named(z, case),
        with_jets(seen, case),
        chance < torch.exp(-z[:, 0].square() / 10.0),
        torch.ones(len(z), dtype=torch.float64, device="cpu"),
    )
    return cast("Source", PairedTable(events.to(torch.device(subject.device))))
