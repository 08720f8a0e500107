"""The kit on the process, and its cross section against the closed form."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import crosshook
import pytest
from crosshook.core.testkit import checks_for, subject_of

if TYPE_CHECKING:
    from crosshook.core.testkit import Check

HERE = Path(__file__).parents[1]
SOURCE = HERE / "library" / "diphoton.c"
RUN_FILE = HERE / "diphoton.yaml"
ALPHA, ENERGY, ETA = 0.0072973525693, 91.2, 2.0
GEV2_IN_PB = 0.3893793721e9


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled library."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    path = tmp_path_factory.mktemp("library") / "libdiphoton.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(path), str(SOURCE), "-lm"]
    subprocess.run(command, check=True)
    return path


@pytest.mark.parametrize("check", checks_for("process"), ids=lambda check: check.name)
def test_conformance(check: Check, library: Path) -> None:
    """The component as a run would build it keeps the law."""
    subject = subject_of("clib", interface="process", options={"library": str(library)})
    outcome = check.outcome(subject)
    if outcome.status == "skipped":
        pytest.skip(outcome.reason)
    assert outcome.status == "passed", "\n".join(map(str, outcome.findings))


def test_cross_section_is_the_closed_form(library: Path, tmp_path: Path) -> None:
    """σ = 2πα²/s (2η - tanh η) for two photons within |η| < 2; 5σ of the stated error."""
    settings = (
        f"process.clib.library={library}",
        "sampling.evaluations=20_000",
        "integrate.evaluations=100_000",
        "generate=null",
        "output.report=none",
    )
    result = crosshook.run(RUN_FILE, settings=settings, output=tmp_path / "run")
    exact = 2 * math.pi * ALPHA**2 / ENERGY**2 * (2 * ETA - math.tanh(ETA)) * GEV2_IN_PB
    found = result.integration
    assert found.error < 0.01 * exact
    assert abs(found.cross_section - exact) < 5 * found.error


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    """The error says which file was asked for."""
    context = crosshook.BuildContext()
    slot = {"use": "clib", "options": {"library": str(tmp_path / "none.so")}}
    with pytest.raises(crosshook.ConfigurationError, match=r"none\.so: no library with a funct"):
        crosshook.default_registry().build("process", slot, context)
