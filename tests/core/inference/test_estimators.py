"""Estimators on the exactly solvable toy: joint ratios and scores, and the likelihoods they lead to."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.inference.cache import Cache
from crosshook.core.inference.estimators.joint import events_from_weights, joint_events
from crosshook.core.inference.estimators.method import train_estimator
from crosshook.core.inference.estimators.templates import Templates, column_of_events
from crosshook.core.inference.grid import ParameterGrid, make_axis
from crosshook.core.inference.prepared import PreparedProcess, prepare
from crosshook.core.inference.run_file import load_inference_file
from crosshook.core.inference.simulated import simulate_events
from crosshook.core.interfaces.features import Features
from crosshook.core.progress import Silent

if TYPE_CHECKING:
    from types import ModuleType

    from crosshook.core.inference.config import InferenceConfig

ROOT = Path(__file__).parents[3]
POINTS = 20
TRUTH = 3
"""The true value's place on the grid."""
RUN_FILE = f"""
process:
  python: "{ROOT}/examples/mem_toy.py:density"
  dimensions: 2
  parameters:
    alpha: {{value: 0.0, range: [0.0, {math.pi}], period: {math.pi}}}
  truth:
    function: "{ROOT}/examples/mem_toy.py:truth"
    names: [cos_theta, phi]
    units: ["", rad]
transfer: {{use: python, options: {{function: "{ROOT}/examples/mem_toy.py:Detector"}}}}
method: alices
estimator: {{events: 30000, epochs: 12, batch: 512}}
parameters: {{alpha: {{range: [0.0, {math.pi}], points: {POINTS}}}}}
data: {{simulate: {{events: 1}}}}
seed: 8
"""


@pytest.fixture(scope="module")
def toy() -> ModuleType:
    """The toy's own module, with the exact answer."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("mem_toy", ROOT / "examples" / "mem_toy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> InferenceConfig:
    """The run file above."""
    path = tmp_path_factory.mktemp("estimators") / "toy.yaml"
    path.write_text(RUN_FILE, "utf-8")
    return load_inference_file(path, output=path.parent / "run")


@pytest.fixture(scope="module")
def grid(config: InferenceConfig) -> ParameterGrid:
    """α once around."""
    axis = make_axis(
        "alpha", 0.0, math.pi, POINTS, math.pi, nuisance=False, constraint=None, where="alpha"
    )
    return ParameterGrid((axis,))


@pytest.fixture(scope="module")
def process(config: InferenceConfig, grid: ParameterGrid) -> PreparedProcess:
    """The toy with its detector."""
    return prepare(config.processes[0], grid, config, Cache(config.cache), Silent())


@pytest.fixture(scope="module")
def data(process: PreparedProcess) -> Features:
    """Events of one α that no estimator has seen."""
    rng = torch.Generator().manual_seed(99)
    theta = process.theta[TRUTH]
    return simulate_events(process.model, process.simulator, theta, 4000, rng).reco


def exact(toy: ModuleType, data: Features, grid: ParameterGrid) -> torch.Tensor:
    """ln p(x|α), `(n, t)`."""
    y, q = data.dense.numpy().T
    return torch.from_numpy(toy.exact_log_likelihood(y, q, grid.points[:, 0].numpy()))


def test_joint_ratios_and_scores(process: PreparedProcess, grid: ParameterGrid) -> None:
    """Means over the mixture: E[r] = 1, E[r·score] = 0; slopes against differences of the ratio."""
    rng = torch.Generator().manual_seed(5)
    events = joint_events(process, grid, 20_000, rng, Silent(), scores=True)
    ratio = torch.exp(events.log_ratio)
    error = ratio.std(dim=0) / len(events) ** 0.5
    # σ_fid has an error of its own, 1e-3 at most
    assert bool(((ratio.mean(dim=0) - 1).abs() < 5 * error + 1e-3).all())
    assert events.score is not None
    assert (ratio[..., None] * events.score).mean(dim=0).abs().max() < 1e-9
    step = grid.axes[0].step
    # the derivative of log(1 − B cos(φ − 2α)) between two points, by Simpson's rule
    score = events.score[:, :3, 0]
    rule = step / 3 * (score[:, 0] + 4 * score[:, 1] + score[:, 2])
    change = events.log_ratio[:, 2] - events.log_ratio[:, 0]
    remainder = 0.01  # step⁵/90 times a fourth derivative of order 2⁴·10, and σ_fid's error
    assert (rule - change).abs().max() < remainder


def test_alices_learns_the_likelihood(
    toy: ModuleType,
    config: InferenceConfig,
    process: PreparedProcess,
    grid: ParameterGrid,
    data: Features,
) -> None:
    """ln p(x|α) − ln p(x|α') of single events, and what is lost of what they say of α."""
    method = train_estimator(config, (process,), grid, Silent())
    found = method.likelihoods(data, "data", keep=False).nominal
    wanted = exact(toy, data, grid)
    found, wanted = (each - each.mean(dim=1, keepdim=True) for each in (found, wanted))
    # six seeds gave 0.052 on average, with a deviation of 0.014: five of these above
    bound = 0.052 + 5 * 0.014
    assert (found - wanted).std() < bound * wanted.std()
    # the divergence between distributions over the grid is half a variance: of the error, and of all
    log_found, log_wanted = (torch.log_softmax(each, dim=1) for each in (found, wanted))
    lost = (log_wanted.exp() * (log_wanted - log_found)).sum(dim=1).mean()
    said = (log_wanted.exp() * (log_wanted + math.log(POINTS))).sum(dim=1).mean()
    assert 0 < lost < bound**2 * said


@pytest.mark.parametrize("method", ["sally", "histogram"])
def test_templates_are_right_wherever_the_truth_is(
    method: str,
    toy: ModuleType,
    config: InferenceConfig,
    process: PreparedProcess,
    grid: ParameterGrid,
    data: Features,
) -> None:
    """The sum over events prefers the truth as far as their number tells, and never beats the exact
    likelihood on average: no function of x knows more than x.
    """
    estimator = replace(config.estimator, observable="q", epochs=6)
    chosen = replace(config, method=method, estimator=estimator)
    found = train_estimator(chosen, (process,), grid, Silent()).likelihoods(data, "", keep=False)
    summed = found.nominal.sum(dim=0)
    reference = exact(toy, data, grid).sum(dim=0)
    # 4000 events: the exact likelihood ends within one step of the truth
    assert abs(int(reference.argmax()) - TRUTH) <= 1
    assert abs(int(summed.argmax()) - TRUTH) <= 2
    least = float(summed.max() - summed.min())
    assert 0.02 * least < least < 1.05 * float(reference.max() - reference.min())


def test_joint_ratios_out_of_an_event_file() -> None:
    """MadGraph's ten weights of e+e- -> μ+μ-: shapes by |M|², normalised over the sample."""
    import crosshook

    file = ROOT / "tests" / "data" / "lhe" / "madgraph_ee_mumu.lhe.gz"
    with crosshook.open_events(file) as source:
        batch = next(iter(source))
    weights = torch.from_numpy(np.array(batch.weights))
    nominal = torch.from_numpy(np.array(batch.event["weight"], np.float64))
    reco = Features(torch.zeros((len(batch), 1), dtype=torch.float64), ("x",), ("",))
    found = events_from_weights(reco, weights, nominal)
    assert found.log_ratio.shape == (20, 10)
    mean = torch.exp(found.log_ratio).mean(dim=0)
    assert torch.allclose(mean, torch.ones_like(mean), rtol=1e-12)
    # of 1/α = 100, 110 … 190 it is 130 that is next to the file's own 132.5: the least is left
    assert int(found.log_ratio.abs().max(dim=0).values.argmin()) == 3
    with pytest.raises(InputError, match="joint ratios are of unweighted events"):
        events_from_weights(reco, weights, nominal * torch.linspace(1, 2, 20))
    with pytest.raises(InputError, match=r"event 3: .* must be positive"):
        events_from_weights(reco, weights * (torch.arange(20) != 3)[:, None], nominal)


def test_templates_by_hand() -> None:
    """Two bins, two hypotheses: shares are the sums of weights."""
    values = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
    weight = torch.tensor([[1.0, 4], [1, 3], [1, 2], [1, 1]], dtype=torch.float64)
    made = Templates.of(values, torch.log(weight), 2)
    assert made.edges.tolist() == [1.0]
    shares = torch.exp(made.log_ratio(torch.tensor([-5.0, 1.0, 9.0], dtype=torch.float64)))
    wanted = np.array([[0.25, 0.4], [0.75, 0.6], [0.75, 0.6]])
    assert np.allclose(shares.numpy(), wanted)


def test_columns_of_sets() -> None:
    """The object with the largest first column counts, whatever its place."""
    jets = torch.tensor([[[10.0, 1.0], [30.0, 2.0]], [[20.0, 3.0], [99.0, 4.0]]])
    mask = torch.tensor([[True, True], [True, False]])
    reco = Features(
        torch.zeros(2, 1), ("m",), ("GeV",), {"jets": (jets, mask)}, {"jets": ("pt", "y")}
    )
    assert column_of_events(reco, "jets.y").tolist() == [2.0, 3.0]
    none = replace(reco, sets={"jets": (jets, torch.zeros_like(mask))})
    assert column_of_events(none, "jets.y").tolist() == [-math.inf, -math.inf]
    with pytest.raises(ConfigurationError, match=r"no column 'jets.eta'; events have m, jets.pt"):
        column_of_events(reco, "jets.eta")


@pytest.mark.parametrize(
    ("method", "message"),
    [("histogram", "needs estimator.observable"), ("sally", "sally has one parameter; 2")],
)
def test_refusals(
    method: str,
    message: str,
    config: InferenceConfig,
    process: PreparedProcess,
    grid: ParameterGrid,
) -> None:
    more = ParameterGrid((*grid.axes, *grid.axes)) if method == "sally" else grid
    with pytest.raises(ConfigurationError, match=message):
        train_estimator(replace(config, method=method), (process,), more, Silent())


def test_several_processes_are_for_mem(
    config: InferenceConfig, process: PreparedProcess, grid: ParameterGrid
) -> None:
    with pytest.raises(ConfigurationError, match="knows one process"):
        train_estimator(config, (process, process), grid, Silent())


def test_templates_know_their_statistical_error() -> None:
    """The spread of the parts is that of a multinomial; events of a bin share it."""
    n, bins = 32_000, 10
    rng = torch.Generator().manual_seed(4)
    values = torch.randn(n, generator=rng, dtype=torch.float64)
    made = Templates.of(values, torch.zeros((n, 1), dtype=torch.float64), bins)
    parts = made.deviations.shape[1]
    error = made.deviations[..., 0].std(dim=1) / parts**0.5
    wanted = ((1 - 1 / bins) / (n / bins)) ** 0.5
    # 15 degrees of freedom in each of ten bins: 6 % of the mean
    assert float(error.mean()) == pytest.approx(wanted, rel=0.3)
    same = made.deviations_of(torch.tensor([-9.0, -8.0], dtype=torch.float64))
    assert torch.equal(same[0], same[1])
