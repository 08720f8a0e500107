"""Files of strangers are data: each attack of SECURITY.md, tried."""

from __future__ import annotations

import ast
import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.cli import main
from crosshook.core.cli.visible import visible
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, CrosshookError, ModelError
from crosshook.core.events.event_expression import EventExpression
from crosshook.core.events.parts import load_part
from crosshook.core.events.run_info import RunInfo
from crosshook.core.expression import MAX_LENGTH
from crosshook.core.model import DOCUMENT, TENSORS, load_model
from crosshook.core.run_directory import RunDirectory
from crosshook.core.run_document import read_run_file

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DEEP = "[" * 200_000


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize(
    "text",
    [
        "process: !!python/object/apply:os.system ['touch MARK']",
        "process: !!python/name:os.system",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        f"process: {DEEP}",
        "process: " + "{a: " * 5000,
        "process: " + "x" * 2_000_000,
    ],
    ids=["call", "name", "laughs", "deep list", "deep mapping", "long"],
)
def test_run_files(text: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = tmp_path / "run.yaml"
    path.write_text(text.replace("MARK", str(mark)))
    with pytest.raises(CrosshookError, match=r"run\.yaml"):
        read_run_file(path)
    assert not mark.exists()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of no tensors that a test may spoil."""
    folder = tmp_path / "model"
    folder.mkdir()
    document = {
        "format": "crosshook-model/1",
        "interface": "channel_mapping",
        "component": "vegas",
        "api": 1,
        "options": {},
        "context": {},
        "state": {},
        "sha256": "0" * 64,
    }
    (folder / DOCUMENT).write_text(json.dumps(document))
    (folder / TENSORS).write_bytes(b"")
    return folder


def test_models_with_a_pickle(model: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (model / TENSORS).write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(CrosshookError):
        load_model(model, BuildContext(dimensions=2))
    assert not mark.exists()


@pytest.mark.parametrize(
    "component", ["os:system", "crosshook.core.cli:main", "../../vegas", "builtins:eval", ""]
)
def test_models_name_components_not_code(model: Path, component: str) -> None:
    document = json.loads((model / DOCUMENT).read_text())
    (model / DOCUMENT).write_text(json.dumps({**document, "component": component}))
    with pytest.raises(CrosshookError):
        load_model(model, BuildContext(dimensions=2))


def test_deep_json(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (model / DOCUMENT).write_text(DEEP)
    with pytest.raises(ModelError, match="not JSON: nested too deeply"):
        load_model(model, BuildContext(dimensions=2))
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    run.report.write_text(DEEP)
    with pytest.raises(SystemExit) as caught:
        main(["report", str(run.path)])
    assert caught.value.code == 3
    assert "nested too deeply" in capsys.readouterr().err


def test_parts_with_a_pickle(tmp_path: Path) -> None:
    mark, part = tmp_path / "mark", tmp_path / "block-000000.npz"
    np.savez(part, counts=np.array([Payload(mark)], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        load_part(part, RunInfo())
    assert not mark.exists()


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__[0].__subclasses__()",
        "(lambda: 1)()",
        "[x for x in (1, 2)]",
        "open('/etc/passwd')",
        "f'{pt}'",
        "pt.__class__",
        "(" * 400 + "1" + ")" * 400,
        "1 + " * MAX_LENGTH + "1",
        "weight := 3",
    ],
)
def test_expressions_are_not_python(text: str) -> None:
    """Nothing is looked up, called or nested without bound."""
    with pytest.raises(ConfigurationError, match="--where"):
        EventExpression.condition(f"{text} > 0", RunInfo(), "--where")


def test_numbers_of_expressions_are_bounded() -> None:
    """Powers are those of floating-point numbers: they end at infinity, not at the memory."""
    EventExpression.condition("9 ** 9 ** 9 ** 9 ** 9 ** 9 > 0", RunInfo(), "--where")


def test_terminals_are_not_steered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steering = "\x1b]0;owned\x07\x1b[31m\x9b31m\u202egnp"
    assert visible(steering).isprintable()
    assert visible("σ = 1 ± 2 pb\n\tµ⁺") == "σ = 1 ± 2 pb\n\tµ⁺"
    with pytest.raises(SystemExit):
        main(["inspect", str(tmp_path / f"no{steering}.lhe")])
    assert "\x1b" not in capsys.readouterr().err


FORBIDDEN = {
    "eval": (), "exec": (), "compile": (), "os.system": (), "os.popen": (), "marshal.loads": (),
    "torch.load": (), "pickle.load": (), "shelve.open": (), "subprocess.getoutput": (),
    "pickle.loads": tuple(f"plugins/execution/{n}.py" for n in ("bundle", "dask", "processes", "worker")),
}  # fmt: skip
"""Calls that turn data into code, with the files that may make them: of what workers are told."""


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.parametrize("package", ["core", "plugins", "adapters", "schemas"])
def test_nothing_turns_data_into_code(package: str) -> None:
    """No eval, no pickle, no shell: looked for in every call of the source."""
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for called, node in _calls(ast.parse(path.read_text("utf-8"))):
            shell = [k for k in node.keywords if k.arg == "shell"]
            pickled = [k for k in node.keywords if k.arg == "allow_pickle"]
            if called in FORBIDDEN and name not in FORBIDDEN[called]:
                found.append(f"{name}:{node.lineno}: {called}")
            if shell or any(ast.unparse(k.value) != "False" for k in pickled):
                found.append(f"{name}:{node.lineno}: {called} with shell or allow_pickle")
            if called == "np.load" and not pickled:
                found.append(f"{name}:{node.lineno}: np.load without allow_pickle=False")
            if called == "yaml.load" and name != "core/run_yaml.py":
                found.append(f"{name}:{node.lineno}: yaml.load")
    assert not found
