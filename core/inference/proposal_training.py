"""Trains a proposal on simulated events: pairs (u, x) at θ all over the grid, by maximum likelihood.

Maximising ⟨log q(u|x, θ)⟩ over p(u, x|θ) minimises the forward divergence from p(u|x, θ), which is
the integrand of the event's integral, normalised: the proposal that has no variance. Without θ
among its conditions it becomes the mixture over the θ it was trained at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import torch

from crosshook.core.errors import ConfigurationError, NumericalError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.context import BuildContext
    from crosshook.core.inference.assignments import Assignments
    from crosshook.core.inference.conditions import Conditions
    from crosshook.core.inference.model import ParametricModel
    from crosshook.core.inference.pairs import Pairs
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.progress import Progress
    from crosshook.core.registry import Registry

VALIDATION = 0.1
"""Share of the events that judge the training."""
RISE = 0.1
"""Share of the steps over which the learning rate rises."""
CHECKS = 20
"""Looks at them."""


@dataclass(frozen=True)
class ProposalSettings:
    """How a proposal is made; defaults are those of schemas/v1/infer.json.

    Attributes:
        events: simulated for the training.
        passes: through them.
        batch: events of a step.
        learning_rate: at its largest.
        anchors: parameter points of the mixture; 0 if the mapping is not told θ.
    """

    events: int
    passes: float
    batch: int
    learning_rate: float
    anchors: int


@dataclass(frozen=True)
class ProposalTraining:
    """What a training did.

    Attributes:
        losses: mean −log q of stretches of steps.
        validation: mean −log q of events held out, at the end.
    """

    losses: tuple[float, ...]
    validation: float


@runtime_checkable
class LearnsMapping(Protocol):
    """A channel mapping with parameters."""

    def parameters(self) -> Iterable[Tensor]:
        """What a training changes."""
        ...

    def inverse(
        self, u: Tensor, channel: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """See `ChannelMapping.inverse`."""
        ...


def build_mapping(
    slot: Slot, size: int, model: ParametricModel, context: BuildContext, registry: Registry
) -> ChannelMapping:
    """A mapping told vectors of the given size.

    Raises:
        ConfigurationError: if the component takes no conditions, or does not learn.
    """
    able = registry.get("channel_mapping", slot.use).component.capabilities
    if not (able.conditional and able.learns):
        message = (
            f"integral.proposal: channel mapping {slot.use!r} cannot be told of an event; "
            "use one that is conditional and learns, such as flow, or null for uniform points"
        )
        raise ConfigurationError(message)
    inner = context.with_(dimensions=model.n_dim, channels=1, condition_size=size, features=())
    built = registry.build("channel_mapping", slot, inner, "integral.proposal")
    return cast("ChannelMapping", built)


def train_proposal(
    mapping: ChannelMapping,
    conditions: Conditions,
    pairs: Pairs,
    settings: ProposalSettings,
    rng: torch.Generator,
    progress: Progress,
    assignments: Assignments | None = None,
) -> ProposalTraining:
    """Trains a mapping in place; the state that does best on events held out is kept.

    Args:
        mapping: to be trained.
        conditions: what it is told.
        pairs: of truth and reconstruction.
        settings: of the training.
        rng: of batches.
        progress: told how far it is.
        assignments: trained beside it, if objects have several orders.

    Raises:
        NumericalError: if their log q is no number.
    """
    assert isinstance(mapping, LearnsMapping)
    told = conditions(pairs.reco, pairs.theta if conditions.theta is not None else None)
    order = torch.randperm(len(told), generator=rng, device="cpu")
    share = int(VALIDATION * len(order))
    held, used = order[:share], order[share:]
    parameters = list(mapping.parameters())
    if assignments is not None:
        parameters += assignments.network.parameters()
    optimiser = torch.optim.Adam(parameters, settings.learning_rate)
    steps = max(1, math.ceil(settings.passes * len(used) / settings.batch))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=steps + 1, pct_start=RISE
    )
    best, kept = math.inf, [p.detach().clone() for p in parameters]
    losses: list[float] = []
    stretch: list[float] = []
    for step in range(steps):
        rows = used[torch.randint(len(used), (settings.batch,), generator=rng, device="cpu")]
        loss = -_log_q(mapping, assignments, pairs.u[rows], told[rows]).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        schedule.step()
        stretch.append(float(loss.detach()))
        if (step + 1) % max(1, steps // CHECKS) == 0 or step + 1 == steps:
            losses.append(sum(stretch) / len(stretch))
            stretch = []
            with torch.no_grad():
                logs = _log_q(mapping, assignments, pairs.u[held], told[held])
                judged = -float(logs.mean())
            if judged < best:
                best, kept = judged, [p.detach().clone() for p in parameters]
            progress.update("train the proposal", step + 1, steps, loss=judged)
    if not best < math.inf:
        message = "train the proposal: log q of the events held out was never a number"
        raise NumericalError(message)
    with torch.no_grad():
        for parameter, value in zip(parameters, kept, strict=True):
            parameter.copy_(value)
    return ProposalTraining(tuple(losses), best)


def _log_q(
    mapping: LearnsMapping, assignments: Assignments | None, u: Tensor, told: Tensor
) -> Tensor:
    if assignments is None:
        channel = torch.zeros(len(u), dtype=torch.int64, device=u.device)
        return mapping.inverse(u, channel, told)[1]
    turned, log_share = assignments(told)
    row, order = torch.nonzero(torch.isfinite(log_share), as_tuple=True)
    channel = torch.zeros_like(row)
    log_q = mapping.inverse(u[row], channel, turned[row, order])[1]
    logs = torch.full_like(log_share, -torch.inf)
    logs = logs.index_put((row, order), log_q + log_share[row, order])
    return torch.logsumexp(logs, dim=1)
