"""Libraries behind UMAMI, compiled from the C sources beside this file and in examples/."""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import pytest

from crosshook.core.context import BuildContext
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from crosshook.core.interfaces.process import Process

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SOURCES = {
    "gg_tt": HERE / "provider.c",
    "ee_ff": ROOT / "examples" / "umami" / "ee_ff.c",
}
FLOWS = [
    [[501, 502], [502, 503], [501, 0], [0, 503]],
    [[502, 503], [501, 502], [501, 0], [0, 503]],
]
CHANNELS = [
    {"name": "s", "diagrams": [0], "propagators": [{"legs": [2, 3]}]},
    {"name": "t", "diagrams": [1], "propagators": [{"legs": [0, 2], "mass": 173.0}]},
    {"name": "u", "diagrams": [2], "propagators": [{"legs": [1, 2], "mass": 173.0}]},
]


class Compile(Protocol):
    """The library of a source with these macros, compiled once."""

    def __call__(self, source: str, *macros: str) -> Path: ...


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """See `Compile`."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build UMAMI libraries with")
    folder = tmp_path_factory.mktemp("umami")

    @lru_cache
    def build(source: str, *macros: str) -> Path:
        name = "-".join((source, *macros)).replace("=", "")
        path = folder / f"lib{name}.so"
        flags = [f"-D{macro}" for macro in macros]
        command = [compiler, "-O2", "-shared", "-fPIC", *flags]
        subprocess.run([*command, str(SOURCES[source]), "-lm", "-o", str(path)], check=True)
        return path

    return build


def top_pair(path: Path, **changes: object) -> dict[str, object]:
    """Options of gg → tt̄ out of a library."""
    subprocess_ = {
        "library": str(path),
        "pdg": [21, 21, 6, -6],
        "orders": {"qcd": 2},
        "colour_flows": FLOWS,
        **changes,
    }
    return {"subprocesses": [subprocess_], "masses": [0, 0, 173, 173], "channels": CHANNELS}


def build(options: dict[str, object]) -> Process:
    """The process as the registry builds it."""
    registry = default_registry()
    slot = {"use": "umami", "options": options}
    context = BuildContext(registry=registry)
    return cast("Process", registry.build("process", slot, context, "run.yaml: process"))
