"""The learner: rounds of drawing and gradient steps on all points so far, then a long last stage.

A round draws from the proposal as it is, takes the points into the buffer and makes steps on
random batches of it. Half of all steps come after the last draw, while the learning rate falls.
What a learner knows is all in its `state`, so that a training stopped between rounds goes on with
the same bits.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from crosshook.core.interfaces.training import GradientSource
from crosshook.core.learning.buffer import Buffer, columns_of
from crosshook.core.learning.comparison import Comparison
from crosshook.core.learning.gradients import SHARE, inside_layer, mismatch, squared_widths
from crosshook.core.learning.losses import Batch, loss, spreads
from crosshook.core.learning.progressed import (
    LastStage,
    Progressed,
    load_optimiser_state,
    numbered,
    optimiser_state,
    under,
)
from crosshook.core.learning.schedule import learning_rate
from crosshook.core.sampling.gradient import COST
from crosshook.core.sampling.parts import even_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from crosshook.core.context import BuildContext
    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.interfaces.training import Draw, Source
    from crosshook.core.learning.alone import Learns
    from crosshook.core.learning.settings import LearningSettings, Loss
    from crosshook.core.sampling.parts import Density, Parts
    from crosshook.core.sampling.proposal import Proposal

FEWEST_STEPS = 300
MEMORY = 0.95
"""Of the running estimates of channel sizes and spreads, per step."""
LAST_STAGE = 0.5
"""Share of the steps that come after the last draw."""
REPORTS = 100
"""Reports of progress in a training."""
CHECKS = 20
"""Looks at the validation points in the last stage."""


def _no_density(state: dict[str, Tensor]) -> Density:
    """There is one generation only, and its own density is known."""
    raise AssertionError(state)


class Learner:
    """Trains a mapping, channel weights, or both, on draws from a source."""

    def __init__(
        self,
        parts: Parts | None,
        weights: ChannelWeights | None,
        learns: Sequence[Learns],
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
            learns: what is in training.
            source: gives points.
            settings: how to train.
            evaluations: points for the rounds.
            context: with a generator for the batches.
            use: told the proposal to draw from.
        """
        self._parts, self._weights, self._source = parts, weights, source
        self._settings, self._context, self._use = settings, context, use
        self._evaluations = evaluations
        self._comparison = Comparison(parts, weights, context.channels)
        self._learns = tuple(learns)
        self._parameters = [p for part in learns for p in part.parameters()]
        moving = [p for p in self._parameters if p.requires_grad]
        self._optimiser = torch.optim.Adam(moving, settings.learning_rate, (0.9, 0.99))
        self.buffer = Buffer(context.channels, settings.buffer)
        self.progressed = Progressed()
        self._last: LastStage | None = None
        self._size = torch.zeros(context.channels, dtype=torch.float64)
        self._spread = torch.zeros(context.channels, dtype=torch.float64)
        self._width2 = torch.empty(0)
        explore = settings.explore
        self.shares = even_rows(
            context.channels, (1.0 - explore, explore, 0.0), context.torch_device
        )

    def run(self, checks: int, between: Callable[[], None]) -> None:
        """Every round and the last stage.

        Args:
            checks: fresh points that tell the last stage when to stop; 0 for none.
            between: called after each round and each look, e.g. to write a checkpoint.
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
        self._finish(checks, total, between)
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
        if not self._settings.gradients:
            self.take(self._source.draw(n), self.shares)
            return
        assert isinstance(self._source, GradientSource)
        first = self.progressed.rounds == 0
        self.take(self._source.draw_with_gradients(n // COST, check=first), self.shares)

    def take(self, draw: Draw, shares: Tensor) -> None:
        """Takes a draw into the buffer.

        Args:
            draw: made with the parts as they are.
            shares: of the parts, `(k, 3)`.
        """
        if not self.buffer.generations:
            for part in self._learns:
                part.prepare(draw)
        if self._settings.gradients and draw.log_gradient is None:
            draw = replace(draw, log_gradient=torch.full_like(draw.u, torch.nan))
        if self._parts is None:
            self.buffer.add(draw, {}, _no_density)
        else:
            self.buffer.add(draw, self._parts.frozen(shares), self._parts.density)

    def _finish(self, checks: int, total: int, between: Callable[[], None]) -> None:
        """The last stage: keeps the state that suits fresh points best, and stops without one."""
        settings = self._settings
        kind = settings.final_loss or settings.loss
        resumed, size, spread = self._last, self._size, self._spread
        points = self._points()
        last = self._last = resumed or LastStage(self.progressed.steps, self._fresh(checks))
        fresh: dict[str, Tensor] = {}
        if last.fresh:
            columns = dict(last.fresh)
            fresh = self._located(columns, columns.pop("log_rho"))
        if resumed is not None:
            self._size, self._spread = size, spread
        elif fresh:
            last.best, last.kept = self._check(fresh, kind), self._copies()
        while last.looks < CHECKS and last.since < settings.patience:
            until = last.start + (total - last.start) * (last.looks + 1) // CHECKS
            self._steps(points, until, total, kind)
            last.looks += 1
            value = self._check(fresh, kind) if fresh else math.inf
            if value < last.best:
                last.best, last.since, last.kept = value, 0, self._copies()
            elif fresh:
                last.since += 1
            between()
        if last.kept:
            self._replace(last.kept)

    def _fresh(self, checks: int) -> dict[str, Tensor]:
        """Points no step will see; nothing for 0 of them."""
        if not checks:
            return {}
        if self._parts is not None:
            self._use(self._parts.thaw(self._parts.frozen(self.shares)))
        draw = self._source.draw(checks)
        return columns_of(draw) | {"log_rho": -draw.log_det}

    def _copies(self) -> list[Tensor]:
        """The parameters by value."""
        return [p.detach().clone() for p in self._parameters]

    @torch.no_grad()
    def _replace(self, values: Sequence[Tensor]) -> None:
        """Gives the parameters other values."""
        for parameter, value in zip(self._parameters, values, strict=True):
            parameter.copy_(value)

    def fixed(self) -> dict[str, Callable[[], dict[str, Tensor]]]:
        """What never changes once it is there, by name: points and what they were drawn from."""
        buffer, last = self.buffer, self._last
        found: dict[str, Callable[[], dict[str, Tensor]]] = {
            f"generation-{buffer.forgotten + t:04d}": partial(buffer.piece, t)
            for t in range(len(buffer.generations))
        }
        if last is not None and last.fresh:
            found["fresh"] = lambda: last.fresh
        return found

    def state(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """All else that later steps depend on: tensors, and what JSON can hold."""
        tensors = {
            "size": self._size,
            "spread": self._spread,
            "losses": torch.tensor(self.progressed.losses, dtype=torch.float64, device="cpu"),
            "rng": self._rng().get_state(),
        }
        tensors |= {f"parameter/{i}": p for i, p in enumerate(self._parameters)}
        moments = optimiser_state(self._optimiser)
        tensors |= {f"optimiser/{name}": moment for name, moment in moments.items()}
        values: dict[str, object] = {
            "rounds": self.progressed.rounds,
            "steps": self.progressed.steps,
            "skipped": self.progressed.skipped,
            "forgotten": self.buffer.forgotten,
            "last": None,
        }
        if self._last is not None:
            last = self._last
            tensors |= {f"kept/{i}": t for i, t in enumerate(last.kept)}
            values["last"] = {
                "start": last.start,
                "best": last.best,
                "since": last.since,
                "looks": last.looks,
            }
        return tensors, values

    def load_state(
        self,
        fixed: Mapping[str, dict[str, Tensor]],
        tensors: Mapping[str, Tensor],
        values: Mapping[str, Any],
    ) -> None:
        """Takes back what `fixed` and `state` gave.

        Args:
            fixed: by name.
            tensors: those of `state`.
            values: likewise.
        """
        names = sorted(name for name in fixed if name.startswith("generation-"))
        if names:
            self.buffer.load_pieces([fixed[name] for name in names], values["forgotten"])
        self._size, self._spread = tensors["size"], tensors["spread"]
        self._rng().set_state(tensors["rng"].cpu())
        self._replace(numbered(tensors, "parameter/"))
        load_optimiser_state(self._optimiser, under(tensors, "optimiser/"))
        self.progressed = Progressed(
            values["rounds"], values["steps"], tensors["losses"].tolist(), values["skipped"]
        )
        if values["last"] is not None:
            kept = numbered(tensors, "kept/")
            self._last = LastStage(fresh=fixed.get("fresh", {}), kept=kept, **values["last"])

    def _rng(self) -> torch.Generator:
        """The generator of the batches."""
        assert self._context.rng is not None
        return self._context.rng

    @torch.no_grad()
    def _check(self, fresh: dict[str, Tensor], kind: Loss) -> float:
        """The loss on fresh points; infinite if it is none."""
        log_target, log_q = self._compared(fresh)
        size = self._comparison.sizes(log_target, fresh)
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
        columns = self.buffer.columns
        points = self._located(columns, self.buffer.log_rho())
        if "log_gradient" in columns:
            gradient = columns["log_gradient"]
            if self._parts is not None and self._parts.outer is not None:
                rows = (points["x"], self._parts.outer, points["channel"], points.get("condition"))
                gradient = inside_layer(gradient, *rows)
            points["log_gradient"] = gradient
            log_target = points["log_value"] + points["log_alpha"]
            widths = squared_widths(points, log_target, self._size)
            self._width2 = widths[:, : self._context.dimensions]
        return points

    @torch.no_grad()
    def _located(self, columns: dict[str, Tensor], log_rho: Tensor) -> dict[str, Tensor]:
        """Points as they are compared; channel sizes start from these, and spreads anew."""
        points = self._comparison.located(columns, log_rho)
        self._size = self._comparison.sizes(self._comparison.log_target(points), points)
        self._spread = torch.zeros_like(self._size)
        return points

    def _compared(self, points: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """log|a| and log q of points, with gradients."""
        return self._comparison.log_target(points), self._comparison.log_density(points)

    def _step(self, points: dict[str, Tensor], total: int, kind: Loss) -> None:
        settings = self._settings
        n = points["x"].shape[0]
        rows = torch.randint(
            n, (min(settings.batch, n),), generator=self._context.rng, device="cpu"
        ).to(points["x"].device)
        chosen = {name: column[rows] for name, column in points.items()}
        batch = self._batch(chosen, *self._compared(chosen))
        value = loss(kind, batch, settings.power)
        if settings.gradients:
            value = value + settings.gradients * self._gradient_term(chosen)
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate(settings, self.progressed.steps, total)
        self._optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, settings.clip)
        if bool(torch.isfinite(norm)):
            self._optimiser.step()
        else:
            self.progressed.skipped += 1
        self.progressed.steps += 1
        self.progressed.losses.append(float(value.detach()))

    def _gradient_term(self, points: dict[str, Tensor]) -> Tensor:
        """What the gradients of the integrand say, on the first points of a batch."""
        first = math.ceil(SHARE * points["channel"].shape[0])
        some = {name: column[:first] for name, column in points.items()}
        log_target = some["log_value"] + some["log_alpha"]
        return mismatch(some, log_target, self._comparison.log_density, self._size, self._width2)

    def _batch(self, points: dict[str, Tensor], log_target: Tensor, log_q: Tensor) -> Batch:
        """The batch, with channel sizes and spreads remembered over steps."""
        with torch.no_grad():
            if self._weights is not None:
                self._size = torch.lerp(
                    self._size, self._comparison.sizes(log_target, points), 1 - MEMORY
                )
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
