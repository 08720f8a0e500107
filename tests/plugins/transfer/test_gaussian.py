"""The parametric response: resolutions come out, pairs of columns can be named."""

from __future__ import annotations

import math

import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.training import Budget
from crosshook.core.registry import default_registry
from crosshook.core.transfer.paired import PairedEvents, PairedTable, TrainableTransfer

N = 8000
OPTIONS = {"epochs": 15, "acceptance_epochs": 1, "batch": 256}


def events(seed: int) -> PairedEvents:
    """Energies with σ² = (3 GeV)² + (0.1 E)², all accepted."""
    rng = torch.Generator().manual_seed(seed)
    energy = 20.0 + 200.0 * torch.rand(N, generator=rng, dtype=torch.float64)
    noise = torch.randn(N, generator=rng, dtype=torch.float64)
    seen = 2.0 + 0.9 * energy + torch.sqrt(9.0 + (0.1 * energy) ** 2) * noise
    return PairedEvents(
        Features(energy[:, None], ("quark_e",), ("GeV",)),
        Features(seen[:, None], ("jet_e",), ("GeV",)),
        torch.ones(N, dtype=torch.bool),
        torch.ones(N, dtype=torch.float64),
    )


def trained(**options: object) -> TrainableTransfer:
    context = BuildContext(rng=torch.Generator().manual_seed(4))
    slot = {"use": "gaussian", "options": {**OPTIONS, **options}}
    function = default_registry().build("transfer_function", slot, context)
    assert isinstance(function, TrainableTransfer)
    function.fit(PairedTable(events(1)), Budget(N), context)
    return function


def test_resolution_of_an_energy() -> None:
    """⟨−log T⟩ of fresh events reaches the detector's own entropy: 3 parameters cost 3/2n."""
    function = trained(response={"jet_e": "quark_e"})
    fresh = events(2)
    found = float(function.log_prob(fresh.reco, fresh.truth).mean())  # type: ignore[attr-defined]
    width = torch.sqrt(9.0 + (0.1 * fresh.truth.dense[:, 0]) ** 2)
    pull = (fresh.reco.dense[:, 0] - 2.0 - 0.9 * fresh.truth.dense[:, 0]) / width
    best = -0.5 * pull.square() - width.log() - 0.5 * math.log(2 * math.pi)
    assert found == pytest.approx(float(best.mean()), abs=5e-3)


def test_without_losses_the_acceptance_is_1() -> None:
    function = trained()
    truth = events(3).truth
    assert torch.equal(function.log_acceptance(truth), torch.zeros(N, dtype=torch.float64))  # type: ignore[attr-defined]


def test_unknown_partners_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no true column 'quark'; there are quark_e"):
        trained(response={"jet_e": "quark"})
    with pytest.raises(ConfigurationError, match="no column 'jet' in the reconstruction"):
        trained(response={"jet": "quark_e"})
    with pytest.raises(ConfigurationError, match="periodic: no column 'phi'"):
        trained(periodic=["phi"])


def test_other_columns_are_refused() -> None:
    function = trained()
    sample = events(5)
    other = Features(sample.truth.dense, ("gluon_e",), ("GeV",))
    with pytest.raises(InputError, match="columns gluon_e"):
        function.log_prob(sample.reco, other)  # type: ignore[attr-defined]
    bad = Features(sample.reco.dense.clone(), ("jet_e",), ("GeV",))
    bad.dense[7] = math.nan
    with pytest.raises(InputError, match="jet_e of row 7 is nan"):
        function.log_prob(bad, sample.truth)  # type: ignore[attr-defined]
    untrained = default_registry().build("transfer_function", "gaussian", BuildContext())
    with pytest.raises(ConfigurationError, match="not trained yet"):
        untrained.log_prob(sample.reco, sample.truth)  # type: ignore[attr-defined]


def test_too_few_events() -> None:
    context = BuildContext(rng=torch.Generator().manual_seed(4))
    function = default_registry().build("transfer_function", "gaussian", context)
    assert isinstance(function, TrainableTransfer)
    with pytest.raises(InputError, match="30 accepted events of 30, at least 50"):
        function.fit(PairedTable(events(1)), Budget(30), context)


def test_a_column_of_one_value_is_refused() -> None:
    some = events(1)
    flat = Features(torch.full((N, 1), 5.0, dtype=torch.float64), ("jet_e",), ("GeV",))
    context = BuildContext(rng=torch.Generator().manual_seed(4))
    slot = {"use": "gaussian", "options": OPTIONS}
    function = default_registry().build("transfer_function", slot, context)
    assert isinstance(function, TrainableTransfer)
    table = PairedTable(PairedEvents(some.truth, flat, some.accepted, some.weight))
    with pytest.raises(InputError, match="reco column 'jet_e': all 8000 values are 5"):
        function.fit(table, Budget(N), context)
