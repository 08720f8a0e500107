"""|M|² by Python functions: phase-space volumes, σ in closed form, what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.config import resolve
from crosshook.core.conventions import PICOBARN_GEV2
from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import build_process

if TYPE_CHECKING:
    from crosshook.core.process.scattering import ScatteringProcess

FUNCTIONS = str(Path(__file__).parent / "functions.py")
EXAMPLE = str(Path(__file__).parents[3] / "examples" / "photon_mumu.py")
MUONS = [-11, 11, -13, 13]


def process(
    name: str, pdg: list[int], energy: float = 10.0, **options: object
) -> ScatteringProcess:
    registry = default_registry()
    path = EXAMPLE if name == "squared" else FUNCTIONS
    own = {"function": f"{path}:{name}", "pdg": pdg}
    keys = {"subprocesses": [own], **options}
    document = {"process": {"python-amplitude": keys}, "beams": {"energy": energy}}
    return build_process(resolve(document, "run.yaml", registry), registry)


def estimate(found: ScatteringProcess, n: int) -> tuple[float, float]:
    u = torch.rand(n, found.n_dim, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    value = found.evaluate(u, torch.zeros(n, dtype=torch.int64)).value
    return float(value.mean()), float(value.std()) / math.sqrt(n)


def test_muon_pairs_have_the_textbook_cross_section() -> None:
    mean, error = estimate(process("squared", MUONS), 20_000)
    exact = 4 * math.pi / (3 * 137.035999**2 * 10**2) * 0.3893793721e9
    assert abs(mean - exact) < 5 * error


@pytest.mark.parametrize("backend", ["torch", "numpy"])
def test_a_constant_gives_the_volume_of_phase_space(backend: str) -> None:
    """Massless four-body: V = (2π)^-8 (π/2)³ s²/12; RAMBO has it at every point."""
    name = "constant" if backend == "torch" else "constant_numpy"
    found = process(name, [-11, 11, 22, 22, 22, 22], 100.0, backend=backend)
    assert found.channels == ("rambo",)
    mean, error = estimate(found, 100)
    s = 100.0**2
    volume = (2 * math.pi) ** -8 * (math.pi / 2) ** 3 * s**2 / 12
    assert mean == pytest.approx(PICOBARN_GEV2 / (2 * s) * volume, rel=1e-12)
    assert error < 1e-12 * mean


def test_channels_by_propagators() -> None:
    channels = [
        {"name": "s", "propagators": [{"legs": [2, 3]}]},
        {"name": "t", "propagators": [{"legs": [0, 2]}]},
    ]
    found = process("squared", MUONS, channels=channels)
    u = torch.rand(20_000, 2, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    channel = torch.arange(20_000) % 2
    evaluation = found.evaluate(u, channel)
    alpha = evaluation.log_prior.exp().gather(1, channel[:, None])[:, 0]
    weight = 2 * alpha * evaluation.value
    exact = 4 * math.pi / (3 * 137.035999**2 * 10**2) * 0.3893793721e9
    assert abs(float(weight.mean()) - exact) < 5 * float(weight.std()) / math.sqrt(20_000)


def test_decays_have_a_width() -> None:
    """|M|² = 1: Γ = V/(2M), three massless bodies have V = s/(256 π³)."""
    options = {"initial": "decay", "masses": [173.0, 0, 0, 0]}
    found = process("constant", [6, 5, -11, 12], 173.0, **options)
    mean, _ = estimate(found, 50)
    assert mean == pytest.approx(173.0**2 / (256 * math.pi**3) / (2 * 173.0), rel=1e-12)


REFUSED: dict[str, tuple[str, list[int], dict[str, object], str]] = {
    "not invariant": ("energy", MUONS, {}, "under a common boost and rotation"),
    "masses": ("constant", [-11, 11, 6, -6], {}, "masses: needed in GeV"),
    "incoming": ("constant", MUONS, {"masses": [0.1, 0.1, 0, 0]}, "of the incoming legs"),
    "legs": ("constant", [-11, 11, 23], {"masses": [0, 0, 91]}, "at least 2 outgoing"),
    "count": ("constant", MUONS, {"masses": [0, 0]}, "2 masses for 4 legs"),
    "external": (
        "constant", MUONS, {"channels": [{"propagators": [{"legs": [2]}]}]}, "is an external leg",
    ),
    "number": (
        "constant", MUONS, {"channels": [{"propagators": [{"legs": [2, 4]}]}]}, "from 0 to 3",
    ),
    "crossing": (
        "constant", MUONS,
        {"channels": [{"propagators": [{"legs": [0, 2]}, {"legs": [0, 3]}]}]},
        "cannot be in one diagram",
    ),
    "twice": (
        "constant", MUONS,
        {"channels": [{"propagators": [{"legs": [0, 2]}, {"legs": [1, 3]}]}]},
        "is there twice",
    ),
    "width": (
        "constant", [-11, 11, 22, 22, 22],
        {"channels": [{"propagators": [{"legs": [2, 3], "mass": 91.0}]}]},
        "no width",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be(name: str) -> None:
    function, pdg, options, message = REFUSED[name]
    with pytest.raises((ConfigurationError, NumericalError), match=message):
        process(function, pdg, **options)


def test_hadrons_need_a_lower_limit() -> None:
    with pytest.raises(ConfigurationError, match=r"cuts\.pt_min or cuts\.m_min"):
        process("strong", [2, -2, 11, -11], 13000.0)
