"""Symmetries of |M|²: which there are, that amplitudes have them, and that one labelling is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.registry import default_registry
from crosshook.core.surrogates.models import surrogate_context
from crosshook.core.testkit.amplitude_surrogate import momenta
from crosshook.plugins.surrogate.pair_invariants import log_invariants
from crosshook.plugins.surrogate.relabelling import Chooser, relabellings

if TYPE_CHECKING:
    from crosshook.core.interfaces.process import Process

CPU = torch.device("cpu")

SIZES = [
    ((21,) * 6, 4, 48, "beams times 4! final gluons"),
    ((21, 21, 6, -6, 21, 21), 4, 8, "beams, two gluons, charge conjugation"),
    ((1, -1, 6, -6), 2, 2, "charge conjugation moves the beams too"),
    ((1, -1, 6, -6), 1, 1, "weaker couplings need not conserve charge conjugation"),
    ((1, 21, 1, 21), 2, 1, "nothing is identical, and there is no antiquark"),
    ((11, -11, 13, -13), 0, 1, "leptons: couplings are not strong"),
    ((2, 2, 2, 2, 21), 3, 4, "identical quarks"),
]


@pytest.mark.parametrize(("pdg", "order", "size", "why"), SIZES, ids=[why for *_, why in SIZES])
def test_number_of_relabellings(pdg: tuple[int, ...], order: int, size: int, why: str) -> None:
    found = relabellings(pdg, 2, order)
    assert len(set(found)) == len(found) == size
    assert found[0] == tuple(range(len(pdg)))


def test_too_many_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="10080 exchanges of identical legs"):
        relabellings((21,) * 9, 2, 7)


@pytest.mark.parametrize(
    ("process", "number"),
    [({"use": "n-gluon", "options": {"gluons": 3}}, 0), ("pp-ttbar", 0), ("pp-ttbar", 1)],
    ids=["gg > 3g", "first of tt", "second of tt"],
)
def test_amplitudes_have_the_symmetry(process: object, number: int) -> None:
    """|M|² of the process's own amplitudes at relabelled momenta, on the mass shell of each leg."""
    built = cast(
        "Process",
        default_registry().build("process", process, surrogate_context(0)),  # type: ignore[arg-type]
    )
    element = built.matrix_element()
    sub = element.subprocesses[number]
    legs = len(sub.pdg)
    p = momenta(50, legs, torch.Generator().manual_seed(5))
    if element.masses[2]:
        # Tops of equal energy: the same directions, shorter momenta.
        energy = p[:, 2:, :1]
        p[:, 2:, 1:] *= torch.sqrt(1 - (element.masses[2] / energy) ** 2)
    coupling = torch.full((50,), 0.118, dtype=torch.float64)
    wanted = element.squared(p, number, coupling).value
    group = relabellings(sub.pdg, 2, sub.qcd_order)
    assert len(group) > 1
    for g in group:
        got = element.squared(p[:, list(g)], number, coupling).value
        torch.testing.assert_close(got, wanted, rtol=1e-10, atol=0)


@pytest.mark.parametrize("pdg", [(21,) * 5, (21, 21, 6, -6, 21)])
def test_all_labellings_of_a_point_look_the_same(pdg: tuple[int, ...]) -> None:
    p = momenta(500, 5, torch.Generator().manual_seed(2))
    group = relabellings(pdg, 2, 3)
    choose = Chooser(group, 2, CPU)
    wanted = choose(log_invariants(p, 2, torch.float64)[0])
    for g in group:
        got = choose(log_invariants(p[:, list(g)], 2, torch.float64)[0])
        # Rounding of sums of products in another order, over the smallest 2p·p/ŝ there is.
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-9)


def test_invariants_are_the_same_in_every_frame() -> None:
    """A boost along the beams by β = 0.6 with γ = 1.25, and a turn of the axes."""
    p = momenta(100, 5, torch.Generator().manual_seed(8))
    boosted = p.clone()
    boosted[..., 0] = 1.25 * (p[..., 0] + 0.6 * p[..., 3])
    boosted[..., 3] = 1.25 * (p[..., 3] + 0.6 * p[..., 0])
    boosted = boosted[..., [0, 2, 3, 1]]
    for got, wanted in zip(
        log_invariants(boosted, 2, torch.float64), log_invariants(p, 2, torch.float64), strict=True
    ):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-9)
