"""Process directories that MadGraph wrote, named in CROSSHOOK_MADGRAPH_DIRECTORY, several by colons.

MadGraph is not on PyPI and its code is not ours to keep: the user generates and builds a directory, as
docs/madgraph.md says. |M|² is compared with the tables of CROSSHOOK_REFERENCE_DATA where they have the
process.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import torch
import yaml

import crosshook
from crosshook.adapters.madgraph.inspection import inspect_directory
from crosshook.adapters.sources.fragment import write_fragment
from crosshook.core.context import BuildContext
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from crosshook.core.interfaces.process import Process

pytestmark = pytest.mark.integration

NAMED = os.environ.get("CROSSHOOK_MADGRAPH_DIRECTORY", "")
DIRECTORIES = [Path(name) for name in NAMED.split(os.pathsep) if name]
TABLES = {
    (-11, 11, -13, 13): "ee_mumu",
    (21, 21, 6, -6): "gg_tt",
    (21, 21, 6, -6, 21): "gg_ttg",
    (21, 21, 6, -6, 21, 21): "gg_ttgg",
    (21, 2, 6, -6, 2): "gq_ttq",
}
POINTS = 2000


@pytest.fixture(params=DIRECTORIES or [None], ids=lambda path: path.name if path else "none")
def directory(request: pytest.FixtureRequest) -> Path:
    path = cast("Path | None", request.param)
    if path is None:
        pytest.skip("CROSSHOOK_MADGRAPH_DIRECTORY names no process directory of MadGraph")
    return path


def options_of(directory: Path) -> dict[str, object]:
    text, left = write_fragment(inspect_directory(directory), (), None)
    if left:
        pytest.skip(f"{directory}: left to fill in: {'; '.join(left)}")
    ((name, options),) = yaml.safe_load(text)["process"].items()
    return {"use": name, "options": options}


def test_amplitudes_agree_with_the_generators_own_tables(directory: Path) -> None:
    """Fortran and C++ of the same formulas: rounding only."""
    registry = default_registry()
    context = BuildContext(registry=registry)
    built = cast("Process", registry.build("process", options_of(directory), context, "process"))
    amplitudes = built.matrix_element()
    found = [(n, s) for n, s in enumerate(amplitudes.subprocesses) if s.pdg in TABLES]
    data = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if not data or not found:
        pytest.skip(
            "CROSSHOOK_REFERENCE_DATA is not set" if found else "no table of these processes"
        )
    parquet = pytest.importorskip("pyarrow.parquet")
    for number, subprocess in found:
        path = Path(data) / "amplitudes" / f"{TABLES[subprocess.pdg]}.parquet"
        table = parquet.read_table(path).slice(0, POINTS)
        legs = range(len(subprocess.pdg))
        names = [[f"p{leg}_{part}" for part in ("E", "px", "py", "pz")] for leg in legs]
        momenta = np.stack([np.stack([table[c].to_numpy() for c in leg], -1) for leg in names], 1)
        alpha_s = torch.from_numpy(table["alpha_s_lhe"].to_numpy().copy())
        value = amplitudes.squared(torch.from_numpy(momenta), number, alpha_s).value
        assert value.numpy() == pytest.approx(table["me2"].to_numpy(), rel=1e-9)


def test_events(directory: Path, tmp_path: Path) -> None:
    """From a directory to events whose colour lines are closed."""
    slot = options_of(directory)
    options = cast("dict[str, list[dict[str, list[int]]]]", slot["options"])
    hadronic = abs(options["subprocesses"][0]["pdg"][0]) not in (11, 13)
    document = {
        "process": {slot["use"]: slot["options"]},
        "beams": {"energy": 13000.0, "pdf": "ToyLH_LO"} if hadronic else {"energy": 1000.0},
        "cuts": {"pt_min": 20.0},
        "sampling": {"evaluations": 10_000},
        "integrate": {"evaluations": 10_000},
        "generate": {"events": 100, "pilot": 10_000},
        "output": {"directory": str(tmp_path / "run"), "formats": ["lhe"], "report": "none"},
    }
    run_file = tmp_path / "run.yaml"
    run_file.write_text(yaml.safe_dump(document))
    integration = crosshook.run(run_file).integration
    assert integration.cross_section > 5 * integration.error
    with crosshook.open_events(tmp_path / "run" / "events.lhe") as events:
        (batch,) = events
    assert len(batch) == 100
    for event in batch.to_pylhe():
        ends: Counter[int] = Counter()
        for particle in event.particles:
            if particle.status in (-1, 1):
                sign = int(particle.status)
                ends.update({int(particle.color1): sign})
                ends.subtract({int(particle.color2): sign})
        assert not any(count for line, count in ends.items() if line)
