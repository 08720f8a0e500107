"""Log-likelihoods of events on a grid of parameters, whatever method they come from.

The matrix-element method gives p(x|θ) = Σ_k μ_k ∫dσ_k ε T / Σ_k μ_k σ_fid,k over processes k, with
rates μ_k that are 1 or parameters themselves. Estimators give log-ratios, which differ from log p
by what does not depend on θ: scans and intervals are the same.
n events, t grid points, m detectors (an ensemble), r replicas of the integrals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from crosshook.core.errors import NumericalError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.inference.fiducial import FiducialCrossSection
    from crosshook.core.inference.grid import ParameterGrid
    from crosshook.core.inference.integrals import EventIntegrals


@dataclass(frozen=True)
class EventLikelihoods:
    """log p(x_i|θ) of events, on the points of a grid.

    Attributes:
        grid: of the parameters.
        log_p: by each detector, `(m, n, t)`.
        cross_section: σ_fid(θ) in pb of all processes together, `(m, t)`; None if it is not known.
        cross_section_nets: estimates of independent nets, `(nets, t)`, likewise.
        relative_error: of p, from the integrals of the first detector, `(n, t)`; 0 if there are
            none.
        effective: effective share of the points of each integral, `(n, t)`; 1 if there are none.
        deviations: replicas of the integrals over their mean, less 1, `(n, r, t)`, or parts of the
            simulation that templates are made of, or None.
    """

    grid: ParameterGrid
    log_p: Tensor
    cross_section: Tensor | None
    cross_section_nets: Tensor | None
    relative_error: Tensor
    effective: Tensor
    deviations: Tensor | None = None

    def __len__(self) -> int:
        return int(self.log_p.shape[1])

    @property
    def nominal(self) -> Tensor:
        """log of the mean density of all detectors, `(n, t)`."""
        return torch.logsumexp(self.log_p, dim=0) - math.log(len(self.log_p))


def estimated(
    grid: ParameterGrid, log_ratio: Tensor, fiducial: FiducialCrossSection | None = None
) -> EventLikelihoods:
    """Likelihoods of an estimator.

    Args:
        grid: of the parameters.
        log_ratio: log p(x|θ), up to what does not depend on θ, by each network, `(m, n, t)`.
        fiducial: σ_fid on the grid, if it is known.
    """
    zero = torch.zeros_like(log_ratio[0])
    if fiducial is None:
        return EventLikelihoods(grid, log_ratio, None, None, zero, zero + 1)
    section = fiducial.value[:1].expand(len(log_ratio), -1)
    return EventLikelihoods(grid, log_ratio, section, fiducial.nets, zero, zero + 1)


@dataclass(frozen=True)
class ProcessShare:
    """What one process adds to the likelihood, on the points of the whole grid.

    Attributes:
        name: of the process.
        integrals: of the events at its own parameter points.
        fiducial: σ_fid at these.
        index: which of its own points each point of the grid has, `(t,)`.
        log_rate: log μ at the points of the grid, `(t,)`; 0 for a fixed rate.
    """

    name: str
    integrals: EventIntegrals
    fiducial: FiducialCrossSection
    index: Tensor
    log_rate: Tensor


def combined(grid: ParameterGrid, shares: Sequence[ProcessShare]) -> EventLikelihoods:
    """Likelihoods of a sum of processes.

    Args:
        grid: of all parameters.
        shares: the processes.

    Raises:
        NumericalError: if an event has no density anywhere on the grid: no process explains it.
    """
    members = max(len(share.fiducial.value) for share in shares)
    logs, sigmas, nets = [], [], []
    for share in shares:
        found = share.integrals.log_value[:, :, share.index] + share.log_rate
        logs.append(found.expand(members, -1, -1))
        rate = torch.exp(share.log_rate)
        sigmas.append((share.fiducial.value[:, share.index] * rate).expand(members, -1))
        nets.append(share.fiducial.nets[:, share.index] * rate)
    each = torch.stack(logs)
    total = torch.logsumexp(each, dim=0)
    sigma, all_nets = torch.stack(sigmas).sum(dim=0), torch.stack(nets).sum(dim=0)
    lost = torch.nonzero(~(total[0] > -torch.inf).any(dim=1))[:, 0]
    if len(lost):
        message = (
            f"events: {len(lost)} of {total.shape[1]} have density 0 at every parameter point, the "
            f"first is event {int(lost[0])}; no process here gives such an event"
        )
        raise NumericalError(message)
    parts = torch.exp(each[:, 0] - total[0])  # of every process in p, (k, n, t)
    parts = torch.where(torch.isfinite(parts), parts, torch.zeros_like(parts))
    variance, effective = torch.zeros_like(total[0]), torch.zeros_like(total[0])
    deviations: Tensor | None = None
    for part, share in zip(parts, shares, strict=True):
        one = share.integrals
        variance = variance + (part * one.relative_error[:, share.index]).square()
        effective = effective + part * one.effective[:, share.index]
        if one.deviations is not None:
            own = one.deviations[:, :, share.index] * part[:, None].to(torch.float32)
            deviations = own if deviations is None else deviations + own
    return EventLikelihoods(
        grid,
        # 〈log p〉 is log of the mean less half the relative variance
        total + 0.5 * variance - torch.log(sigma)[:, None],
        sigma,
        all_nets,
        variance.sqrt(),
        effective,
        deviations,
    )


@dataclass(frozen=True)
class LogLikelihood:
    """log L(θ) of a data set, on the points of a grid.

    Attributes:
        grid: of the parameters.
        nominal: with constraints, `(t,)`.
        members: by each detector, `(m, t)`.
        integral_error: of log L(θ) − log L(best θ), from integrals of events or from templates,
            `(t,)`.
        cross_section_error: likewise from σ_fid.
    """

    grid: ParameterGrid
    nominal: Tensor
    members: Tensor
    integral_error: Tensor
    cross_section_error: Tensor

    @property
    def best(self) -> int:
        """The grid point of the maximum."""
        return int(self.nominal.argmax())


def log_likelihood(events: EventLikelihoods, luminosity: float | None = None) -> LogLikelihood:
    """Sums over events.

    Args:
        events: their densities.
        luminosity: in 1/pb, for an extended likelihood, whose number of events is Poisson's with
            mean luminosity · σ_fid(θ); None for the shape alone.
    """
    constraints = events.grid.log_constraints
    nominal = events.nominal.sum(dim=0) + constraints
    members = events.log_p.sum(dim=1) + constraints
    if luminosity is not None:
        assert events.cross_section is not None
        counts = poisson_term(events.cross_section, len(events), luminosity)
        members = members + counts
        nominal = nominal + poisson_term(events.cross_section.mean(dim=0), len(events), luminosity)
    best = int(nominal.argmax())
    zero = torch.zeros_like(nominal)
    integral = zero
    if events.deviations is not None:
        summed = events.deviations.sum(dim=0, dtype=torch.float64)
        integral = _spread(summed - summed[:, best, None])
    section = zero
    if events.cross_section_nets is not None:
        nets = events.cross_section_nets
        # σ_fid of the densities cancels that of n log(Lσ): what is left of it is Lσ
        shift = len(events) * torch.log(nets) if luminosity is None else luminosity * nets
        section = _spread(shift - shift[:, best, None])
    return LogLikelihood(events.grid, nominal, members, integral, section)


def poisson_term(cross_section: Tensor, n: int | Tensor, luminosity: float) -> Tensor:
    """n log(Lσ) − Lσ."""
    mean = luminosity * cross_section
    return n * torch.log(mean) - mean


def _spread(replicas: Tensor) -> Tensor:
    """Standard error of the mean of rows `(r, t)`."""
    error: Tensor = replicas.std(dim=0) / float(len(replicas)) ** 0.5
    return error
