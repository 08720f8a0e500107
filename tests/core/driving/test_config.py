"""Run files with `generator:`: what is left of them when they are resolved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crosshook.core.component import Slot
from crosshook.core.driving.config import KEYS, DrivenConfig, resolve_driven
from crosshook.core.errors import ConfigurationError
from crosshook.core.execute import SerialExecutor
from crosshook.core.registry import default_registry
from crosshook.core.run import run
from crosshook.core.run_document import read_run_file

EXAMPLE = Path(__file__).parents[3] / "examples" / "sherpa-zjet.yaml"


def test_the_example_resolves_to_itself() -> None:
    """It has the keys that count and no others, survives JSON, and resolves to itself."""
    document, where = read_run_file(EXAMPLE)
    config = resolve_driven(document, where, default_registry())
    assert set(config.document) == set(KEYS)
    assert config.generator.options["binary"] == "Sherpa"
    assert (config.events, config.pilot) == (10_000, 200_000)
    again = resolve_driven(dict(config.document), where, default_registry())
    assert again == config
    assert DrivenConfig.from_document(json.loads(json.dumps(config.document))) == config


def test_its_program_computes_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="computed by its program"):
        run(EXAMPLE, output=tmp_path / "run", executor=SerialExecutor())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "written",
    [
        {"sherpa": "a.yaml", "binary": "S"},
        {"binary": "S", "sherpa": "a.yaml"},
        {"sherpa": {"card": "a.yaml", "binary": "S"}},
        {"sherpa": "a.yaml", "options": {"binary": "S"}},
        {"use": "sherpa", "options": {"card": "a.yaml", "binary": "S"}},
    ],
)
def test_ways_to_write_it(written: dict[str, object]) -> None:
    config = resolve_driven({"generator": written}, "run.yaml", default_registry())
    assert isinstance(config.generator, Slot)
    assert (config.generator.use, config.generator.options["card"]) == ("sherpa", "a.yaml")
    assert config.generator.options["binary"] == "S"
