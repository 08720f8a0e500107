"""Phase space from masses and propagators: our own amplitudes through it and through their own maps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

from crosshook.core.config import resolve
from crosshook.core.phase_space.described import DescribedSpace
from crosshook.core.phase_space.diagram import Line
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import build_process

if TYPE_CHECKING:
    from crosshook.core.process.scattering import ScatteringProcess

pytestmark = pytest.mark.physics

Diagrams = dict[str, tuple[Line, ...]]

GLUONS = (2, 3, 4)


def line(*legs: int, mass: float = 0.0, width: float = 0.0, power: float = 1.0) -> Line:
    return Line(frozenset(legs), mass, width, power)


def gluon_diagrams() -> Diagrams:
    """gg → ggg: two gluons exchanged, in every order, and a pair out of one, beside either beam."""
    found: Diagrams = {}
    for a in GLUONS:
        for c in GLUONS:
            if a != c:
                found[f"t{a}{c}"] = (line(0, a, power=1.5), line(1, c, power=1.5))
            if a < c:
                for beam in (0, 1):
                    found[f"s{beam}{a}{c}"] = (line(a, c), line(beam, a, c, power=1.5))
    return found


THREE_GLUONS: dict[str, object] = {
    "process": {"n-gluon": {"gluons": 3}},
    "beams": {"energy": 1000},
    "cuts": {"pt_min": 30, "m_pair_min": 30},
}
SET_UPS: dict[str, tuple[dict[str, object], Diagrams]] = {
    "three gluons": (THREE_GLUONS, gluon_diagrams()),
    "three gluons, flat": (THREE_GLUONS, {}),
    "top decay": ({"process": "top-decay"}, {"w": (line(2, 3, mass=80.419, width=2.0476),)}),
    "Z out of protons": (
        {"process": "drell-yan", "cuts": {"m_min": 66, "m_max": 116}},
        {"z": (line(2, 3, mass=91.1876, width=2.4952),), "rest": ()},
    ),
    "top pairs out of protons": (
        {"process": "pp-ttbar"},
        {"s": (line(2, 3),), "t": (line(0, 2, mass=172.5),), "u": (line(0, 3, mass=172.5),)},
    ),
}


def estimate(process: ScatteringProcess, n: int, seed: int) -> tuple[float, float]:
    """σ and its error from evenly shared, untrained channels."""
    k = len(process.channels)
    n -= n % k
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(n, process.n_dim, generator=generator, dtype=torch.float64)
    channel = torch.arange(n) % k
    with torch.no_grad():
        found = process.evaluate(u, channel)
    alpha = found.log_prior.gather(1, channel[:, None])[:, 0].exp()
    weight = (k * alpha * found.value).reshape(-1, k)
    return float(weight.mean()), math.sqrt(float((weight.var(0) / len(weight)).sum())) / k


@pytest.mark.parametrize("name", SET_UPS)
def test_both_phase_spaces_give_one_cross_section(name: str) -> None:
    document, diagrams = SET_UPS[name]
    registry = default_registry()
    process = build_process(resolve(document, "run.yaml", registry), registry)
    own = estimate(process, 12_000, 1)
    n_in = process.phase_space.n_incoming
    masses = process.matrix_element.masses[n_in:]
    cuts = document.get("cuts", {})
    assert isinstance(cuts, dict)
    space = DescribedSpace(masses, n_in, diagrams).build(process.beams, cuts)
    process.phase_space = space
    process.n_dim, process.channels = space.n_dim, space.channels
    found = estimate(process, 24_000, 2)
    assert abs(found[0] - own[0]) < 5 * math.hypot(found[1], own[1])
    # 5σ must mean something: 3 % but for flat gluons, where a few points weigh
    assert found[1] < (0.5 if not diagrams else 0.03) * own[0]
