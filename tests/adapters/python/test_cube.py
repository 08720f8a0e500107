"""Functions of the unit cube as processes, from the run file to the cross section."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
import yaml

from crosshook.adapters.python.target import load_function
from crosshook.core.cli import main
from crosshook.core.config import resolve
from crosshook.core.errors import ConfigurationError, IntegrandError
from crosshook.core.registry import default_registry
from crosshook.core.run import run
from crosshook.core.sampling.build import build_process

if TYPE_CHECKING:
    from crosshook.core.process.scattering import ScatteringProcess

FUNCTIONS = str(Path(__file__).parent / "functions.py")
EXAMPLE = str(Path(__file__).parents[3] / "examples" / "photon_mumu.py")


def process(name: str, *, generate: object = None, **options: object) -> ScatteringProcess:
    registry = default_registry()
    target = name if ":" in name else f"{FUNCTIONS}:{name}"
    document = {"process": {"python": target, "dimensions": 2, **options}, "generate": generate}
    return build_process(resolve(document, "run.yaml", registry), registry)


def points(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    u = torch.rand(n, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return u, torch.zeros(n, dtype=torch.int64)


@pytest.mark.parametrize(
    ("name", "options"), [("product", {}), ("product_numpy", {"backend": "numpy"})]
)
def test_values_come_through(name: str, options: dict[str, object]) -> None:
    u, channel = points(50)
    found = process(name, **options).evaluate(u, channel)
    assert torch.allclose(found.value, 4 * u[:, 0] * u[:, 1])
    assert found.log_prior.shape == (50, 1)


def test_three_lines_are_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Five dimensions, no events; the integral is 1."""
    run_file = tmp_path / "run.yaml"
    run_file.write_text(
        f"process: {{python: '{FUNCTIONS}:product', dimensions: 5}}\n"
        "generate: null\n"
        "sampling: {evaluations: 20_000}\n"
        "integrate: {evaluations: 40_000}\n"
        f"output: {{directory: '{tmp_path / 'run'}', report: none}}\n"
    )
    main(["run", str(run_file), "--quiet"])
    assert "pb" in capsys.readouterr().out
    found = json.loads((tmp_path / "run" / "report.json").read_text())["integration"]
    assert abs(found["cross_section"] - 1) < 5 * found["error"]
    assert found["error"] < 0.01
    assert found["histograms"] == []


def test_negative_values_count(tmp_path: Path) -> None:
    document = {
        "process": {"python": f"{FUNCTIONS}:signed", "dimensions": 1},
        "generate": None,
        "sampling": {"evaluations": 4000},
        "integrate": {"evaluations": 20_000},
        "output": {"report": "none"},
    }
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(document))
    found = run(path, output=tmp_path / "run").integration
    assert abs(found.cross_section - 0.5) < 5 * found.error


def test_the_argument_is_a_copy() -> None:
    u, channel = points(10)
    before = u.clone()
    process("changes_its_argument").evaluate(u, channel)
    assert torch.equal(u, before)


def test_gradients_go_through() -> None:
    u, channel = points(10)
    u.requires_grad_()
    process("product").evaluate(u, channel).value.sum().backward()  # type: ignore[no-untyped-call]
    assert u.grad is not None
    assert torch.allclose(u.grad[:, 0], 4 * u[:, 1])


def test_momenta_are_cut_on() -> None:
    options = {"pdg": [-11, 11, -13, 13]}
    registry = default_registry()
    target = f"{EXAMPLE}:dsigma"
    document = {
        "process": {"python": target, "dimensions": 2, **options},
        "cuts": {"pt_min": 3},
    }
    found = build_process(resolve(document, "run.yaml", registry), registry)
    u, channel = points(500)
    evaluated = found.evaluate_points(u, channel)
    passed = 5 * (1 - (2 * u[:, 0] - 1) ** 2).sqrt() >= 3
    assert torch.equal(evaluated.evaluation.value != 0, passed)
    assert evaluated.points.momenta.shape == (int(passed.sum()), 4, 4)


def test_values_without_momenta_are_no_numbers() -> None:
    """They would be events without momenta; where the value is 0 there is no event anyway."""
    u, channel = points(500)
    found = process("half_known", pdg=[-11, 11, -13, 13]).evaluate_points(u, channel)
    value, unknown = found.evaluation.value, u[:, 1] > 0.5
    positive = u[:, 0] >= 0.25
    assert torch.equal(value.isnan(), unknown & positive)
    assert torch.equal(value == 1, ~unknown & positive)
    assert torch.equal(found.rows, torch.nonzero(positive | ~unknown)[:, 0])


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "one_by_one": ({}, "raised"),
    "too_many": ({}, "shape"),
    "product": ({"pdg": [-11, 11, 22, 22]}, "gave no tuple"),
    "product_numpy": ({}, "raised|numpy"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_functions(name: str) -> None:
    options, message = WRONG[name]
    with pytest.raises(IntegrandError, match=message):
        process(name, **options).evaluate(*points(7))


def test_what_a_function_without_momenta_cannot_do() -> None:
    registry = default_registry()
    with pytest.raises(ConfigurationError, match="generate: null"):
        process("product", generate={"events": 10})
    document = {
        "process": {"python": f"{FUNCTIONS}:product", "dimensions": 2},
        "generate": None,
        "cuts": {"pt_min": 3},
    }
    with pytest.raises(ConfigurationError, match="no momenta to cut on"):
        build_process(resolve(document, "run.yaml", registry), registry)
    with pytest.raises(ConfigurationError, match="one channel"):
        process("product").give_features()


TARGETS = {
    "no_colon": "write module:function",
    "no.such.module:f": "cannot import no.such.module: ModuleNotFoundError",
    "none.py:f": "cannot import none.py: FileNotFoundError",
    "math:nothing": "math has no function 'nothing'",
    "math:pi": "math has a float as 'pi'",
}


@pytest.mark.parametrize("target", TARGETS)
def test_targets_that_lead_nowhere(target: str) -> None:
    with pytest.raises(ConfigurationError, match=TARGETS[target]):
        load_function(target, "process.python.function")


def test_modules_of_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_module_of_mine.py").write_text("def f(u):\n    return u[:, 0]\n")
    monkeypatch.chdir(tmp_path)
    function = load_function("my_own_module_of_mine:f", "here")
    assert function is load_function("my_own_module_of_mine:f", "here")
    assert load_function("my_own_module_of_mine.py:f", "here") is not function
