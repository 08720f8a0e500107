"""The learner: rounds of drawing and gradient steps on all points so far, then a long last stage.

A round draws from the proposal as it is, takes the points into the buffer and makes steps on
random batches of it. Half of all steps come after the last draw, while the learning rate falls.
What a learner knows is all in its `state`, so that a training stopped between rounds goes on with
the same bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from crosshook.core.learning.buffer import Buffer, columns_of
from crosshook.core.learning.losses import Batch, channel_means, loss, spreads
from crosshook.core.sampling.parts import even_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.interfaces.training import Draw, Source
    from crosshook.core.learning.settings import LearningSettings, Loss
    from crosshook.core.sampling.parts import Density, Parts
    from crosshook.core.sampling.proposal import Proposal

FEWEST_STEPS = 300
WARM_UP = 20
"""Steps over which the learning rate rises."""
MEMORY = 0.95
"""Of the running estimates of channel sizes and spreads, per step."""
LAST_STAGE = 0.5
"""Share of the steps that come after the last draw."""
REPORTS = 100
"""Reports of progress in a training."""
CHECKS = 20
"""Looks at the validation points in the last stage."""


@dataclass
class Progressed:
    """How far a learner is; plain values, for a checkpoint."""

    rounds: int = 0
    steps: int = 0
    losses: list[float] = field(default_factory=list)
    skipped: int = 0


def _no_density(state: dict[str, Tensor]) -> Density:
    """There is one generation only, and its own density is known."""
    raise AssertionError(state)


class Learner:
    """Trains a mapping, channel weights, or both, on draws from a source."""

    def __init__(
        self,
        parts: Parts | None,
        weights: ChannelWeights | None,
        parameters: Iterable[Tensor],
        source: Source,
        settings: LearningSettings,
        evaluations: int,
        context: BuildContext,
        use: Callable[[Proposal], None],
    ) -> None:
        """Prepares a training.

        Args:
            parts: the mapping in training with its warm start; None if only weights learn, in
                which case everything is drawn at once.
            weights: channel weights in training, or None if they stay as the source has them.
            parameters: of what is in training.
            source: gives points.
            settings: how to train.
            evaluations: points for the rounds.
            context: with a generator for the batches.
            use: told the proposal to draw from.
        """
        self._parts, self._weights, self._source = parts, weights, source
        self._settings, self._context, self._use = settings, context, use
        self._evaluations = evaluations
        self._parameters = [p for p in parameters if p.requires_grad]
        self._optimiser = torch.optim.Adam(self._parameters, settings.learning_rate, (0.9, 0.99))
        self.buffer = Buffer(context.channels, settings.buffer)
        self.progressed = Progressed()
        self._size = torch.zeros(context.channels, dtype=torch.float64)
        self._spread = torch.zeros(context.channels, dtype=torch.float64)
        explore = settings.explore
        self.shares = even_rows(
            context.channels, (1.0 - explore, explore, 0.0), context.torch_device
        )

    def run(self, checks: int, between: Callable[[], None]) -> None:
        """Every round and the last stage.

        Args:
            checks: fresh points that tell the last stage when to stop; 0 for none.
            between: called after each round, e.g. to write a checkpoint.
        """
        rounds = self._settings.rounds if self._parts is not None else 1
        each = self._evaluations // rounds
        total = self._planned()
        while self.progressed.rounds < rounds:
            if each:
                self._draw(each)
            done = self.progressed.rounds + 1
            until = round(total * (1 - LAST_STAGE) * done / rounds)
            self._steps(self._points(), until, total, self._settings.loss)
            self.progressed.rounds = done
            between()
        self._finish(checks, total)
        self._tell(total, total)

    def _planned(self) -> int:
        passes = self._settings.passes * self._evaluations / self._settings.batch
        return max(FEWEST_STEPS, round(passes))

    def _draw(self, n: int) -> None:
        """One generation from the proposal as it is."""
        if self._parts is None:
            self.take(self._source.draw(n), self.shares)
            return
        self._use(self._parts.thaw(self._parts.frozen(self.shares)))
        self.take(self._source.draw(n), self.shares)

    def take(self, draw: Draw, shares: Tensor) -> None:
        """Takes a draw into the buffer.

        Args:
            draw: made with the parts as they are.
            shares: of the parts, `(k, 3)`.
        """
        if self._parts is None:
            self.buffer.add(draw, {}, _no_density)
        else:
            self.buffer.add(draw, self._parts.frozen(shares), self._parts.density)

    def _finish(self, checks: int, total: int) -> None:
        """The last stage: keeps the state that suits fresh points best, and stops without one."""
        settings = self._settings
        kind = settings.final_loss or settings.loss
        points = self._points()
        if not checks:
            self._steps(points, total, total, kind)
            return
        if self._parts is not None:
            self._use(self._parts.thaw(self._parts.frozen(self.shares)))
        draw = self._source.draw(checks)
        columns = columns_of(draw)
        fresh = self._located(columns, -draw.log_det)
        best, since = self._check(fresh, kind), 0
        kept = [p.detach().clone() for p in self._parameters]
        start = self.progressed.steps
        for check in range(1, CHECKS + 1):
            self._steps(points, start + (total - start) * check // CHECKS, total, kind)
            value = self._check(fresh, kind)
            if value < best:
                best, since = value, 0
                kept = [p.detach().clone() for p in self._parameters]
            else:
                since += 1
            if since >= settings.patience:
                break
        with torch.no_grad():
            for parameter, best_state in zip(self._parameters, kept, strict=True):
                parameter.copy_(best_state)

    @torch.no_grad()
    def _check(self, fresh: dict[str, Tensor], kind: Loss) -> float:
        """The loss on fresh points; infinite if it is none."""
        log_target, log_q = self._compared(fresh)
        size = self._sizes(log_target, fresh)
        fixed = (fresh["channel"], log_target, log_q, fresh["log_rho"], size)
        spread = spreads(Batch(*fixed, size)).sqrt().clamp(min=float(size.sum()) * 1e-9)
        value = float(loss(kind, Batch(*fixed, spread), self._settings.power))
        return value if math.isfinite(value) else math.inf

    def _steps(self, points: dict[str, Tensor], until: int, total: int, kind: Loss) -> None:
        """Steps on batches of the points, up to a number of all steps."""
        every = max(1, total // REPORTS)
        while self.progressed.steps < until and points["channel"].numel():
            self._step(points, total, kind)
            if self.progressed.steps % every == 0:
                self._tell(self.progressed.steps, total)

    def _tell(self, done: int, total: int) -> None:
        """Progress, with the mean loss of the latest steps and their number."""
        last = self.progressed.losses[-max(1, total // REPORTS) :]
        if last:
            figures = {"loss": sum(last) / len(last), "step": float(self.progressed.steps)}
            self._context.progress.update("learn", done, total, **figures)

    def _points(self) -> dict[str, Tensor]:
        """The buffer as the steps need it."""
        return self._located(self.buffer.columns, self.buffer.log_rho())

    @torch.no_grad()
    def _located(self, columns: dict[str, Tensor], log_rho: Tensor) -> dict[str, Tensor]:
        """Points in the coordinates of the learner, inside the warm start."""
        channel, condition = columns["channel"], columns.get("condition")
        x, shift = columns["u"], torch.zeros_like(columns["value"])
        if self._parts is not None and self._parts.outer is not None:
            x, shift = self._parts.outer.inverse(x, channel, condition)
        points = {
            "x": x,
            "channel": channel,
            "log_value": torch.log(columns["value"].abs()) - shift,
            "log_rho": log_rho - shift,
            "log_alpha": columns["log_alpha"].gather(1, channel[:, None])[:, 0],
        }
        for name in ("log_prior", "features", "condition"):
            if name in columns:
                points[name] = columns[name]
        self._size = self._sizes(points["log_value"] + self._log_alpha(points), points)
        self._spread = torch.zeros_like(self._size)
        return points

    def _compared(self, points: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """log|a| and log q of points, with gradients."""
        log_target = points["log_value"] + self._log_alpha(points)
        if self._parts is None:
            return log_target, points["log_rho"]
        rows = (points["x"], points["channel"], points.get("condition"))
        return log_target, self._parts.inner.inverse(*rows)[1]

    def _sizes(self, log_target: Tensor, points: dict[str, Tensor]) -> Tensor:
        """A_c of some points, `(k,)`; a channel without any gets the smallest positive size."""
        k = self._context.channels
        means = channel_means(torch.exp(log_target - points["log_rho"]), points["channel"], k)
        return means.clamp(min=max(float(means.sum()), 1e-300) * 1e-9)

    def _log_alpha(self, points: dict[str, Tensor]) -> Tensor:
        """log α of each point's own channel, `(n,)`."""
        if self._weights is None:
            return points["log_alpha"]
        log_alpha = self._weights.log_weights(points.get("features"), points["log_prior"], None)
        return log_alpha.gather(1, points["channel"][:, None])[:, 0]

    def _step(self, points: dict[str, Tensor], total: int, kind: Loss) -> None:
        settings = self._settings
        n = points["x"].shape[0]
        rows = torch.randint(
            n, (min(settings.batch, n),), generator=self._context.rng, device="cpu"
        ).to(points["x"].device)
        chosen = {name: column[rows] for name, column in points.items()}
        batch = self._batch(chosen, *self._compared(chosen))
        value = loss(kind, batch, settings.power)
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate(total)
        self._optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, settings.clip)
        if bool(torch.isfinite(norm)):
            self._optimiser.step()
        else:
            self.progressed.skipped += 1
        self.progressed.steps += 1
        self.progressed.losses.append(float(value.detach()))

    def _batch(self, points: dict[str, Tensor], log_target: Tensor, log_q: Tensor) -> Batch:
        """The batch, with channel sizes and spreads remembered over steps."""
        with torch.no_grad():
            if self._weights is not None:
                self._size = torch.lerp(self._size, self._sizes(log_target, points), 1 - MEMORY)
            fixed = (points["channel"], log_target.detach(), log_q.detach(), points["log_rho"])
            now = spreads(Batch(*fixed, self._size, self._spread)).sqrt()
            first = self._spread.sum() == 0
            self._spread = now if first else torch.lerp(self._spread, now, 1 - MEMORY)
            # A channel that fits already must not drown the others.
            floor = 1e-3 * self._size + 1e-2 * self._spread.mean() + 1e-300
        return Batch(
            points["channel"],
            log_target,
            log_q,
            points["log_rho"],
            self._size,
            torch.maximum(self._spread, floor),
        )

    def _rate(self, total: int) -> float:
        """The learning rate of this step."""
        step, settings = self.progressed.steps, self._settings
        rising = min(1.0, (step + 1) / WARM_UP)
        falling = {
            "cosine": 0.5 * (1 + math.cos(math.pi * min(step / total, 1.0))),
            "exponential": math.exp(-4.6 * step / total),
            "constant": 1.0,
        }[settings.schedule]
        return settings.learning_rate * rising * falling
