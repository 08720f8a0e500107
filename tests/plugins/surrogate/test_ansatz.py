"""Analytic factors: exact where they should be, with the poles of |M|² elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.registry import default_registry
from crosshook.core.surrogates.models import surrogate_context
from crosshook.core.testkit.amplitude_surrogate import momenta
from crosshook.plugins.surrogate.ansatz import make_ansatz
from crosshook.plugins.surrogate.pair_invariants import log_invariants

if TYPE_CHECKING:
    from crosshook.core.interfaces.process import Process
    from crosshook.core.surrogates.training_set import AmplitudeTable

CPU = torch.device("cpu")
GLUONS = (21,) * 5


def test_colour_orders_of_five_gluons_are_exact(
    five_gluons: tuple[AmplitudeTable, AmplitudeTable],
) -> None:
    """|M|² ∝ Σ s_ij⁴ Σ 1/(s_12 s_23 s_34 s_45 s_51): the amplitude of the process, all colours."""
    table = five_gluons[0]
    logs, log_s = log_invariants(table.momenta, 2, torch.float64)
    ansatz = make_ansatz("colour-ordered", GLUONS, 2, CPU)
    rest = table.amplitude.log() - ansatz(logs) + log_s
    # Momenta of float64 know 2p·p/ŝ > 0.002 to 1e-16/0.002; ten of them enter.
    assert float(rest.max() - rest.min()) < 1e-11


def test_each_ansatz_leaves_less_than_the_one_before() -> None:
    """Spread of log |M|²/ansatz up to the poles: eikonal factors have them, colour orders all."""
    p = momenta(200, 5, torch.Generator().manual_seed(11))
    process = cast(
        "Process",
        default_registry().build(
            "process", {"use": "n-gluon", "options": {"gluons": 3}}, surrogate_context(0)
        ),
    )
    logs, _ = log_invariants(p, 2, torch.float64)
    coupling = torch.full((200,), 0.118, dtype=torch.float64)
    value = process.matrix_element().squared(p, 0, coupling).value
    spreads = {}
    for name in ("none", "dipoles", "colour-ordered"):
        factor = make_ansatz(name, GLUONS, 2, CPU)(logs)
        spreads[name] = float((value.log() - factor).std())
    assert spreads["colour-ordered"] < 1e-9
    assert spreads["dipoles"] < spreads["none"]


def test_automatic_choice() -> None:
    """Colour orders while there are few of them, then dipoles, then nothing."""
    logs = torch.log(torch.rand((3, 28), generator=torch.Generator().manual_seed(1)).double())
    many = (21,) * 8  # 2520 colour orders
    assert torch.equal(
        make_ansatz("auto", many, 2, CPU)(logs), make_ansatz("dipoles", many, 2, CPU)(logs)
    )
    with pytest.raises(ConfigurationError, match="no soft or collinear poles"):
        make_ansatz("dipoles", (11, -11, 13, -13), 2, CPU)
    leptons = (11, -11, 13, -13)
    assert torch.equal(
        make_ansatz("auto", leptons, 2, CPU)(logs[:, :6]), torch.zeros(3, dtype=torch.float64)
    )
    five = make_ansatz("auto", GLUONS, 2, CPU)(logs[:, :10])
    assert torch.equal(five, make_ansatz("colour-ordered", GLUONS, 2, CPU)(logs[:, :10]))


@pytest.mark.parametrize("pdg", [(1, -1, 2, -2), (11, -11, 13, -13), (21, 21, 25)])
def test_colour_orders_of_what_has_none_are_refused(pdg: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError, match="two quarks and gluons"):
        make_ansatz("colour-ordered", pdg, 2, CPU)
