"""Points of real processes, and a surrogate trained on some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.core.interfaces.training import Budget
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry
from crosshook.core.surrogates.models import surrogate_context
from crosshook.core.surrogates.training_set import AmplitudeTable, TableSource
from crosshook.core.testkit.amplitude_surrogate import momenta

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.interfaces.process import Process
    from crosshook.plugins.surrogate.invariants import InvariantsSurrogate

SEED = 20261122
N_TRAIN, N_TEST = 6000, 4000
SMALLEST = 0.002
"""Of 2p_i·p_j/ŝ: keeps massless momenta off the poles, as cuts do."""


def gluon_points(n: int, legs: int, stage: str) -> AmplitudeTable:
    """Flat phase space of gluons at 1 TeV with |M|² in full colour, away from poles."""
    process = default_registry().build(
        "process", {"use": "n-gluon", "options": {"gluons": legs - 2}}, surrogate_context(0)
    )
    p = momenta(2 * n, legs, torch_generator(SEED, f"tests/{stage}"))
    metric = p.new_tensor([1.0, -1.0, -1.0, -1.0])
    dots = torch.einsum("nia,a,nja->nij", p, metric, p) / 5e5
    rows, columns = torch.triu_indices(legs, legs, 1).unbind()
    p = p[dots[:, rows, columns].amin(dim=1) > SMALLEST][:n]
    assert len(p) == n
    coupling = torch.full((n,), 0.118, dtype=torch.float64)
    value = cast("Process", process).matrix_element().squared(p, 0, coupling).value
    number = torch.zeros(n, dtype=torch.int64)
    return AmplitudeTable(
        p, number, coupling, value, torch.ones_like(value), ((21,) * legs,), (legs - 2,)
    )


def fitted(table: AmplitudeTable, **options: object) -> InvariantsSurrogate:
    """A surrogate trained on a table."""
    context = surrogate_context(len(table.pdg[0]), rng=torch_generator(SEED, "tests/fit"))
    built = default_registry().build(
        "amplitude_surrogate", {"use": "invariants", "options": options}, context
    )
    surrogate = cast("InvariantsSurrogate", built)
    report = surrogate.fit(TableSource(table), Budget(len(table)), context)
    assert report.evaluations == len(table)
    return surrogate


@pytest.fixture(scope="session")
def fit() -> Callable[..., InvariantsSurrogate]:
    """Trains a surrogate on a table, with options."""
    return fitted


@pytest.fixture(scope="session")
def five_gluons() -> tuple[AmplitudeTable, AmplitudeTable]:
    """gg → 3g: points to train on, and others."""
    table = gluon_points(N_TRAIN + N_TEST, 5, "five gluons")
    return table.select(slice(0, N_TRAIN)), table.select(slice(N_TRAIN, None))


@pytest.fixture(scope="session")
def trained(five_gluons: tuple[AmplitudeTable, AmplitudeTable]) -> InvariantsSurrogate:
    """A surrogate of gg → 3g over the sum of eikonal factors."""
    with_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return fitted(five_gluons[0], ansatz="dipoles", epochs=80, hidden=48)
    finally:
        torch.set_num_threads(with_threads)
