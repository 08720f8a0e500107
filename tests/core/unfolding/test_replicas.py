"""Replicas with an estimator whose variances are known, and what may go wrong with them."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.training import FitReport
from crosshook.core.interfaces.unfolder import Measured, Simulation, Unfolded, WeightFamily
from crosshook.core.unfolding.covariance import standard_errors, uncertainty
from crosshook.core.unfolding.inputs import Inputs, read_inputs, write_inputs
from crosshook.core.unfolding.replica_plan import Replica, ReplicaPlan, crossing
from crosshook.core.unfolding.replicas import run_parts, run_replicas
from crosshook.core.unfolding.specification import UnfolderSpec, fit_generator

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

N_SIMULATED, N_MEASURED = 400, 500
NOISE = 0.02
SEED = 20261122


@dataclass
class Mean:
    """Every truth row takes the sum of the data's weights over its number, times 1 + noise.

    The sum of weights is then Σ w_data (1 + ε): its variance is N (Poisson weights), that of the
    network is N² NOISE².
    """

    fits: int = 0
    drop_rows: bool = False
    broken: bool = False

    @property
    def identity(self) -> str:
        return f"mean {self.drop_rows} {self.broken}"

    def build(self, inputs: Inputs, rng: torch.Generator, progress: object) -> Mean:
        return self

    def fit(
        self,
        simulation: Simulation,
        measured: Measured,
        background: Measured | None,
        rng: torch.Generator,
    ) -> FitReport:
        self.fits += 1
        noise = 1 + NOISE * torch.randn(1, generator=rng, dtype=torch.float64, device="cpu")
        weight = simulation.weight / simulation.weight.sum() * measured.weight.sum() * noise
        weight = weight * (float("nan") if self.broken else 1.0)
        chosen = weight > 0 if self.drop_rows else torch.ones_like(weight, dtype=torch.bool)
        truth = simulation.truth.select(chosen)
        columns = weight[chosen][:, None]
        self.result = Unfolded(
            truth,
            {
                "nominal": WeightFamily("nominal", columns, ("nominal",)),
                "iteration": WeightFamily("iteration", columns.repeat(1, 2), ("1", "2")),
            },
        )
        return FitReport(evaluations=0)

    def unfold(self) -> Unfolded:
        return self.result


def events() -> Inputs:
    """Truth, reco and data of one column, and a set."""
    rng = fit_generator(SEED)

    def features(n: int, **sets: tuple[Tensor, Tensor]) -> Features:
        dense = torch.randn((n, 1), generator=rng, dtype=torch.float64, device="cpu")
        return Features(dense, ("x",), ("GeV",), sets)

    cloud = (torch.ones((N_SIMULATED, 3, 2)), torch.ones((N_SIMULATED, 3), dtype=torch.bool))
    everywhere = torch.ones(N_SIMULATED, dtype=torch.bool)
    return Inputs(
        Simulation(
            features(N_SIMULATED, cloud=cloud),
            features(N_SIMULATED),
            torch.ones(N_SIMULATED, dtype=torch.float64),
            everywhere,
            everywhere,
        ),
        Measured(features(N_MEASURED), torch.ones(N_MEASURED, dtype=torch.float64)),
        Measured(features(10), torch.ones(10, dtype=torch.float64)),
    )


def total(weights: Tensor) -> np.ndarray:
    """The sum of weights, `(k, 1)`."""
    summed: np.ndarray = weights.sum(dim=0)[:, None].numpy()
    return summed


def replicas(
    build: Mean, plan: ReplicaPlan, folder: Path | None = None
) -> dict[str, WeightFamily]:
    """Replicas of the events."""
    inputs = events()
    return run_replicas(
        build,
        inputs.simulation,
        inputs.measured,
        inputs.background,
        plan,
        SEED,
        folder=folder,
        systematics={"scale_up": 2.0 * inputs.simulation.weight},
    )


def test_variances_are_those_put_in() -> None:
    """Statistics √N and network N·noise, each within five errors: 1/√(2ν) of 60 resamples, and of
    61 · 7 spreads of seeds whose main part has 7 degrees of freedom.
    """
    made = replicas(Mean(), ReplicaPlan(bootstrap_data=60, seeds=8))
    assert made["bootstrap_data"].labels[9] == "data=1,seed=1"
    nominal = WeightFamily("nominal", made["ensemble"].weights[:, :1], ("nominal",))
    found = uncertainty({"nominal": nominal, **made}, total)
    statistical = standard_errors(found.data, found.values)[0]
    network = standard_errors(found.network, found.values)[0]
    assert abs(statistical / np.sqrt(N_MEASURED) - 1) < 5 / np.sqrt(2 * 59)
    assert abs(network / (NOISE * N_MEASURED) - 1) < 5 / np.sqrt(2 * 7)
    assert found.simulation is None
    own = WeightFamily("ensemble", torch.ones((N_SIMULATED, 2)), ("network 1", "network 2"))
    with_own = uncertainty({"nominal": nominal, **made, "networks": own}, total)
    assert with_own.network == pytest.approx(found.network)
    averaged = uncertainty({"nominal": nominal, **made}, total, averaged=8)
    assert averaged.network is not None
    assert found.network is not None
    assert averaged.network == pytest.approx(found.network / 8)
    assert found.variations["scale_up"] == pytest.approx(0.0, abs=1e-9)
    whole = found.data + found.network + found.systematic
    assert found.total == pytest.approx(whole)


def test_simulation_is_resampled_with_its_background() -> None:
    """Weights are Poisson(1) of mean and variance 1, the same whoever asks; data stay."""
    inputs = events()
    varied = Replica("mc", 3, 1).weighted(inputs, SEED)
    again = Replica("mc", 3, 0).weighted(inputs, SEED)
    other = Replica("mc", 4, 0).weighted(inputs, SEED)
    weight = varied.simulation.weight
    assert torch.equal(weight, again.simulation.weight)
    assert not torch.equal(weight, other.simulation.weight)
    assert torch.equal(varied.measured.weight, inputs.measured.weight)
    assert varied.background is not None
    assert not torch.equal(varied.background.weight, torch.ones(10, dtype=torch.float64))
    assert abs(float(weight.mean()) - 1) < 5 / np.sqrt(N_SIMULATED)
    assert abs(float(weight.var()) - 1) < 5 * np.sqrt(3 / N_SIMULATED)


def test_finished_parts_are_not_done_again(tmp_path: Path) -> None:
    """Another plan takes over what is there; another seed or other events take nothing."""
    build = Mean()
    first = replicas(build, ReplicaPlan(bootstrap_data=2, seeds=2), tmp_path)
    assert build.fits == 7
    more = replicas(build, ReplicaPlan(bootstrap_data=3, seeds=2), tmp_path)
    assert build.fits == 9
    assert torch.equal(more["bootstrap_data"].weights[:, :4], first["bootstrap_data"].weights)
    run_parts(build, events(), ReplicaPlan(), SEED + 1, folder=tmp_path)
    assert build.fits == 10
    inputs = events().reweighted(measured=torch.full((N_MEASURED,), 2.0, dtype=torch.float64))
    parts = run_parts(build, inputs, ReplicaPlan(), SEED, folder=tmp_path)
    assert build.fits == 11
    assert parts[0].iterations().shape == (N_SIMULATED, 2)


def test_inputs_are_read_back(tmp_path: Path) -> None:
    """Numbers, names, units and sets."""
    inputs = events()
    path, checksum = write_inputs(inputs, tmp_path)
    back = read_inputs(path)
    assert write_inputs(back, tmp_path) == (path, checksum)
    truth = back.simulation.truth
    assert (truth.names, truth.units, list(truth.sets)) == (("x",), ("GeV",), ["cloud"])
    assert torch.equal(truth.dense, inputs.simulation.truth.dense)
    bare, other = write_inputs(replace(inputs, background=None), tmp_path)
    assert other != checksum
    assert read_inputs(bare).background is None


def test_rows_must_stay_when_weights_change() -> None:
    inputs = events()
    with pytest.raises(NumericalError, match=r"mc=0,seed=0: weights of \d+ truth rows"):
        run_replicas(
            Mean(drop_rows=True),
            inputs.simulation,
            inputs.measured,
            None,
            ReplicaPlan(bootstrap_mc=2),
            SEED,
        )


def test_weights_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(NumericalError, match="seed=0: the unfolder gives weights that are not"):
        replicas(Mean(broken=True), ReplicaPlan())


def test_specifications_travel() -> None:
    """A slot is the same after pickling, and names what differs."""
    spec = UnfolderSpec.of({"use": "ibu", "options": {"iterations": 3}})
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert spec.identity != UnfolderSpec.of("ibu").identity


@pytest.mark.parametrize("plan", [{"bootstrap_data": -1}, {"bootstrap_mc": 1}, {"seeds": 0}])
def test_plans_that_make_no_sense(plan: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="is given, allowed is"):
        ReplicaPlan(**plan)


@pytest.mark.parametrize(
    "labels", [("nominal",), ("data=0,seed=0", "data=0,seed=1", "data=1,seed=0"), ()]
)
def test_labels_must_cross(labels: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"are not (labels|crossed)"):
        crossing(labels)
