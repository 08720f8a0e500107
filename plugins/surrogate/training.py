"""The training loop of surrogates: shuffled batches, SOAP, a falling rate, averaged weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.learning.progressed import under
from crosshook.plugins.surrogate.soap import Soap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from crosshook.core.interfaces.training import TrainingStore
    from crosshook.core.progress import Progress
    from crosshook.plugins.surrogate.network import Dense

WARM_UP = 100
"""Steps over which the rate rises, or a tenth of all."""
LAST = 1e-3
"""Of the highest rate, the last one."""
AVERAGED = 0.999
"""Decay of the mean of the weights, which is what is kept; less in the first steps."""
FEWEST_BATCHES = 8
"""In an epoch: batches are smaller where there are few points."""
RECORDED = 200
"""Losses in a history, at most about."""
KEPT = 500
"""Steps between two states that are kept."""
BLOCK = 8192
"""Points at once where no gradients are needed."""


@dataclass(frozen=True)
class Lesson:
    """How a network is trained.

    Attributes:
        epochs: passes over the points.
        batch: points in a step.
        rate: highest learning rate.
        boost: share of points drawn in proportion to their deviation, after a third of the steps.
        stage: name for the progress bar.
    """

    epochs: float
    batch: int
    rate: float
    boost: float
    stage: str


@dataclass
class _Way:
    """How far a training is.

    Attributes:
        step: steps done.
        some: sum of the losses since the last one that was recorded.
        rows: those of this pass that are still to come.
        losses: recorded so far.
    """

    step: int
    some: Tensor
    rows: Tensor
    losses: list[float] = field(default_factory=list)


def train(
    network: Dense,
    inputs: Tensor,
    target: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    lesson: Lesson,
    rng: torch.Generator,
    progress: Progress,
    store: TrainingStore | None = None,
) -> list[float]:
    """Trains in place.

    Args:
        network: with one output.
        inputs: `(n, f)`.
        target: `(n,)`.
        loss: of outputs and targets, `(b,)` each, to a number.
        lesson: how.
        rng: on the CPU; for the order of points.
        progress: told how far it is.
        store: keeps the state every so many steps, and may have one to go on from.

    Returns:
        The mean loss of stretches of steps.
    """
    n = len(inputs)
    batch = max(1, min(lesson.batch, n // FEWEST_BATCHES))
    total = max(1, round(lesson.epochs * n / batch))
    parameters = [p.requires_grad_() for p in network.parameters()]
    mean = [p.detach().clone() for p in parameters]
    optimiser = Soap(parameters)
    every = max(1, total // RECORDED)
    way = _Way(0, inputs.new_zeros(()), torch.empty(0, dtype=torch.int64))
    found = store.load() if store is not None else None
    if found is not None:
        way = _restored(found, parameters, mean, optimiser, rng)
    for step in range(way.step, total):
        if len(way.rows) < batch:
            boosted = lesson.boost > 0 and 3 * step > total
            weight = _deviations(network, inputs, target, lesson.boost) if boosted else None
            way.rows = _order(n, weight, rng).to(inputs.device)
        chosen, way.rows = way.rows[:batch], way.rows[batch:]
        value = loss(network(inputs[chosen])[:, 0], target[chosen])
        gradients = torch.autograd.grad(value, parameters)
        optimiser.step(gradients, _rate(lesson.rate, step, total))
        torch._foreach_lerp_(mean, [p.detach() for p in parameters], 1 - _decay(step))
        way.some = way.some + value.detach()
        way.step = step + 1
        if way.step % every == 0 or way.step == total:
            way.losses.append(float(way.some) / (step % every + 1))
            way.some = torch.zeros_like(way.some)
            progress.update(lesson.stage, way.step, total, loss=way.losses[-1])
        if store is not None and (way.step % KEPT == 0 or way.step == total):
            store.save(*_state(way, parameters, mean, optimiser, rng))
    for parameter, averaged in zip(parameters, mean, strict=True):
        parameter.requires_grad_(False).copy_(averaged)
    return way.losses


def _state(
    way: _Way,
    parameters: Sequence[Tensor],
    mean: Sequence[Tensor],
    optimiser: Soap,
    rng: torch.Generator,
) -> tuple[dict[str, Tensor], dict[str, object]]:
    """All that the next step depends on."""
    moments, steps = optimiser.state()
    tensors = {"some": way.some, "rows": way.rows, "rng": rng.get_state()}
    for name, group in (("parameter", parameters), ("mean", mean)):
        tensors |= {f"{name}/{number}": tensor for number, tensor in enumerate(group)}
    tensors |= {f"moment/{name}": tensor for name, tensor in moments.items()}
    return tensors, {"step": way.step, "losses": list(way.losses), "optimiser": steps}


@torch.no_grad()
def _restored(
    found: tuple[dict[str, Tensor], dict[str, object]],
    parameters: Sequence[Tensor],
    mean: Sequence[Tensor],
    optimiser: Soap,
    rng: torch.Generator,
) -> _Way:
    """Takes back what `_state` gave."""
    device = mean[0].device
    tensors, values = {name: t.to(device) for name, t in found[0].items()}, found[1]
    for name, group in (("parameter", parameters), ("mean", mean)):
        for number, tensor in enumerate(group):
            tensor.copy_(tensors[f"{name}/{number}"])
    optimiser.load_state(under(tensors, "moment/"), cast("int", values["optimiser"]))
    rng.set_state(found[0]["rng"])
    losses = list(cast("list[float]", values["losses"]))
    return _Way(cast("int", values["step"]), tensors["some"], tensors["rows"], losses)


def in_blocks(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """A function of many rows without gradients, some at a time."""
    with torch.no_grad():
        return torch.cat([function(part) for part in torch.split(rows, BLOCK)])


def _rate(highest: float, step: int, total: int) -> float:
    rising = min(1.0, (step + 1) / max(1, min(WARM_UP, total // 10)))
    return highest * (LAST + rising * (1 - LAST) * 0.5 * (1 + math.cos(math.pi * step / total)))


def _decay(step: int) -> float:
    return min(AVERAGED, (1 + step) / (10 + step))


def _order(n: int, weight: Tensor | None, rng: torch.Generator) -> Tensor:
    if weight is None:
        return torch.randperm(n, generator=rng, device="cpu")
    return torch.multinomial(weight.cpu(), n, replacement=True, generator=rng)


def _deviations(network: Dense, inputs: Tensor, target: Tensor, boost: float) -> Tensor:
    """Chances of points to be drawn: even for one part, by |deviation| for the other."""
    deviation = (in_blocks(lambda x: network(x)[:, 0], inputs) - target).abs().to(torch.float64)
    return (1 - boost) / len(target) + boost * deviation / deviation.sum().clamp(min=1e-300)
