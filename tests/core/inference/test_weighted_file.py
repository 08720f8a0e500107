"""Estimators that learn from a generator's events and the weights it wrote for other parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from crosshook.core import random
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.inference.cache import Cache
from crosshook.core.inference.config import WeightsFrom
from crosshook.core.inference.estimators.weighted_file import events_of_file
from crosshook.core.inference.grid import ParameterGrid, make_axis
from crosshook.core.inference.prepared import PreparedProcess, prepare
from crosshook.core.inference.run import infer
from crosshook.core.inference.run_file import load_inference_file
from crosshook.core.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.inference.estimators.joint import JointEvents

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "ee-mumu-weights.yaml"
IDS = tuple(f"rwgt_{i}" for i in range(1, 11))


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def grid() -> ParameterGrid:
    """Ten values of 1/α, those of the file."""
    axis = make_axis(
        "alpha_qed_inverse", 100, 190, 10, None, nuisance=False, constraint=None, where="1/α"
    )
    return ParameterGrid((axis,))


@pytest.fixture(scope="module")
def process(grid: ParameterGrid, tmp_path_factory: pytest.TempPathFactory) -> PreparedProcess:
    """That of the example."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        config = load_inference_file(EXAMPLE, output=tmp_path_factory.mktemp("weights"))
        return prepare(config.processes[0], grid, config, Cache(config.cache), Silent())


@pytest.fixture
def read(process: PreparedProcess, grid: ParameterGrid) -> Callable[..., JointEvents]:
    """Reads the file, with some of what is asked for changed."""
    file = ROOT / "tests" / "data" / "lhe" / "madgraph_ee_mumu.lhe.gz"

    def events(**changed: Any) -> JointEvents:
        given = replace(WeightsFrom(file, IDS, {}), **changed)
        return events_of_file(given, process, grid, random.torch_generator(3, "x"), Silent())

    return events


def test_the_example_runs(tmp_path: Path) -> None:
    report = infer(EXAMPLE, settings=["output.report=none"], output=tmp_path / "out")
    (found,) = report.parameters
    assert report.method == "alices"
    assert 100 <= found.best <= 190


def test_ratios_are_those_of_the_file(read: Callable[..., JointEvents]) -> None:
    """σ ∝ α² but for the Z: a smaller 1/α has larger weights, before all are normalised."""
    events = read()
    assert 10 < len(events) <= 20
    assert events.log_ratio.shape == (len(events), 10)
    mean = torch.exp(events.log_ratio).mean(dim=0)
    assert torch.allclose(mean, torch.ones_like(mean), rtol=1e-12)
    assert int(events.log_ratio.abs().max(dim=0).values.argmin()) == 3
    turned = read(weights=IDS[::-1])
    assert torch.equal(turned.log_ratio.flip(1), events.log_ratio)


def test_what_is_refused(read: Callable[..., JointEvents], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"weights: 9 of them; the grid .* has 10 points"):
        read(weights=IDS[:9])
    with pytest.raises(InputError, match="no weight 'rwgt_99'; it has rwgt_1, rwgt_2"):
        read(weights=(*IDS[:9], "rwgt_99"))
    with pytest.raises(ConfigurationError, match="truth: gives eta, x; the detector is told eta"):
        read(truth={"x": "pt[0]"})
    with pytest.raises(InputError, match="event 0: a truth column is no number"):
        read(truth={"eta": "eta[7]"})
    with pytest.raises(ConfigurationError, match="learns from scores, which weights of a file"):
        infer(EXAMPLE, settings=["estimator.score_weight=0.1"], output=tmp_path / "out")
