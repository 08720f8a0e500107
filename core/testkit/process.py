"""Checks of processes: amplitudes at stored points and in any frame, and phase-space channels."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.interfaces.matrix_element import HelicitySampling
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.process.cube import CubeFunction
from crosshook.core.process.self_test import check_amplitudes
from crosshook.core.testkit.compare import disagreement, first_row, show_row
from crosshook.core.testkit.exercise import Exercise
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.jacobian import log_determinant
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.process import PhaseSpace, Process
    from crosshook.core.testkit.subject import Subject

CASE = Case()
CASES = (CASE,)
ROWS = (0, 1, 1000)
ALPHA_S = 0.118
PRECISION = 1e-8
"""Rounding of float64 times the cancellations in the invariants of collinear points."""


def process_of(subject: Subject) -> Process:
    """The process, built once.

    Raises:
        NotApplicable: if it is a function of the unit cube, without amplitudes and an inverse.
    """
    built = subject.built(CASE)
    if isinstance(built, CubeFunction):
        reason = "a function of the unit cube"
        raise NotApplicable(reason)
    return cast("Process", built)


def phase_space_of(process: Process) -> PhaseSpace:
    """Its channels at its own energy and cuts."""
    own = process.defaults
    beams = BeamSetup(own.energy, own.beams, own.hadronic)
    return process.phase_space(beams, own.cuts)


def points(subject: Subject, space: PhaseSpace, n: int) -> dict[str, Tensor]:
    """Random points of all channels."""
    rng = subject.generator(f"process/{n}")
    shape = (n, space.n_dim)
    u = torch.rand(shape, generator=rng, dtype=torch.float64, device="cpu")
    channel = torch.arange(n, device="cpu") % len(space.channels)
    return {"u": u.to(subject.device), "channel": channel.to(subject.device)}


def _forward(built: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    point = phase_space_of(cast("Process", built)).forward(inputs["u"], inputs["channel"])
    return {
        "momenta": point.momenta,
        "x1": point.x1,
        "x2": point.x2,
        "log_jacobian": point.log_jacobian,
        "log_densities": point.log_densities,
    }


def _squared(subprocess: int, built: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    amplitude = cast("Process", built).matrix_element()
    found = amplitude.squared(inputs["momenta"], subprocess, inputs["alpha_s"], want=("colour",))
    colour = {} if found.colour is None else {"colour": found.colour}
    return {"|M|²": found.value, **colour}


def exercises(subject: Subject) -> Iterator[Exercise]:
    """The phase space's forward, and |M|² of the first subprocess of each amplitude."""
    process = process_of(subject)
    space, amplitude = phase_space_of(process), process.matrix_element()
    fresh = partial(subject.build, CASE)
    legs, k = len(amplitude.masses), len(space.channels)
    shapes = {
        "momenta": (legs, 4),
        "x1": (),
        "x2": (),
        "log_jacobian": (),
        "log_densities": (k,),
    }
    for n in ROWS:
        inputs = points(subject, space, n)
        yield Exercise("phase_space.forward", CASE, process, fresh, inputs, _forward, shapes)
        momenta = space.forward(**inputs).momenta
        coupling = torch.full_like(inputs["u"][:, 0], ALPHA_S)
        for subprocess, flows in _first_subprocesses(process):
            yield Exercise(
                f"squared ({amplitude.subprocesses[subprocess].label})",
                CASE,
                process,
                fresh,
                {"momenta": momenta, "alpha_s": coupling},
                partial(_squared, subprocess),
                {"|M|²": (), "colour": (flows,)},
            )


def _first_subprocesses(process: Process) -> list[tuple[int, int]]:
    """One subprocess of each amplitude, with its number of colour flows."""
    found: dict[int, tuple[int, int]] = {}
    for i, subprocess in enumerate(process.matrix_element().subprocesses):
        found.setdefault(subprocess.amplitude, (i, len(subprocess.colour_flows)))
    return list(found.values())


def stored_amplitudes_come_out(subject: Subject) -> Iterator[Finding]:
    """There are stored values of |M|², each comes out within its tolerance, and none changes under
    a common rotation and boost.
    """
    process = process_of(subject)
    if not process.checkpoints:
        yield Finding("no stored amplitude to compare with")
        return
    try:
        check_amplitudes(process, torch.device(subject.device))
    except NumericalError as error:
        yield Finding(str(error))


def amplitudes_are_positive(subject: Subject) -> Iterator[Finding]:
    """|M|² is finite and ≥ 0 over phase space; weights of colour flows and channels, if there are
    any, are finite, ≥ 0 and not all 0; mirror images of channels are channels, in pairs.
    """
    process = process_of(subject)
    space = phase_space_of(process)
    inputs = points(subject, space, 1000)
    inputs = {
        "momenta": space.forward(**inputs).momenta,
        "alpha_s": torch.full_like(inputs["u"][:, 0], ALPHA_S),
    }
    for subprocess, _ in _first_subprocesses(process):
        label = process.matrix_element().subprocesses[subprocess].label
        found = _squared(subprocess, process, inputs)
        images = process.matrix_element().subprocesses[subprocess].mirror_channels
        if images:
            own = tuple(range(len(space.channels)))
            if sorted(images) != list(own) or tuple(images[i] for i in images) != own:
                yield Finding(
                    f"mirror_channels {images} of {label}: needed is each of the {len(own)} "
                    "channels once, and twice mirrored is not mirrored"
                )
                return
            proposed = process.matrix_element().squared(
                inputs["momenta"], subprocess, inputs["alpha_s"], want=("channels",)
            )
            shape = (1000, len(space.channels))
            if proposed.channels is None or proposed.channels.shape != shape:
                yield Finding(f"no weights {shape} of the channels from {label}", CASE.rows(1000))
                return
            found["channels"] = proposed.channels
        for name, value in found.items():
            bad = ~(value.isfinite() & (value >= 0))
            if name in ("colour", "channels"):
                bad |= ~(value.sum(dim=1, keepdim=True) > 0)
            row = first_row(bad)
            if row >= 0:
                message = f"{name} of {label} is {value[row].tolist()}"
                yield Finding(message, CASE.rows(1000), show_row(inputs, row))
                return


def colour_lines_end(subject: Subject) -> Iterator[Finding]:
    """Every subprocess names each leg, and each colour line of a flow has two ends: incoming colour
    counts as outgoing anticolour.
    """
    amplitude = process_of(subject).matrix_element()
    incoming = phase_space_of(process_of(subject)).n_incoming
    for subprocess in amplitude.subprocesses:
        if len(subprocess.pdg) != len(amplitude.masses):
            yield Finding(
                f"{subprocess.label}: {len(subprocess.pdg)} PDG ids for "
                f"{len(amplitude.masses)} masses"
            )
        if not subprocess.colour_flows:
            yield Finding(f"{subprocess.label}: no colour flow")
        for flow in subprocess.colour_flows:
            ends: list[int] = []
            for leg, (colour, anticolour) in enumerate(flow):
                pair = (colour, anticolour) if leg >= incoming else (anticolour, colour)
                ends += [pair[0], -pair[1]]
            lines = [line for line in ends if line]
            if len(flow) != len(subprocess.pdg) or sorted(lines) != sorted(-x for x in lines):
                yield Finding(f"{subprocess.label}: colour lines of {flow} do not end")
                return


def momenta_are_conserved(subject: Subject) -> Iterator[Finding]:
    """Momenta add up, lie on their mass shells and leave the beams along ±z with positive energy;
    0 < x1, x2 ≤ 1.
    """
    process = process_of(subject)
    space = phase_space_of(process)
    inputs = points(subject, space, 1000)
    point = space.forward(**inputs)
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
    for message, bad in laws.items():
        row = first_row(bad)
        if row >= 0:
            yield Finding(message, CASE.rows(1000), show_row({**inputs, "momenta": p}, row))
            return


def own_density_is_the_jacobian(subject: Subject) -> Iterator[Finding]:
    """In log_densities, the column of the point's own channel is −log_jacobian."""
    space = phase_space_of(process_of(subject))
    inputs = points(subject, space, 1000)
    point = space.forward(**inputs)
    own = point.log_densities.gather(1, inputs["channel"][:, None])[:, 0]
    finding = disagreement(
        "the channel's own log density and −log_jacobian",
        own,
        -point.log_jacobian,
        PRECISION,
        CASE.rows(1000),
        inputs,
    )
    if finding is not None:
        yield finding


def phase_space_inverts(subject: Subject) -> Iterator[Finding]:
    """inverse(forward(u)) leads back to the same momenta and densities in every channel that has
    the point.
    """
    space = phase_space_of(process_of(subject))
    inputs = points(subject, space, 1000)
    first = space.forward(**inputs)
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
                CASE.rows(1000),
                {name: tensor[rows] for name, tensor in inputs.items()},
            )
            if finding is not None:
                yield finding
                return


def channels_cover_one_phase_space(subject: Subject) -> Iterator[Finding]:
    """Channels a and b are densities in one measure on one region: the overlap
    E_a[g_b/(g_a + g_b)] = E_b[g_a/(g_a + g_b)], within 5σ.
    """
    space = phase_space_of(process_of(subject))
    n, k = 20_000, len(space.channels)
    if k == 1:
        reason = "a single channel"
        raise NotApplicable(reason)
    rows = []
    for channel in range(k):
        inputs = points(subject, space, n)
        inputs["channel"] = torch.full_like(inputs["channel"], channel)
        rows.append(space.forward(**inputs).log_densities)
    for a in range(k):
        for b in range(a):
            left = torch.sigmoid(rows[a][:, b] - rows[a][:, a])
            right = torch.sigmoid(rows[b][:, a] - rows[b][:, b])
            difference = float(left.mean() - right.mean())
            error = float((left.var() + right.var()) / n) ** 0.5
            if not abs(difference) <= 5.0 * error + PRECISION:
                names = f"{space.channels[a]} and {space.channels[b]}"
                message = f"channels {names} disagree on their overlap by {difference:.4f}"
                yield Finding(f"{message} ± {error:.4f}", CASE.rows(n))
                return


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
    inputs = points(subject, space, 200)
    function = partial(_two_body_variables, space, inputs["channel"], variables)
    found = log_determinant(function, inputs["u"], subject.capabilities.differentiable)
    p = space.forward(**inputs).momenta
    total = p[:, :2].sum(dim=1)
    s = total[:, 0].square() - total[:, 1:].square().sum(dim=1)
    masses = process.matrix_element().masses
    m3, m4 = masses[2] ** 2, masses[3] ** 2
    beta = ((s - m3 - m4).square() - 4.0 * m3 * m4).sqrt() / s
    wanted = found.value + (beta / (32.0 * math.pi**2)).log()
    judged = found.certain
    finding = disagreement(
        f"log_jacobian and that of dx1 dx2 dΦ2 by {found.method}",
        space.forward(**inputs).log_jacobian[judged],
        wanted[judged],
        1e-6 + found.uncertainty[judged],
        CASE.rows(200),
        {key: value[judged] for key, value in inputs.items()},
    )
    if finding is not None:
        yield finding


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


def helicities_add_up(subject: Subject) -> Iterator[Finding]:
    """Where helicity states are sampled: |M|² of all states one after another add up to the sum."""
    process = process_of(subject)
    source = process.matrix_element()
    if not (isinstance(source, HelicitySampling) and source.helicities):
        reason = "helicities are summed"
        raise NotApplicable(reason)
    space = phase_space_of(process)
    inputs = points(subject, space, 200)
    inside = space.forward(**inputs)
    rows = torch.nonzero(inside.log_jacobian > -torch.inf)[:, 0]
    momenta = inside.momenta[rows]
    alpha_s = torch.full_like(inside.x1[rows], ALPHA_S)
    for subprocess, _ in _first_subprocesses(process):
        total = source.squared(momenta, subprocess, alpha_s).value
        states = torch.stack(
            [
                source.of_helicity(
                    momenta, subprocess, alpha_s, torch.full_like(rows, state)
                ).value
                for state in range(len(source.helicities))
            ]
        )
        finding = disagreement(
            f"the sum of {len(source.helicities)} helicity states and |M|²",
            (states.sum(0) / total)[:, None],
            torch.ones_like(total)[:, None],
            PRECISION,
            CASE.rows(200),
            {name: value[rows] for name, value in inputs.items()},
        )
        if finding is not None:
            yield finding
            return


CHECKS = (
    stored_amplitudes_come_out,
    amplitudes_are_positive,
    helicities_add_up,
    colour_lines_end,
    momenta_are_conserved,
    own_density_is_the_jacobian,
    phase_space_inverts,
    channels_cover_one_phase_space,
    jacobian_is_that_of_two_bodies,
)
