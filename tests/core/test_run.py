"""A run refuses components that would forget what they learned."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml

from crosshook.core.component import Capabilities, Component
from crosshook.core.entry_points import Plugin, find_plugins
from crosshook.core.errors import ModelError
from crosshook.core.interfaces.training import FitReport
from crosshook.core.registry import Registry
from crosshook.core.run import run

if TYPE_CHECKING:
    from pathlib import Path

NAME = "crosshook_forgetful"


class ForgetfulMapping:
    """The identity, which says it trains and keeps nothing."""

    def forward(self, r: torch.Tensor, channel: torch.Tensor, condition: Any = None) -> Any:
        return r.clone(), torch.zeros_like(r[:, 0])

    inverse = forward

    def fit(self, source: Any, budget: Any, context: Any) -> FitReport:
        source.draw(budget.evaluations)
        return FitReport(budget.evaluations)


class ForgetfulUnweighter:
    """Has maxima and keeps them nowhere."""

    n_uniform = 1

    def fit(self, pilot: Any, rng: Any) -> tuple[str, ...]:
        self.largest = pilot.weight.abs().max().repeat(pilot.n_channels)
        return ()

    def maxima(self) -> torch.Tensor:
        return self.largest

    def unweight(self, candidates: Any, uniform: torch.Tensor) -> Any:
        raise AssertionError


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    module: Any = ModuleType(NAME)
    trains = Capabilities(trainable=True)
    module.mapping = lambda context: ForgetfulMapping()
    module.unweighter = lambda context: ForgetfulUnweighter()
    module.crosshook_channel_mapping = lambda: [
        Component("forgetful", f"{NAME}:mapping", "forgets", capabilities=trains)
    ]
    module.crosshook_unweighter = lambda: [Component("forgetful", f"{NAME}:unweighter", "forgets")]
    monkeypatch.setitem(sys.modules, NAME, module)
    made = Registry([*find_plugins(), Plugin("forgetful", NAME, "forgetful", "1", module)])
    monkeypatch.setattr("crosshook.core.run_file.default_registry", lambda disable: made)
    return made


@pytest.mark.parametrize(
    ("slot", "interface"),
    [("sampling.channel_mapping", "channel_mapping"), ("generate.unweighter", "unweighter")],
)
def test_what_was_fitted_must_be_kept(
    registry: Registry, tmp_path: Path, slot: str, interface: str
) -> None:
    document = {
        "process": "ee-mumu",
        "sampling": {"channel_mapping": "uniform", "evaluations": 1000},
        "integrate": {"evaluations": 1000},
        "generate": {"events": 10, "pilot": 1000},
        "block_size": 1000,
    }
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    with pytest.raises(
        ModelError, match=f"{interface} 'forgetful' is fitted in a run but not declared"
    ):
        run(path, settings=[f"{slot}=forgetful"], output=tmp_path / "run")
    assert not (tmp_path / "run").exists()
