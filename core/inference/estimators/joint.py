"""Simulated events with their joint likelihood ratios and scores: what estimators learn from.

Truth z, which the detector hides, is known in a simulation: log p(x, z|θ) − log p_mix(x, z) =
log dσ/dz(θ)/σ_fid(θ) less the same of the mixture that was simulated, since ε T does not depend on
θ. Its mean over z at given x is the ratio of what is wanted (Brehmer et al., 1805.00013); the scores
∂ log p(x, z|θ)/∂θ come from the amplitudes by automatic differentiation.
n events, t grid points, a axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import ConfigurationError, InputError, NumericalError
from crosshook.core.inference.pairs import simulate_pairs

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.inference.grid import ParameterGrid
    from crosshook.core.inference.model import ParametricModel, TruthPoints
    from crosshook.core.inference.prepared import PreparedProcess
    from crosshook.core.interfaces.features import Features
    from crosshook.core.progress import Progress

BATCH = 16_384
"""Events whose densities are evaluated at once."""
EQUAL = 1e-6
"""Relative difference of weights of an unweighted sample, which are written with few digits."""


@dataclass(frozen=True)
class JointEvents:
    """Events of a mixture of parameter points.

    Attributes:
        reco: n events.
        log_ratio: log of p(x, z|θ) over that of the mixture, at every grid point, `(n, t)`.
        score: derivatives of log p(x, z|θ) by the axes, `(n, t, a)`; None if the model has none.
    """

    reco: Features
    log_ratio: Tensor
    score: Tensor | None

    def __len__(self) -> int:
        return len(self.reco)

    def select(self, rows: Tensor | slice) -> JointEvents:
        """Some of the events."""
        score = None if self.score is None else self.score[rows]
        return JointEvents(self.reco.select(rows), self.log_ratio[rows], score)


@torch.no_grad()
def joint_events(
    process: PreparedProcess,
    grid: ParameterGrid,
    n: int,
    rng: torch.Generator,
    progress: Progress,
    *,
    scores: bool,
) -> JointEvents:
    """Simulates events, in random order.

    Args:
        process: whose simulator plays the detector.
        grid: of its parameters.
        n: events.
        rng: of everything.
        progress: told how far it is.
        scores: whether scores are wanted.

    Raises:
        ConfigurationError: if they are, and the model is not differentiable.
        NumericalError: if a ratio or score is no number.
    """
    model = process.model
    if scores and not model.differentiable:
        message = (
            f"method: {model.name} is not differentiable and has no scores; "
            "use alices with score_weight 0, histogram or mem"
        )
        raise ConfigurationError(message)
    columns = [[p.name for p in model.parameters].index(axis.name) for axis in grid.axes]
    pairs = simulate_pairs(model, process.simulator, process.theta, n, rng, progress)
    order = torch.randperm(len(pairs.u), generator=rng, device="cpu")
    u, simulated = pairs.u[order], torch.unique(pairs.theta, dim=0)
    log_fiducial = torch.log(process.fiducial.value[0])
    at = [int((process.theta == theta).all(dim=1).nonzero()[0, 0]) for theta in simulated]
    ratios, slopes = [], []
    for start in range(0, len(u), BATCH):
        points = model.points(u[start : start + BATCH])
        ratios.append(model.log_density(points, process.theta) - log_fiducial)
        if scores:
            slopes.append(_slopes(model, points, process.theta, columns))
        progress.update("joint ratios", min(start + BATCH, len(u)), len(u))
    log_p = torch.cat(ratios)
    mixture = torch.logsumexp(log_p[:, at], dim=1) - math.log(len(at))
    log_ratio = log_p - mixture[:, None]
    _refuse_invalid(log_ratio < torch.inf, "joint ratios", model.name)
    score = _centred(torch.cat(slopes), log_ratio) if scores else None
    if score is not None:
        _refuse_invalid(torch.isfinite(score), "joint scores", model.name)
    return JointEvents(pairs.reco.select(order), log_ratio, score)


def _refuse_invalid(right: Tensor, what: str, name: str) -> None:
    wrong = ~right.reshape(len(right), -1).all(dim=1)
    if bool(wrong.any()):
        message = (
            f"{name}: {what} of {int(wrong.sum())} of {len(wrong)} simulated events are no numbers"
        )
        raise NumericalError(message)


@torch.enable_grad()
def _slopes(
    model: ParametricModel, points: TruthPoints, theta: Tensor, columns: list[int]
) -> Tensor:
    """∂ log dσ/du by some of the parameters, `(n, t, a)`; 0 where dσ is 0.

    The gradient of Σ v log dσ by θ is linear in v, and its derivative by v is the slope of each
    event: two passes backwards give all events.
    """
    at = theta.detach().clone().requires_grad_(True)
    value = model.log_density(points, at)
    value = torch.where(torch.isfinite(value), value, 0.0)
    each = torch.zeros_like(value, requires_grad=True)
    (total,) = torch.autograd.grad((each * value).sum(), at, create_graph=True)
    found = [
        torch.autograd.grad(total[:, column].sum(), each, retain_graph=True)[0]
        for column in columns
    ]
    return torch.stack(found, dim=2)


def _centred(slopes: Tensor, log_ratio: Tensor) -> Tensor:
    """Scores of the normalised density: slopes less ∂ log σ_fid, their mean over p(x, z|θ)."""
    weight = torch.softmax(log_ratio, dim=0)
    return slopes - (weight[..., None] * slopes).sum(dim=0)


def events_from_weights(reco: Features, weights: Tensor, nominal: Tensor) -> JointEvents:
    """Joint ratios out of the weights a generator wrote for other parameters, as in `<wgt>` of LHE.

    Args:
        reco: accepted events of an unweighted sample, n rows.
        weights: of these events at every point of the grid, `(n, t)`.
        nominal: their own weights, `(n,)`.

    Returns:
        The events, their ratios over the nominal density: w(θ)/w less the logarithm of its mean,
        which is σ_fid(θ)/σ_fid. There are no scores.

    Raises:
        InputError: if a weight is not positive, or the sample is not unweighted.
    """
    if not bool((weights > 0).all() & torch.isfinite(weights).all()):
        row = int(torch.nonzero(~((weights > 0) & torch.isfinite(weights)))[0, 0])
        message = f"event {row}: weights {weights[row].tolist()}; joint ratios must be positive"
        raise InputError(message)
    if not bool((nominal > 0).all()) or float(nominal.max() / nominal.min()) > 1 + EQUAL:
        message = (
            f"weights from {float(nominal.min()):g} to {float(nominal.max()):g}: joint ratios are "
            "of unweighted events; see crosshook unweight"
        )
        raise InputError(message)
    ratio = torch.log(weights / nominal[:, None])
    mean = torch.logsumexp(ratio, dim=0) - math.log(len(ratio))
    return JointEvents(reco, ratio - mean, None)
