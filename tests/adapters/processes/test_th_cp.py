"""pp -> t h j with a CP phase: MadGraph's values, symmetries, dependence on the phase, events' colours."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.adapters.processes import make_th_cp
from crosshook.core.amplitudes.colour import colour_ends
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.options import resolve_options
from crosshook.core.process.self_test import check_amplitudes, generic_points

if TYPE_CHECKING:
    from crosshook.adapters.processes.single_top_higgs import SingleTopHiggs

CPU = torch.device("cpu")
QUARK, ANTIQUARK = 0, 2
SUBPROCESSES = 8
"""Of tops and antitops, four each."""


def build(**given: object) -> SingleTopHiggs:
    """The process with its schema's defaults and these options."""
    schema = "crosshook.schemas:v1/components/th-cp.json"
    options: dict[str, Any] = resolve_options(schema, given, "run.yaml")
    return make_th_cp(BuildContext(), **options)


def points() -> torch.Tensor:
    """Generic momenta at √ŝ = 1 TeV, `(n, 5, 4)`."""
    return generic_points((0.0, 0.0, 173.0, 125.0, 0.0), 1000.0, 2, CPU)


def squared(momenta: torch.Tensor, phase: float, subprocess: int = QUARK) -> torch.Tensor:
    """|M|² at this phase."""
    element = build(cp_phase=phase, cp_odd_factor=1.0).matrix_element()
    return element.squared(momenta, subprocess, torch.ones_like(momenta[:, 0, 0])).value


@pytest.mark.parametrize("charge", ["top", "antitop", "both"])
def test_check_points(charge: str) -> None:
    check_amplitudes(build(charge=charge), CPU)


def test_check_points_notice_the_sign_of_the_phase() -> None:
    process = build()
    wrong = [
        replace(point, parameters={**point.parameters, "cp_phase": -0.7})
        for point in process.checkpoints
        if point.parameters["cp_phase"]
    ]
    assert wrong
    for point in wrong:
        process.checkpoints = (point,)
        with pytest.raises(NumericalError, match="MadGraph"):
            check_amplitudes(process, CPU)


@pytest.mark.parametrize("subprocess", [QUARK, ANTIQUARK])
def test_parity_reverses_the_phase(subprocess: int) -> None:
    """CP and the CP-odd term: mirrored momenta have the opposite phase, and only these."""
    momenta = points()
    mirrored = momenta * momenta.new_tensor([1.0, -1, -1, -1])
    here = squared(momenta, 0.7, subprocess)
    assert torch.allclose(squared(mirrored, -0.7, subprocess), here, rtol=1e-10)
    assert (squared(momenta, -0.7, subprocess) / here - 1).abs().max() > 0.1


def test_second_harmonics_are_all() -> None:
    """|M|² is 1, cos α, sin α, cos 2α, sin 2α with five coefficients: any other phase follows."""
    momenta = points()
    known = 2 * math.pi * torch.arange(5, dtype=torch.float64) / 5

    def harmonics(phase: torch.Tensor) -> torch.Tensor:
        waves = [torch.ones_like(phase)]
        for order in (1, 2):
            waves += [torch.cos(order * phase), torch.sin(order * phase)]
        return torch.stack(waves, -1)

    values = torch.stack([squared(momenta, float(phase)) for phase in known])
    coefficients = torch.linalg.solve(harmonics(known), values)
    other = torch.tensor(1.234, dtype=torch.float64)
    assert torch.allclose(harmonics(other) @ coefficients, squared(momenta, 1.234), rtol=1e-9)


def test_gradients() -> None:
    """In momenta and in the model's parameters, the phase among them."""
    element = build(cp_phase=0.4).matrix_element()
    momenta = points()[:3]
    norm = float(element.squared(momenta, 0, momenta[:, 0, 0]).value.max())
    theta = torch.tensor(list(element.parameters.values()), dtype=torch.float64)
    relative = torch.ones(3, len(theta), dtype=torch.float64, requires_grad=True)

    def value(p: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
        return element.squared(p * 250.0, 0, p[:, 0, 0], theta=r * theta).value / norm

    scaled = (momenta / 250.0).requires_grad_(True)
    assert torch.autograd.gradcheck(value, (scaled, relative), eps=1e-7, atol=1e-5, rtol=1e-4)


def test_colour_follows_the_quarks() -> None:
    subprocesses = build().matrix_element().subprocesses
    assert len(subprocesses) == SUBPROCESSES
    for sub in subprocesses:
        (flow,) = sub.colour_flows
        assert [tuple(map(bool, line)) for line in flow] == [colour_ends(pdg) for pdg in sub.pdg]
        assert flow[0] == flow[4]
        assert flow[1] == flow[2]


def test_charge_is_conserved() -> None:
    thirds = {1: -1, 2: 2, 3: -1, 4: 2, 5: -1, 6: 2, 25: 0}
    for sub in build().matrix_element().subprocesses:
        charges = [thirds[abs(pdg)] * (1 if pdg > 0 else -1) for pdg in sub.pdg]
        assert sum(charges[:2]) == sum(charges[2:])


def test_leptons_do_not_collide() -> None:
    with pytest.raises(ConfigurationError, match="not hadrons"):
        build().phase_space(BeamSetup(1000.0, (-11, 11), hadronic=False), {})
