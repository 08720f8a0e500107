"""Checks of processes: amplitudes at stored points and in any frame; their channels beside them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import NumericalError
from crosshook.core.interfaces.matrix_element import HelicitySampling
from crosshook.core.process.self_test import check_amplitude
from crosshook.core.testkit import phase_space
from crosshook.core.testkit.compare import disagreement, first_row, show_row
from crosshook.core.testkit.exercise import Exercise
from crosshook.core.testkit.finding import Finding, NotApplicable
from crosshook.core.testkit.process_cases import (
    ALPHA_S,
    CASE,
    PRECISION,
    SIMPLE,
    phase_space_of,
    points,
    process_of,
)
from crosshook.core.testkit.shrink import with_smallest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.process import PhaseSpace, Process
    from crosshook.core.testkit.subject import Subject

CASES = (CASE,)
ROWS = (0, 1, 1000)


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
        yield Exercise(
            "phase_space.forward", CASE, process, fresh, inputs, _forward, shapes, simple=SIMPLE
        )
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
    stored = {"point": torch.arange(len(process.checkpoints), device="cpu")}
    finding = with_smallest(
        partial(_otherwise, subject, process), stored, show=partial(_stored, process)
    )
    if finding is not None:
        yield finding


def _otherwise(subject: Subject, process: Process, given: Mapping[str, Tensor]) -> Finding | None:
    place = f"stored points: {len(given['point'])}"
    for number in given["point"].tolist():
        try:
            check_amplitude(process, process.checkpoints[number], torch.device(subject.device))
        except NumericalError as error:
            return Finding(str(error), place)
    return None


def _stored(process: Process, given: Mapping[str, Tensor]) -> str:
    chosen = [process.checkpoints[number] for number in given["point"].tolist()]
    return "; ".join(
        f"momenta={[list(p) for p in c.momenta]}, alpha_s={c.alpha_s:g}" for c in chosen
    )


def amplitudes_are_positive(subject: Subject) -> Iterator[Finding]:
    """|M|² is finite and ≥ 0 over phase space; weights of colour flows and channels, if there are
    any, are finite, ≥ 0 and not all 0; mirror images of channels are channels, in pairs.
    """
    process = process_of(subject)
    space = phase_space_of(process)
    for subprocess, _ in _first_subprocesses(process):
        look = partial(_not_positive, process, space, subprocess)
        finding = with_smallest(look, points(subject, space, 1000), SIMPLE)
        if finding is not None:
            yield finding
            return


def _not_positive(
    process: Process, space: PhaseSpace, subprocess: int, given: Mapping[str, Tensor]
) -> Finding | None:
    n, k = len(given["u"]), len(space.channels)
    inputs = {
        "momenta": space.forward(**given).momenta,
        "alpha_s": torch.full_like(given["u"][:, 0], ALPHA_S),
    }
    source = process.matrix_element()
    label = source.subprocesses[subprocess].label
    found = _squared(subprocess, process, inputs)
    images = source.subprocesses[subprocess].mirror_channels
    if images:
        own = tuple(range(k))
        if sorted(images) != list(own) or tuple(images[i] for i in images) != own:
            return Finding(
                f"mirror_channels {images} of {label}: needed is each of the {k} "
                "channels once, and twice mirrored is not mirrored"
            )
        proposed = source.squared(
            inputs["momenta"], subprocess, inputs["alpha_s"], want=("channels",)
        )
        if proposed.channels is None or proposed.channels.shape != (n, k):
            return Finding(f"no weights {(n, k)} of the channels from {label}", CASE.rows(n))
        found["channels"] = proposed.channels
    for name, value in found.items():
        bad = ~(value.isfinite() & (value >= 0))
        if name in ("colour", "channels"):
            bad |= ~(value.sum(dim=1, keepdim=True) > 0)
        row = first_row(bad)
        if row >= 0:
            message = f"{name} of {label} is {value[row].tolist()}"
            return Finding(message, CASE.rows(n), show_row(inputs, row))
    return None


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


def helicities_add_up(subject: Subject) -> Iterator[Finding]:
    """Where helicity states are sampled: |M|² of all states one after another add up to the sum."""
    process = process_of(subject)
    source = process.matrix_element()
    if not (isinstance(source, HelicitySampling) and source.helicities):
        reason = "helicities are summed"
        raise NotApplicable(reason)
    space = phase_space_of(process)
    for subprocess, _ in _first_subprocesses(process):
        look = partial(_not_the_sum, process, source, space, subprocess)
        finding = with_smallest(look, points(subject, space, 200), SIMPLE)
        if finding is not None:
            yield finding
            return


def _not_the_sum(
    process: Process,
    source: HelicitySampling,
    space: PhaseSpace,
    subprocess: int,
    inputs: Mapping[str, Tensor],
) -> Finding | None:
    inside = space.forward(**inputs)
    rows = torch.nonzero(inside.log_jacobian > -torch.inf)[:, 0]
    momenta = inside.momenta[rows]
    alpha_s = torch.full_like(inside.x1[rows], ALPHA_S)
    total = process.matrix_element().squared(momenta, subprocess, alpha_s).value
    states = torch.stack(
        [
            source.of_helicity(momenta, subprocess, alpha_s, torch.full_like(rows, state)).value
            for state in range(len(source.helicities))
        ]
    )
    return disagreement(
        f"the sum of {len(source.helicities)} helicity states and |M|²",
        (states.sum(0) / total)[:, None],
        torch.ones_like(total)[:, None],
        PRECISION,
        CASE.rows(len(inside.x1)),
        {name: value[rows] for name, value in inputs.items()},
    )


CHECKS = (
    stored_amplitudes_come_out,
    amplitudes_are_positive,
    helicities_add_up,
    colour_lines_end,
    *phase_space.CHECKS,
)
