"""∫ du dσ/du(θ) ε(z) T(x|z) for every event x, all θ at the same points u drawn from q(u|x).

A net of points is rotated (Cranley and Patterson 1976) by a random vector of its own for each event
and replica, so that the replicas of an event are independent and their spread is its error. Sums
over events carry the replicas along: errors of different θ hang together, and the error of a
difference of log-likelihoods is that of the difference. dσ is evaluated at the nodes that span all
θ, see `spanning`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from crosshook.core import random
from crosshook.core.errors import NumericalError
from crosshook.core.inference.spanning import holding, spanning
from crosshook.core.sampling.latents import sobol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from crosshook.core.inference.model import ParametricModel, TruthPoints
    from crosshook.core.inference.proposal import EventProposal
    from crosshook.core.inference.spanning import Spanning
    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.progress import Progress

ROWS = 32_768
"""Points handed to components at once, about."""


@dataclass(frozen=True)
class IntegralSettings:
    """How the integrals of events are done.

    Attributes:
        points: of an event.
        replicas: independent parts of them.
        sequence: `sobol` for nets, `random` for independent points.
        seed: of the points.
        threads: that blocks of events are shared out to; results do not depend on it.
    """

    points: int
    replicas: int
    sequence: Literal["sobol", "random"]
    seed: int
    threads: int = 1


@dataclass(frozen=True)
class EventIntegrals:
    """Integrals of n events at t parameter points by m detectors, in pb per unit of x.

    Attributes:
        log_value: log of the integrals, `(m, n, t)`; -inf where all points gave 0.
        relative_error: standard errors over values, of the first detector, `(n, t)`.
        effective: (Σw)²/(N Σw²), of the first detector, `(n, t)`; 0 where all points gave 0.
        deviations: replicas over their mean, less 1, of the first detector, `(n, r, t)` float32;
            None if they were not kept.
        points: N of each event.
    """

    log_value: Tensor
    relative_error: Tensor
    effective: Tensor
    deviations: Tensor | None
    points: int

    def tensors(self) -> dict[str, Tensor]:
        """All of it as tensors."""
        found = {
            "log_value": self.log_value,
            "relative_error": self.relative_error,
            "effective": self.effective,
            "points": torch.tensor(self.points, device="cpu"),
        }
        if self.deviations is not None:
            found["deviations"] = self.deviations
        return {name: tensor.contiguous() for name, tensor in found.items()}

    @classmethod
    def from_tensors(cls, found: Mapping[str, Tensor]) -> EventIntegrals:
        """Takes back what `tensors` gave."""
        return cls(
            found["log_value"],
            found["relative_error"],
            found["effective"],
            found.get("deviations"),
            int(found["points"]),
        )


def block_size(settings: IntegralSettings) -> int:
    """Events of a block, which share a random stream."""
    each = settings.points // settings.replicas
    return max(1, ROWS // (each * settings.replicas))


@torch.no_grad()
def integrate_events(
    model: ParametricModel,
    transfers: Sequence[TransferFunction],
    proposal: EventProposal,
    reco: Features,
    theta: Tensor,
    settings: IntegralSettings,
    progress: Progress,
    *,
    keep: bool,
    stage: str = "integrate events",
    first: int = 0,
) -> EventIntegrals:
    """Integrates events.

    Args:
        model: gives dσ/du(θ).
        transfers: detectors, e.g. an ensemble of networks.
        proposal: where points are drawn.
        reco: the events.
        theta: `(t, p)`.
        settings: how many points, of what kind.
        progress: told how far it is.
        keep: keep the replicas of every event.
        stage: names the random stream, and what is shown.
        first: number of their first block, where the events are part of more.

    Raises:
        NumericalError: if an integrand is NaN or infinite.
    """
    each = settings.points // settings.replicas
    rng = random.stream(settings.seed, f"{stage}/net", 0)
    d = proposal.numbers(model.n_dim)
    net = sobol(each, d, rng) if settings.sequence == "sobol" else None
    size = block_size(settings)
    blocks = -(-len(reco) // size)
    span = spanning(model, theta)

    def compute(block: int) -> EventIntegrals:
        chosen = reco.select(slice(block * size, (block + 1) * size))
        shape = (len(chosen), settings.replicas, each, d)
        numbers = _numbers(net, settings.seed, stage, first + block, shape)
        with torch.no_grad():  # a thread has its own mode
            return _block(model, transfers, proposal, chosen, theta, span, numbers, keep=keep)

    parts = []
    for block, part in enumerate(_shared_out(compute, blocks, settings.threads)):
        parts.append(part)
        progress.update(stage, min((block + 1) * size, len(reco)), len(reco))
    if not parts:
        none = theta.new_zeros((0, len(theta)))
        return EventIntegrals(
            none.expand(len(transfers), 0, -1), none, none, None, settings.points
        )
    return EventIntegrals(
        torch.cat([p.log_value for p in parts], dim=1),
        torch.cat([p.relative_error for p in parts]),
        torch.cat([p.effective for p in parts]),
        torch.cat([p.deviations for p in parts if p.deviations is not None]) if keep else None,
        each * settings.replicas,
    )


def _shared_out(
    compute: Callable[[int], EventIntegrals], blocks: int, threads: int
) -> Iterator[EventIntegrals]:
    """Results of all blocks in their order."""
    if threads == 1 or blocks < 2:
        yield from map(compute, range(blocks))
        return
    # torch counts threads inside of an operation for each thread by itself
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(compute, range(blocks))


def _numbers(
    net: Tensor | None, seed: int, stage: str, block: int, shape: tuple[int, int, int, int]
) -> Tensor:
    events, replicas, each, d = shape
    if net is None:
        return random.uniform(seed, stage, block, shape)
    turn = random.uniform(seed, stage, block, (events, replicas, 1, d))
    rotated = net + turn
    return (rotated - torch.floor(rotated)).reshape(events, replicas, each, d)


def _block(
    model: ParametricModel,
    transfers: Sequence[TransferFunction],
    proposal: EventProposal,
    reco: Features,
    theta: Tensor,
    span: Spanning,
    numbers: Tensor,
    *,
    keep: bool,
) -> EventIntegrals:
    b, replicas = numbers.shape[0], numbers.shape[1]
    n = replicas * numbers.shape[2]
    u, log_q = proposal.draw(reco, numbers.reshape(b, n, -1))
    points = model.points(u.reshape(b * n, model.n_dim))
    span = holding(span, model, points, theta)
    log_density = model.log_density(points, span.nodes)
    _refuse_invalid(log_density, "dσ/du", model.name, points.inside)
    # dσ enters as a matrix (n, r) that all detectors share, scaled so that nothing overflows
    scale = log_density.max()
    scale = torch.where(torch.isfinite(scale), scale, torch.zeros_like(scale))
    density = torch.exp(log_density - scale).reshape(b, n, -1)
    rows = reco.repeated(n)
    first: EventIntegrals | None = None
    logs = []
    for factor in _factors(transfers, rows, points, model.name):
        shift = factor.reshape(b, n) - log_q
        found = _sums(density, shift, scale, span, replicas, keep=keep)
        logs.append(found.log_value[0])
        first = first if first is not None else found
    assert first is not None
    return EventIntegrals(
        torch.stack(logs), first.relative_error, first.effective, first.deviations, n
    )


def _factors(
    transfers: Sequence[TransferFunction], rows: Features, points: TruthPoints, name: str
) -> Iterator[Tensor]:
    """log ε(z) T(x|z) of each detector, `(b n,)`; -inf outside of the model."""
    for transfer in transfers:
        factor = transfer.log_prob(rows, points.features)
        factor = factor + transfer.log_acceptance(points.features)
        _refuse_invalid(factor, "ε(z) T(x|z)", name, points.inside)
        yield torch.where(points.inside, factor, torch.full_like(factor, -torch.inf))


def _refuse_invalid(log_value: Tensor, what: str, name: str, inside: Tensor) -> None:
    if log_value.dim() == 2:
        inside = inside[:, None]
    wrong = inside & ~(log_value < torch.inf)
    if bool(wrong.any()):
        row = int(torch.nonzero(wrong)[0, 0])
        message = (
            f"{name}: log of {what} is NaN or infinite at {int(wrong.sum())} of "
            f"{wrong.numel()} places, the first at point {row} of a block"
        )
        raise NumericalError(message)


def _sums(
    density: Tensor, shift: Tensor, scale: Tensor, span: Spanning, replicas: int, *, keep: bool
) -> EventIntegrals:
    """Means over points of density · exp(shift); density is `(b, n, r)`, shift `(b, n)`."""
    b, n, r = density.shape
    highest = shift.max(dim=1, keepdim=True).values
    highest = torch.where(torch.isfinite(highest), highest, torch.zeros_like(highest))
    factor = torch.exp(shift - highest)
    split = torch.bmm(
        factor.reshape(b * replicas, 1, n // replicas),
        density.reshape(b * replicas, n // replicas, r),
    )
    split = span.spread(split.reshape(b, replicas, r)) / (n // replicas)
    mean = split.mean(dim=1).clamp(min=0.0)  # of a sum over nodes, rounding may leave less than 0
    if span.coefficients is None:
        squares = torch.bmm(factor.square()[:, None], density.square())[:, 0] / n
    else:
        weighted = density * factor[..., None]
        squares = span.spread_squares(torch.bmm(weighted.mT, weighted)) / n
    known = mean > 0
    safe = torch.where(known, mean, torch.ones_like(mean))
    deviations = split / safe[:, None] - known[:, None].to(mean)
    error = deviations.square().sum(dim=1) / max(replicas - 1, 1) / replicas
    effective = torch.where(known, mean.square() / torch.where(known, squares, safe), 0.0)
    log_value = torch.log(mean) + highest + scale
    return EventIntegrals(
        log_value[None],
        error.sqrt(),
        effective,
        deviations.to(torch.float32) if keep else None,
        n,
    )
