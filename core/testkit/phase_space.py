"""Checks of phase-space channels: momenta, densities, inverses, and the measure they stand for."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import torch

from crosshook.core.testkit.compare import disagreement, first_row, show_row
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.jacobian import log_determinant
from crosshook.core.testkit.process_cases import (
    CASE,
    PRECISION,
    SIMPLE,
    phase_space_of,
    points,
    process_of,
)
from crosshook.core.testkit.shrink import DRAWS, with_fewest, with_smallest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.process import PhaseSpace, Process
    from crosshook.core.testkit.subject import Subject


def momenta_are_conserved(subject: Subject) -> Iterator[Finding]:
    """Momenta add up, lie on their mass shells and leave the beams along ±z with positive energy;
    0 < x1, x2 ≤ 1. Points outside of phase space, whose log_jacobian is −∞, are left out.
    """
    process = process_of(subject)
    space = phase_space_of(process)
    look = partial(_unphysical, process, space)
    finding = with_smallest(look, points(subject, space, 1000), SIMPLE)
    if finding is not None:
        yield finding


def _unphysical(
    process: Process, space: PhaseSpace, inputs: Mapping[str, Tensor]
) -> Finding | None:
    point = space.forward(inputs["u"], inputs["channel"])
    p, n_in = point.momenta, space.n_incoming
    scale = p[:, :n_in, 0].sum(dim=1)
    masses = torch.tensor(process.matrix_element().masses, dtype=p.dtype, device=p.device)
    square = p[..., 0].square() - p[..., 1:].square().sum(dim=2)
    laws = {
        "momentum is not conserved": (
            (p[:, :n_in].sum(dim=1) - p[:, n_in:].sum(dim=1)).abs() > PRECISION * scale[:, None]
        ),
        "a leg is off its mass shell": (
            (square - masses.square()).abs() > PRECISION * scale[:, None].square()
        ),
        "an energy is not positive": ~(p[..., 0] > 0),
        "a beam has transverse momentum": p[:, :n_in, 1:3].abs()
        > PRECISION * scale[:, None, None],
        "x1 is outside (0, 1]": ~((point.x1 > 0) & (point.x1 <= 1)),
        "x2 is outside (0, 1]": ~((point.x2 > 0) & (point.x2 <= 1)),
    }
    closed = point.log_jacobian == -torch.inf
    for message, bad in laws.items():
        row = first_row(bad.reshape(len(bad), -1).any(dim=1) & ~closed)
        if row >= 0:
            given = show_row({**inputs, "momenta": p}, row)
            return Finding(message, CASE.rows(len(p)), given)
    return None


def own_density_is_the_jacobian(subject: Subject) -> Iterator[Finding]:
    """In log_densities, the column of the point's own channel is −log_jacobian."""
    space = phase_space_of(process_of(subject))
    look = partial(_two_jacobians, space)
    finding = with_smallest(look, points(subject, space, 1000), SIMPLE)
    if finding is not None:
        yield finding


def _two_jacobians(space: PhaseSpace, inputs: Mapping[str, Tensor]) -> Finding | None:
    point = space.forward(inputs["u"], inputs["channel"])
    own = point.log_densities.gather(1, inputs["channel"][:, None])[:, 0]
    inside = point.log_jacobian > -torch.inf
    return disagreement(
        "the channel's own log density and −log_jacobian",
        own[inside],
        -point.log_jacobian[inside],
        PRECISION,
        CASE.rows(len(own)),
        {name: tensor[inside] for name, tensor in inputs.items()},
    )


def phase_space_inverts(subject: Subject) -> Iterator[Finding]:
    """inverse(forward(u)) leads back to the same momenta and densities in every channel that has
    the point.
    """
    space = phase_space_of(process_of(subject))
    look = partial(_not_inverted, space)
    finding = with_smallest(look, points(subject, space, 1000), SIMPLE)
    if finding is not None:
        yield finding


def _not_inverted(space: PhaseSpace, inputs: Mapping[str, Tensor]) -> Finding | None:
    first = space.forward(inputs["u"], inputs["channel"])
    for channel in range(len(space.channels)):
        rows = torch.nonzero(first.log_densities[:, channel] > -torch.inf)[:, 0]
        momenta, densities = first.momenta[rows], first.log_densities[rows]
        chosen = torch.full_like(rows, channel)
        u = space.inverse(momenta, chosen)
        second = space.forward(u.clamp(0.0, 1.0), chosen)
        scale = momenta[:, : space.n_incoming, 0].sum(dim=1)[:, None, None]
        name = space.channels[channel]
        for what, got, wanted, tolerance in (
            ("momenta", second.momenta / scale, momenta / scale, 1e-6),
            ("densities", second.log_densities, densities, 1e-5),
        ):
            finding = disagreement(
                f"{what} before and after inverse and forward through channel {name}",
                got,
                wanted,
                tolerance,
                CASE.rows(len(inputs["u"])),
                {key: tensor[rows] for key, tensor in inputs.items()},
            )
            if finding is not None:
                return finding
    return None


def channels_cover_one_phase_space(subject: Subject) -> Iterator[Finding]:
    """Channels a and b are densities in one measure on one region: the overlap
    E_a[g_b/(g_a + g_b)] = E_b[g_a/(g_a + g_b)], within 5σ; points outside of phase space count 0.
    """
    space = phase_space_of(process_of(subject))
    if len(space.channels) == 1:
        reason = "a single channel"
        raise NotApplicable(reason)
    finding = with_fewest(partial(_other_measures, subject, space), 20_000, DRAWS)
    if finding is not None:
        yield finding


def _other_measures(subject: Subject, space: PhaseSpace, n: int) -> Finding | None:
    rows = []
    for channel in range(len(space.channels)):
        inputs = points(subject, space, n)
        inputs["channel"] = torch.full_like(inputs["channel"], channel)
        rows.append(space.forward(**inputs).log_densities)
    for a in range(len(rows)):
        for b in range(a):
            left, right = _overlap(rows[a], a, b), _overlap(rows[b], b, a)
            difference = float(left.mean() - right.mean())
            error = float((left.var() + right.var()) / n) ** 0.5
            if not abs(difference) <= 5.0 * error + PRECISION:
                names = f"{space.channels[a]} and {space.channels[b]}"
                message = f"channels {names} disagree on their overlap by {difference:.4f}"
                return Finding(f"{message} ± {error:.4f}", CASE.draws(n))
    return None


def _overlap(log_densities: Tensor, own: int, other: int) -> Tensor:
    """g_other/(g_own + g_other) at points of a channel, `(n,)`; 0 outside of phase space."""
    mine, others = log_densities[:, own], log_densities[:, other]
    open_ = mine > -torch.inf
    return torch.sigmoid(torch.where(open_, others - mine, torch.full_like(mine, -torch.inf)))


def jacobian_is_that_of_two_bodies(subject: Subject) -> Iterator[Finding]:
    """For 2 → 2, log_jacobian = log|∂(x1, x2, cosθ*, φ)/∂u| + log(β/32π²), β = λ^½/ŝ: the measure
    is dx1 dx2 dΦ2 with (2π)⁻².
    """
    process = process_of(subject)
    space = phase_space_of(process)
    variables = 4 if process.defaults.hadronic else 2
    if space.n_incoming != 2 or len(process.matrix_element().masses) != 4:
        reason = "not 2 → 2"
        raise NotApplicable(reason)
    if space.n_dim != variables:
        reason = f"{space.n_dim} dimensions for {variables} variables"
        raise NotApplicable(reason)
    look = partial(_not_two_bodies, subject, process, space)
    finding = with_smallest(look, points(subject, space, 200), SIMPLE)
    if finding is not None:
        yield finding


def _not_two_bodies(
    subject: Subject, process: Process, space: PhaseSpace, inputs: Mapping[str, Tensor]
) -> Finding | None:
    variables = space.n_dim
    function = partial(_two_body_variables, space, inputs["channel"], variables)
    found = log_determinant(function, inputs["u"], subject.capabilities.differentiable)
    point = space.forward(**inputs)
    total = point.momenta[:, :2].sum(dim=1)
    s = total[:, 0].square() - total[:, 1:].square().sum(dim=1)
    masses = process.matrix_element().masses
    m3, m4 = masses[2] ** 2, masses[3] ** 2
    beta = ((s - m3 - m4).square() - 4.0 * m3 * m4).sqrt() / s
    wanted = found.value + (beta / (32.0 * math.pi**2)).log()
    judged = found.certain
    return disagreement(
        f"log_jacobian and that of dx1 dx2 dΦ2 by {found.method}",
        point.log_jacobian[judged],
        wanted[judged],
        1e-6 + found.uncertainty[judged],
        CASE.rows(len(s)),
        {key: value[judged] for key, value in inputs.items()},
    )


def _two_body_variables(space: PhaseSpace, channel: Tensor, variables: int, u: Tensor) -> Tensor:
    """(x1, x2, cosθ*, φ), or the angles alone, of the third leg in the partons' rest frame."""
    point = space.forward(u, channel)
    p = point.momenta
    total = p[:, 0] + p[:, 1]
    mass = (total[:, 0].square() - total[:, 3].square()).sqrt()
    third = p[:, 2]
    along = (total[:, 0] * third[:, 3] - total[:, 3] * third[:, 0]) / mass
    across = third[:, 1].square() + third[:, 2].square()
    cosine = along / (along.square() + across).sqrt()
    angle = torch.atan2(third[:, 2], third[:, 1])
    columns = [cosine, angle]
    if variables == 4:
        columns = [point.x1, point.x2, *columns]
    return torch.stack(columns, dim=1)


CHECKS = (
    momenta_are_conserved,
    own_density_is_the_jacobian,
    phase_space_inverts,
    channels_cover_one_phase_space,
    jacobian_is_that_of_two_bodies,
)
