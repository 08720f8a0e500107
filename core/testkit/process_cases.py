"""Processes under test: built once, with their phase space and random points of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.process.cube import CubeFunction
from crosshook.core.testkit.finding import NotApplicable
from crosshook.core.testkit.shrink import UNIT
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.interfaces.process import PhaseSpace, Process
    from crosshook.core.testkit.subject import Subject

CASE = Case()
ALPHA_S = 0.118
PRECISION = 1e-8
"""Rounding of float64 times the cancellations in the invariants of collinear points."""

SIMPLE = {"channel": (0,), "u": UNIT}
"""What the smallest input of a finding may be made of."""


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
