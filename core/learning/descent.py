"""The training loop of networks on a table: shuffled batches, SOAP, a falling rate, averaged weights.

Learners on draws of an integrand have `crosshook.core.learning.learner`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.learning.progressed import under
from crosshook.core.learning.soap import Soap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from crosshook.core.interfaces.training import TrainingStore
    from crosshook.core.progress import Progress

KEPT = 500
"""Steps between two states that are kept."""
SMALLEST_NORM = 1e-12


@dataclass(frozen=True)
class Lesson:
    """How a network is trained.

    Attributes:
        epochs: passes over the rows.
        batch: rows in a step, where there are rows enough.
        rate: highest learning rate.
        stage: name for the progress bar.
        fewest_batches: in a pass; batches are smaller where there are few rows.
        warm_up: steps over which the rate rises, or a tenth of all.
        last: of the highest rate, the last one.
        averaged: decay of the mean of the weights, which is what is kept; less in the first steps.
        looks: stretches of steps whose mean loss is recorded, at most.
        longest: norm of a gradient beyond which it is shortened, and steps without finite
            gradients are left out; None takes gradients as they are.
    """

    epochs: float
    batch: int
    rate: float
    stage: str
    fewest_batches: int = 16
    warm_up: int = 50
    last: float = 1e-2
    averaged: float = 0.995
    looks: int = 20
    longest: float | None = None


class Descent:
    """A training on its way, of parameters that are changed in place.

    Attributes:
        lesson: how.
        total: steps in all.
        step: steps done.
        mean: averages of the parameters.
        losses: mean loss of each stretch.
        skipped: steps left out because a gradient was no number.
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        n: int,
        lesson: Lesson,
        rng: torch.Generator,
        order: Callable[[Descent], Tensor] | None = None,
    ) -> None:
        """Nothing is done yet.

        Args:
            parameters: without gradients before and after.
            n: rows to learn from.
            lesson: how.
            rng: on the CPU; for the order of rows.
            order: gives the numbers of the rows of the next pass, `(n,)` int64; `0 … n - 1` at
                random if None.
        """
        self.lesson, self.step, self.skipped = lesson, 0, 0
        self.batch = max(1, min(lesson.batch, n // lesson.fewest_batches))
        self.total = max(1, round(lesson.epochs * n / self.batch))
        self.mean = [p.detach().clone() for p in parameters]
        self.losses: list[float] = []
        self._n, self._rng, self._order = n, rng, order
        self._parameters = [p.requires_grad_() for p in parameters]
        self._optimiser = Soap(self._parameters)
        self._every = max(1, math.ceil(self.total / lesson.looks))
        self._some = torch.zeros((), dtype=torch.float64, device=self.mean[0].device)
        self._counted = 0
        self._rows = torch.empty(0, dtype=torch.int64, device=self.mean[0].device)

    def run(
        self,
        loss: Callable[[Tensor], Tensor],
        progress: Progress,
        *,
        look: Callable[[Descent], bool] | None = None,
        store: TrainingStore | None = None,
    ) -> None:
        """Goes to the end, or until a look says stop; the averages are the parameters then.

        Args:
            loss: of the rows with these numbers, `(b,)` int64, to a number.
            progress: told how far it is.
            look: called after each stretch; True stops. What it remembers itself is not kept.
            store: keeps the state every so many steps, and may have one to go on from.
        """
        found = store.load() if store is not None else None
        if found is not None:
            self._restore(*found)
        while self.step < self.total:
            self._one(loss)
            stop = False
            if self.step % self._every == 0 or self.step == self.total:
                self._record()
                progress.update(self.lesson.stage, self.step, self.total, loss=self.losses[-1])
                stop = look is not None and look(self)
            if store is not None and (self.step % KEPT == 0 or self.step == self.total):
                store.save(*self._state())
            if stop:
                break
        for parameter, averaged in zip(self._parameters, self.mean, strict=True):
            parameter.requires_grad_(False).copy_(averaged)

    def averages(self) -> list[Tensor]:
        """Copies of the averages as they are now."""
        return [m.clone() for m in self.mean]

    def _one(self, loss: Callable[[Tensor], Tensor]) -> None:
        if len(self._rows) < self.batch:
            self._rows = self._next_pass().to(self._rows.device)
        chosen, self._rows = self._rows[: self.batch], self._rows[self.batch :]
        value = loss(chosen)
        gradients: Sequence[Tensor] | None = torch.autograd.grad(
            value, self._parameters, allow_unused=True, materialize_grads=True
        )
        if self.lesson.longest is not None:
            gradients = _shortened(cast("Sequence[Tensor]", gradients), self.lesson.longest)
        if gradients is None:
            self.skipped += 1
        else:
            self._optimiser.step(gradients, self._rate())
            self._some += value.detach()
            self._counted += 1
        decay = min(self.lesson.averaged, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.mean, [p.detach() for p in self._parameters], 1 - decay)
        self.step += 1

    def _next_pass(self) -> Tensor:
        if self._order is not None:
            return self._order(self)
        return torch.randperm(self._n, generator=self._rng, device="cpu")

    def _rate(self) -> float:
        lesson = self.lesson
        rising = min(1.0, (self.step + 1) / max(1, min(lesson.warm_up, self.total // 10)))
        falling = 0.5 * (1 + math.cos(math.pi * self.step / self.total))
        return lesson.rate * (lesson.last + rising * (1 - lesson.last) * falling)

    def _record(self) -> None:
        self.losses.append(float(self._some) / self._counted if self._counted else math.nan)
        self._some = torch.zeros_like(self._some)
        self._counted = 0

    def _state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """All that the next step depends on."""
        moments, steps = self._optimiser.state()
        tensors = {"some": self._some, "rows": self._rows, "rng": self._rng.get_state()}
        for name, group in (("parameter", self._parameters), ("mean", self.mean)):
            tensors |= {f"{name}/{i}": tensor.detach() for i, tensor in enumerate(group)}
        tensors |= {f"moment/{name}": tensor for name, tensor in moments.items()}
        return tensors, {
            "step": self.step,
            "counted": self._counted,
            "skipped": self.skipped,
            "losses": list(self.losses),
            "optimiser": steps,
        }

    @torch.no_grad()
    def _restore(self, found: dict[str, Tensor], values: dict[str, object]) -> None:
        """Takes back what `_state` gave."""
        tensors = {name: t.to(self.mean[0].device) for name, t in found.items()}
        for name, group in (("parameter", self._parameters), ("mean", self.mean)):
            for i, tensor in enumerate(group):
                tensor.copy_(tensors[f"{name}/{i}"])
        self._optimiser.load_state(under(tensors, "moment/"), cast("int", values["optimiser"]))
        self._rng.set_state(found["rng"])
        self._some, self._rows = tensors["some"], tensors["rows"]
        self.step, self._counted = cast("int", values["step"]), cast("int", values["counted"])
        self.skipped = cast("int", values["skipped"])
        self.losses = list(cast("list[float]", values["losses"]))


def _shortened(gradients: Sequence[Tensor], longest: float) -> list[Tensor] | None:
    """Gradients of a norm that is not too large; None where one is no number."""
    norm = torch.stack([g.norm() for g in gradients]).norm()
    if not bool(norm.isfinite()):
        return None
    scale = (longest / norm.clamp(min=SMALLEST_NORM)).clamp(max=1.0)
    return [g * scale for g in gradients]
