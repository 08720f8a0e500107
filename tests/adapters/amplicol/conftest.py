"""An environment that looks like one with pyAmpliCol, around the stubs beside this file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STUB = Path(__file__).parent / "stub"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the environment; crosshook's cache is `tmp_path/cache/crosshook`."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build UMAMI libraries with")
    folder = tmp_path / "environment"
    binaries = folder / "bin"
    binaries.mkdir(parents=True)
    (folder / "lib" / "python3.11" / "site-packages" / "pyamplicol-1.0.1.dist-info").mkdir(
        parents=True
    )
    stub = binaries / "stub.py"
    shutil.copy(STUB / "pyamplicol_stub.py", stub)
    runtime = folder / "rusticol.o"
    subprocess.run(
        [compiler, "-c", "-fPIC", str(STUB / "rusticol.c"), "-o", str(runtime)], check=True
    )
    _program(binaries / "python", f'exec "{sys.executable}" "{stub}" "$@"')
    _program(
        binaries / "rusticol-config",
        f'test "$1" = --cflags && echo "-I{STUB}" || echo "{runtime} -lm"',
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CROSSHOOK_PYAMPLICOL", raising=False)
    return folder


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
