"""The surrogate `invariants`: accuracy, honest errors, several processes, bad tables."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, cast

import pytest
import torch

from crosshook.core.component import Slot
from crosshook.core.errors import ConfigurationError, InputError, ModelError, NumericalError
from crosshook.core.interfaces.training import Budget
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry
from crosshook.core.surrogates.evaluation import evaluate_surrogate
from crosshook.core.surrogates.models import load_surrogate, save_surrogate, surrogate_context
from crosshook.core.surrogates.training_set import AmplitudeTable, TableSource, joined
from crosshook.core.testkit.amplitude_surrogate import momenta

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crosshook.core.interfaces.process import Process
    from crosshook.plugins.surrogate.invariants import InvariantsSurrogate

    Fit = Callable[..., InvariantsSurrogate]
    Split = tuple[AmplitudeTable, AmplitudeTable]

DIPOLE_MEDIAN, DIPOLE_99, DIPOLE_EFFICIENCY = 0.026, 0.13, 0.90
"""Of a dipole-sum ansatz for gg → 3g with 100 s of training (2301.13562's kind of network)."""
PAIRS = tuple(combinations(range(5), 2))
WIDTH_ERROR = 0.962
"""Standard error of the 68.27 % point of |x|, x Gaussian, times √n: √(p(1-p))/(2φ(1))."""
FEW = {"epochs": 2, "hidden": 8, "depth": 1}


def test_a_small_training_beats_the_published_figures(
    trained: InvariantsSurrogate, five_gluons: Split
) -> None:
    found = evaluate_surrogate(trained, five_gluons[1])
    assert found.deviations.median < DIPOLE_MEDIAN
    assert found.deviations.q99 < DIPOLE_99
    assert found.efficiency > DIPOLE_EFFICIENCY
    assert found.wrong_sign == 0


def test_errors_are_honest(trained: InvariantsSurrogate, five_gluons: Split) -> None:
    """Pulls of width 1 within 10 % and five of the errors of both calibration and test."""
    table = five_gluons[1]
    found = evaluate_surrogate(trained, table)
    calibrated_on = 0.1 * len(five_gluons[0]) / 2
    allowed = 0.1 + 5 * WIDTH_ERROR * math.sqrt(1 / calibrated_on + 1 / len(table))
    assert found.pull_width is not None
    assert abs(found.pull_width - 1) < allowed
    # Larger where it says so: the tenth with the largest σ deviates more than that with the least.
    prediction = trained.predict(table.momenta, table.process, table.alpha_s)
    assert prediction.log_std is not None
    size = (prediction.log_abs - table.amplitude.log()).abs()
    order = prediction.log_std.argsort()
    tenth = len(table) // 10
    assert float(size[order[-tenth:]].median()) > 2 * float(size[order[:tenth]].median())


def test_points_unlike_the_training_are_far(
    trained: InvariantsSurrogate, five_gluons: Split
) -> None:
    table = five_gluons[1]
    inside = trained.distance(table.momenta, table.process)
    assert float((inside > 1).double().mean()) < 0.01
    # Another energy: the training knows one only. And poles that cuts kept it off.
    assert bool((trained.distance(2 * table.momenta, table.process) > 1).all())
    p = momenta(20_000, 5, torch.Generator().manual_seed(9))
    metric = p.new_tensor([1.0, -1.0, -1.0, -1.0])
    between = torch.stack([(p[:, i] * metric * p[:, j]).sum(dim=1) for i, j in PAIRS])
    near = between.amin(dim=0) < 1e-4 * 5e5
    assert int(near.sum()) > 10
    assert bool(
        (trained.distance(p[near], torch.zeros(len(p), dtype=torch.int64)[near]) > 1).all()
    )


def test_two_subprocesses_in_one_surrogate(fit: Fit) -> None:
    """gg → tt̄ and qq̄ → tt̄ at energies from 500 GeV to 2 TeV: each is told from the other."""
    process = cast(
        "Process", default_registry().build("process", "pp-ttbar", surrogate_context(0))
    )
    element = process.matrix_element()
    numbers = {sub.amplitude: i for i, sub in reversed(list(enumerate(element.subprocesses)))}
    rng = torch.Generator().manual_seed(3)
    n, parts = 3000, []
    pdg = tuple(element.subprocesses[i].pdg for i in numbers.values())
    for place, number in enumerate(numbers.values()):
        p = momenta(n, 4, rng) * (0.5 + 1.5 * torch.rand((n, 1, 1), generator=rng).double())
        p[:, 2:, 1:] *= torch.sqrt(1 - (element.masses[2] / p[:, 2:, :1]) ** 2)
        coupling = torch.full((n,), 0.118, dtype=torch.float64)
        value = element.squared(p, number, coupling).value
        process_number = torch.full((n,), place, dtype=torch.int64)
        weight = torch.ones_like(value)
        parts.append(AmplitudeTable(p, process_number, coupling, value, weight, pdg, (2, 2)))
    both = joined(parts)
    order = torch.randperm(len(both), generator=rng)
    train, test = both.select(order[1000:]), both.select(order[:1000])
    surrogate = fit(train, epochs=80, hidden=32, ansatz="none")
    for place in range(2):
        own = test.select(torch.nonzero(test.process == place)[:, 0])
        assert evaluate_surrogate(surrogate, own).deviations.median < DIPOLE_MEDIAN
    swapped = replace(test, process=1 - test.process)
    assert evaluate_surrogate(surrogate, swapped).deviations.median > 0.2


def test_a_saved_surrogate_predicts_the_same(
    trained: InvariantsSurrogate, five_gluons: Split, tmp_path: Path
) -> None:
    table = five_gluons[1].select(slice(0, 300))
    options = default_registry().options(
        "amplitude_surrogate", Slot("invariants", {"ansatz": "dipoles", "hidden": 48})
    )
    save_surrogate(trained, tmp_path, Slot("invariants", options), surrogate_context(5))
    columns = (table.momenta, table.process, table.alpha_s)
    wanted, got = trained.predict(*columns), load_surrogate(tmp_path).predict(*columns)
    assert torch.equal(wanted.log_abs, got.log_abs)
    assert wanted.log_std is not None
    assert got.log_std is not None
    assert torch.equal(wanted.log_std, got.log_std)
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="does not match its checksum"):
        load_surrogate(tmp_path)


def test_zeros_are_left_out_and_signs_are_the_majoritys(fit: Fit, five_gluons: Split) -> None:
    table = five_gluons[0].select(slice(0, 300))
    value = -table.amplitude
    value[:5] = 0.0
    value[5:10] *= -1
    rng = torch_generator(1, "fit")
    context = surrogate_context(5, rng=rng)
    surrogate = cast(
        "InvariantsSurrogate",
        default_registry().build(
            "amplitude_surrogate", {"use": "invariants", "options": FEW}, context
        ),
    )
    report = surrogate.fit(TableSource(replace(table, amplitude=value)), Budget(300), context)
    assert report.notes[0] == "5 points with |M|² = 0 were left out"
    assert report.notes[1].startswith("290 of 295 |M|² are negative")
    found = surrogate.predict(table.momenta, table.process, table.alpha_s)
    assert bool((found.sign == -1).all())


def test_what_cannot_be_learned_is_refused(fit: Fit, five_gluons: Split) -> None:
    table = five_gluons[0].select(slice(0, 100))
    with pytest.raises(InputError, match=r"10 points with .* at least 20 are needed"):
        fit(table.select(slice(0, 10)), **FEW)
    bad = table.amplitude.clone()
    bad[3] = torch.nan
    with pytest.raises(NumericalError, match="no finite number"):
        fit(replace(table, amplitude=bad), **FEW)
    with pytest.raises(ConfigurationError, match="epochs: 0 is less than"):
        fit(table, epochs=0)
    surrogate = fit(table, **FEW)
    with pytest.raises(InputError, match="momenta of 4 legs, the surrogate is for 5"):
        surrogate.predict(table.momenta[:, :4], table.process, table.alpha_s)
    context = surrogate_context(5)
    untrained = cast(
        "InvariantsSurrogate",
        default_registry().build(
            "amplitude_surrogate", "invariants", context.with_(rng=torch_generator(1, "x"))
        ),
    )
    with pytest.raises(ConfigurationError, match="needs a random generator"):
        untrained.fit(TableSource(table), Budget(100), context)
    with pytest.raises(InputError, match="5 legs in the training, 4 expected"):
        cast(
            "InvariantsSurrogate",
            default_registry().build("amplitude_surrogate", "invariants", surrogate_context(4)),
        ).fit(TableSource(table), Budget(100), surrogate_context(4, rng=torch_generator(1, "x")))
